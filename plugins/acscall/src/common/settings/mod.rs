//! The properties that say which call to join, place or answer, and as which user.

mod target;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::time::Duration;

use acscall::signalling::client::{BadUrl, ServerUrl};
use acscall::signalling::message::Token;

use crate::call::CallSettings;
pub(super) use target::callees;

/// The default of the property `server`.
const DEFAULT_SERVER: &str = "ws://127.0.0.1:7788";
/// The environment variable with the token, which keeps it off the command line.
const TOKEN_VARIABLE: &str = "ACSCALL_TOKEN";
/// The longest name of a call or user that the server accepts, in characters.
const NAME_LENGTH: usize = 128;

/// The call properties as the application set them.
#[derive(Clone)]
pub(crate) struct CallProperties {
    pub(crate) server: Option<String>,
    pub(crate) call: Option<String>,
    pub(crate) callee: Option<String>,
    pub(crate) auto_accept: bool,
    pub(crate) incoming: bool,
    pub(crate) user: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) stun_server: Option<String>,
    pub(crate) turn_servers: Option<String>,
    pub(crate) embedded_server: bool,
    /// In ms.
    pub(crate) linger: u32,
}

impl Default for CallProperties {
    fn default() -> CallProperties {
        CallProperties {
            server: Some(DEFAULT_SERVER.into()),
            call: None,
            callee: None,
            auto_accept: false,
            incoming: false,
            user: None,
            display_name: None,
            token: None,
            stun_server: None,
            turn_servers: None,
            embedded_server: true,
            linger: 0,
        }
    }
}

/// Omits the token and the TURN passwords.
impl fmt::Debug for CallProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallProperties")
            .field("server", &self.server)
            .field("call", &self.call)
            .field("callee", &self.callee)
            .field("auto_accept", &self.auto_accept)
            .field("incoming", &self.incoming)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A property has an invalid value. The text names the property and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadProperty {
    #[error(
        "no call is set: set one of the properties 'call' to the name of a call to join \
         (call=room), 'callee' to the users to call (callee=bob,carol), or 'auto-accept' or \
         'incoming' to wait for calls to 'user' (auto-accept=true user=alice)"
    )]
    NoCall,
    #[error(
        "the properties '{0}' and '{1}' are both set, but an element is in only one call: set only \
         one of 'call', 'callee' and 'auto-accept' or 'incoming'"
    )]
    TwoCalls(&'static str, &'static str),
    #[error("the user '{0}' calls itself: call other users, or set another 'user'")]
    OwnUser(String),
    #[error(
        "invalid name in '{property}': {problem}; use 1 to {NAME_LENGTH} characters without control \
         characters, such as {property}=alice"
    )]
    Name {
        property: &'static str,
        problem: String,
    },
    #[error("the property '{0}' is not valid UTF-8")]
    Encoding(&'static str),
    #[error("invalid property 'server': {0}")]
    Server(#[from] BadUrl),
    #[error(
        "the property 'stun-server' is not valid: '{0}'; use the form \
         stun-server=stun://host:3478"
    )]
    Stun(String),
    // Omits the value, which contains a password.
    #[error(
        "entry {0} of the property 'turn-servers' is not valid: use the form \
         turn://user:password@host:3478 (or turns://…), separated by commas"
    )]
    Turn(usize),
}

impl CallProperties {
    /// Validates the properties. `latency` is in ms and given by elements that receive.
    pub(crate) fn to_settings(&self, latency: Option<u32>) -> Result<CallSettings, BadProperty> {
        self.check_encoding()?;
        let user = present(&self.user).unwrap_or_else(|| default_user());
        check_name("user", user)?;
        let target = self.target(user)?;
        let display_name = present(&self.display_name);
        if let Some(name) = display_name {
            check_name("display-name", name)?;
        }
        let stun_server = present(&self.stun_server);
        if let Some(stun) = stun_server.filter(|stun| !has_host(stun, &["stun://"])) {
            return Err(BadProperty::Stun(stun.into()));
        }
        Ok(CallSettings {
            server: ServerUrl::parse(present(&self.server).unwrap_or(DEFAULT_SERVER))?,
            target,
            user: user.into(),
            display_name: display_name.map(Into::into),
            token: self.token(),
            latency,
            stun_server: stun_server.map(Into::into),
            turn_servers: turn_servers(present(&self.turn_servers).unwrap_or_default())?,
            embedded_server: self.embedded_server,
            linger: Duration::from_millis(self.linger.into()),
        })
    }

    /// Rejects texts that were not UTF-8: they contain U+FFFD.
    fn check_encoding(&self) -> Result<(), BadProperty> {
        let texts = [
            ("server", &self.server),
            ("call", &self.call),
            ("callee", &self.callee),
            ("user", &self.user),
            ("display-name", &self.display_name),
            ("token", &self.token),
            ("stun-server", &self.stun_server),
            ("turn-servers", &self.turn_servers),
        ];
        let is_broken = |text: &Option<String>| {
            let text = text.as_deref().unwrap_or_default();
            text.contains(char::REPLACEMENT_CHARACTER)
        };
        match texts.into_iter().find(|(_, text)| is_broken(text)) {
            Some((property, _)) => Err(BadProperty::Encoding(property)),
            None => Ok(()),
        }
    }

    fn token(&self) -> Option<Token> {
        let token = present(&self.token).map(str::to_owned);
        let token = token.or_else(|| std::env::var(TOKEN_VARIABLE).ok());
        token.filter(|token| !token.is_empty()).map(Token)
    }
}

/// Returns the user of elements that set none: the same in the whole process.
fn default_user() -> &'static str {
    static USER: OnceLock<String> = OnceLock::new();
    // The hasher's keys are random. The name need not be hard to guess.
    USER.get_or_init(|| format!("user-{:04x}", RandomState::new().hash_one(()) & 0xffff))
}

/// Returns the value unless it is empty: gst-launch-1.0 unsets a property with an empty string.
fn present(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

fn check_name(property: &'static str, name: &str) -> Result<(), BadProperty> {
    let problem = match name.chars().count() {
        length if length > NAME_LENGTH => format!("it has {length} characters"),
        _ if name.chars().any(char::is_control) => "it has control characters".into(),
        _ => return Ok(()),
    };
    Err(BadProperty::Name { property, problem })
}

fn turn_servers(list: &str) -> Result<Vec<String>, BadProperty> {
    list.split(',')
        .map(str::trim)
        .filter(|server| !server.is_empty())
        .enumerate()
        .map(|(index, server)| {
            if has_host(server, &["turn://", "turns://"]) {
                Ok(server.into())
            } else {
                Err(BadProperty::Turn(index + 1))
            }
        })
        .collect()
}

fn has_host(url: &str, schemes: &[&str]) -> bool {
    let rest = schemes.iter().find_map(|scheme| url.strip_prefix(scheme));
    rest.is_some_and(|rest| {
        let host = rest.rsplit('@').next().unwrap_or_default();
        !host.is_empty()
            && !host.starts_with(':')
            && !rest.chars().any(|c| c.is_whitespace() || c.is_control())
    })
}

#[cfg(test)]
mod tests;
