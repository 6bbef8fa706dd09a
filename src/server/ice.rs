//! The STUN and TURN servers for clients.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::hmac;

use super::Secret;
use crate::model::IceServer;

/// STUN and TURN servers. None by default.
#[derive(Clone, Debug, Default)]
pub struct Ice {
    /// STUN servers: `stun:host:port`.
    pub stun: Vec<String>,
    /// TURN servers.
    pub turn: Option<Turn>,
}

/// TURN servers that share a secret with this server (coturn's `use-auth-secret`).
///
/// A client gets the user name `<end>:<user>` and a password, the HMAC-SHA1 of the user name under
/// the secret. The TURN server checks it by itself and accepts it until `end`.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Their URLs: `turn:host:port`, `turns:host:port?transport=tcp`.
    pub urls: Vec<String>,
    /// The secret shared with the TURN servers.
    pub secret: Secret,
    /// The lifetime of a password. Later legs also need a valid one, so it has to be longer than
    /// calls last.
    pub lifetime: Duration,
}

impl Ice {
    /// Returns the servers for `user`, at `now` in seconds since 1970.
    pub(super) fn servers(&self, user: &str, now: u64) -> Vec<IceServer> {
        let stun = (!self.stun.is_empty()).then(|| IceServer {
            urls: self.stun.clone(),
            ..IceServer::default()
        });
        let turn = self.turn.as_ref().map(|turn| turn.server(user, now));
        stun.into_iter().chain(turn).collect()
    }
}

impl Turn {
    fn server(&self, user: &str, now: u64) -> IceServer {
        let end = now.saturating_add(self.lifetime.as_secs());
        let username = format!("{end}:{}", plain(user));
        let key = self.secret.key(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY);
        let credential = BASE64.encode(hmac::sign(&key, username.as_bytes()));
        IceServer {
            urls: self.urls.clone(),
            username: Some(username),
            credential: Some(credential),
        }
    }
}

/// Returns the user in a form that is valid in STUN, in URLs and in the TURN server's log. It is
/// informative only: the password alone authorizes.
fn plain(user: &str) -> String {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let shown = user.chars().map(|c| if good(c) { c } else { '_' });
    shown.take(64).collect()
}

/// Whether `url` is a STUN or TURN address with one of these `schemes` (`stun:`), in the form of
/// RFC 7064 and 7065.
pub(super) fn is_ice_url(url: &str, schemes: &[&str]) -> bool {
    let rest = schemes.iter().find_map(|scheme| url.strip_prefix(scheme));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with(['/', ':', '?'])
            && !rest.contains('@')
            && rest.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::TURN_SECRET;

    fn ice() -> Ice {
        Ice {
            stun: vec!["stun:s.example".into(), "stun:t.example:3478".into()],
            turn: Some(Turn {
                urls: vec!["turn:t.example:3478".into()],
                secret: Secret::new(b"north", TURN_SECRET).unwrap(),
                lifetime: Duration::from_secs(86400),
            }),
        }
    }

    #[test]
    fn the_turn_password_is_the_one_that_coturn_computes() {
        let servers = ice().servers("anna", 1_800_000_000);
        assert_eq!(servers.len(), 2);
        assert_eq!(servers[0].urls, ice().stun);
        assert_eq!(servers[0].credential, None);
        assert_eq!(servers[1].username.as_deref(), Some("1800086400:anna"));
        // printf 1800086400:anna | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(
            servers[1].credential.as_deref(),
            Some("p0ZOXKOEdQVbszgPecQnAkpKavY=")
        );
    }

    #[test]
    fn a_user_name_of_any_form_makes_a_plain_turn_name() {
        let servers = ice().servers("Zoë: @/\u{1F600}", 0);
        assert_eq!(servers[1].username.as_deref(), Some("86400:Zo______"));
        let long = ice().servers(&"x".repeat(128), 0);
        assert_eq!(long[1].username.as_ref().map(String::len), Some(6 + 64));
    }

    #[test]
    fn without_servers_the_client_gets_none() {
        assert_eq!(Ice::default().servers("anna", 0), []);
    }

    #[test]
    fn addresses_have_the_form_that_browsers_accept() {
        for good in ["turn:h", "turn:h:3478?transport=udp", "turns:[::1]:5349"] {
            assert!(is_ice_url(good, &["turn:", "turns:"]), "{good}");
        }
        for bad in [
            "", "turn:", "turn://h", "stun:h", "turn:u@h", "turn:h x", "h", "turn::1",
        ] {
            assert!(!is_ice_url(bad, &["turn:", "turns:"]), "{bad}");
        }
    }
}
