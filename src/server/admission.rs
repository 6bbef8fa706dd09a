//! Who may come in: reads tokens and hands out ICE servers.

use super::{Ice, Secret, token};
use crate::model::IceServer;
use crate::signalling::room::{Credentials, Grants, Rejection};

/// The door of a server.
#[derive(Clone, Debug, Default)]
pub(super) struct Admission {
    /// What tokens are signed with; without it everybody may come in.
    pub(super) secret: Option<Secret>,
    /// What who comes into a call is given.
    pub(super) ice: Ice,
}

impl Admission {
    /// What a client with these credentials may do, at `now` in seconds since 1970.
    pub(super) fn admit(&self, credentials: &Credentials, now: u64) -> Result<Grants, Rejection> {
        let Credentials { user, token } = credentials;
        let mut grants = Grants::unlimited();
        if let Some(secret) = &self.secret {
            let token = token.as_ref().ok_or(token::BadToken::Missing);
            let claims = token
                .and_then(|presented| token::verify(&presented.0, user, secret, now))
                .map_err(|error| Rejection::new(error.code(), error.to_string()))?;
            grants.calls = claims.calls();
            grants.place = claims.place;
        }
        Ok(grants)
    }

    /// What `user` is given when it comes into a call, at `now` in seconds since 1970.
    pub(super) fn ice_servers(&self, user: &str, now: u64) -> Vec<IceServer> {
        self.ice.servers(user, now)
    }
}
