//! The properties that say which call to join, and as whom.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::time::Duration;

use acscall::signalling::client::{BadUrl, ServerUrl};

use crate::call::CallSettings;

/// Where the server is unless told otherwise.
pub(crate) const DEFAULT_SERVER: &str = "ws://127.0.0.1:7788";
/// The environment's token, for those who do not want it on a command line.
const TOKEN_VARIABLE: &str = "ACSCALL_TOKEN";
/// What the server takes as the name of a call or a user, in characters.
const NAME_LENGTH: usize = 128;

/// The properties as they were set.
#[derive(Clone, Debug)]
pub(crate) struct CallProperties {
    pub(crate) server: Option<String>,
    pub(crate) call: Option<String>,
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

/// A property has a value that cannot be used. The text names it and the cure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadProperty {
    #[error("no call to join: set the property 'call' to the name of one, for example call=room")]
    NoCall,
    #[error(
        "the property '{property}' is not a usable name, since {problem}: \
         1 to {NAME_LENGTH} characters without control characters are, for example {property}=alice"
    )]
    Name {
        property: &'static str,
        problem: String,
    },
    #[error("property 'server': {0}")]
    Server(#[from] BadUrl),
    #[error(
        "the property 'stun-server' is '{0}': it has to look like stun-server=stun://host:3478"
    )]
    Stun(String),
    // Without the value: it holds a password.
    #[error(
        "entry {0} of the property 'turn-servers' is not usable: each has to look like \
         turn://user:password@host:3478 (or turns://…), with commas in between"
    )]
    Turn(usize),
}

impl CallProperties {
    /// What the call is asked for. `latency` in ms, from the elements that have a say.
    pub(crate) fn to_settings(&self, latency: Option<u32>) -> Result<CallSettings, BadProperty> {
        let call = present(&self.call).ok_or(BadProperty::NoCall)?;
        check_name("call", call)?;
        let user = present(&self.user).unwrap_or_else(|| own_user());
        check_name("user", user)?;
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
            call: call.into(),
            user: user.into(),
            display_name: display_name.map(Into::into),
            token: present(&self.token).map(Into::into).or_else(|| {
                std::env::var(TOKEN_VARIABLE)
                    .ok()
                    .filter(|token| !token.is_empty())
            }),
            latency,
            stun_server: stun_server.map(Into::into),
            turn_servers: turn_servers(present(&self.turn_servers).unwrap_or_default())?,
            embedded_server: self.embedded_server,
            linger: Duration::from_millis(self.linger.into()),
        })
    }
}

/// The user of elements that name none: the same for all of this process.
fn own_user() -> &'static str {
    static USER: OnceLock<String> = OnceLock::new();
    // The hasher's keys are random; nothing here has to be hard to guess.
    USER.get_or_init(|| format!("user-{:04x}", RandomState::new().hash_one(()) & 0xffff))
}

/// An empty text is how gst-launch-1.0 unsets.
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
mod tests {
    use super::*;

    fn properties() -> CallProperties {
        CallProperties {
            call: Some("room".into()),
            ..CallProperties::default()
        }
    }

    #[test]
    fn a_call_has_to_be_named_and_the_text_says_how() {
        for call in [None, Some(String::new())] {
            let error = CallProperties {
                call,
                ..properties()
            }
            .to_settings(None)
            .unwrap_err();
            assert_eq!(error, BadProperty::NoCall);
            assert!(error.to_string().contains("call=room"));
        }
    }

    #[test]
    fn names_have_1_to_128_characters_without_control_characters() {
        let named = |call: &str| {
            CallProperties {
                call: Some(call.into()),
                ..properties()
            }
            .to_settings(None)
        };
        assert!(named(&"é".repeat(128)).is_ok());
        assert!(named("a room: Ω/∞ %41").is_ok());
        assert!(
            named(&"é".repeat(129))
                .unwrap_err()
                .to_string()
                .contains("129")
        );
        assert!(named("a\nb").unwrap_err().to_string().contains("control"));
        let user = CallProperties {
            user: Some("\u{7f}".into()),
            ..properties()
        };
        assert!(
            user.to_settings(None)
                .unwrap_err()
                .to_string()
                .contains("'user'")
        );
    }

    #[test]
    fn without_a_user_all_elements_are_one() {
        let first = properties().to_settings(None).unwrap().user;
        assert_eq!(first, properties().to_settings(Some(7)).unwrap().user);
        assert!(first.starts_with("user-") && first.len() == 9, "{first}");
    }

    #[test]
    fn ice_servers_are_checked_and_a_password_is_not_shown() {
        let with = |stun: &str, turn: &str| {
            CallProperties {
                stun_server: Some(stun.into()),
                turn_servers: Some(turn.into()),
                ..properties()
            }
            .to_settings(None)
        };
        let good = with("stun://h:3478", "turn://u:p@h:1, turns://u:p@g").unwrap();
        assert_eq!(good.turn_servers, ["turn://u:p@h:1", "turns://u:p@g"]);
        assert!(with("", "").unwrap().stun_server.is_none());
        assert!(
            with("h:3478", "")
                .unwrap_err()
                .to_string()
                .contains("stun://host:3478")
        );
        assert!(with("stun://", "").is_err());
        let error = with("", "turn://u:p@h,http://u:secret@h").unwrap_err();
        assert_eq!(error, BadProperty::Turn(2));
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn a_server_that_is_none_is_told_with_its_property() {
        let server = CallProperties {
            server: Some("http://x".into()),
            ..properties()
        };
        let text = server.to_settings(None).unwrap_err().to_string();
        assert!(
            text.contains("'server'") && text.contains("http://x"),
            "{text}"
        );
    }
}
