//! Admission: checks tokens and provides ICE servers.

use super::{Ice, Secret, token};
use crate::model::IceServer;
use crate::signalling::room::{Credentials, Grants, Rejection};

/// The admission of a server.
#[derive(Clone, Debug, Default)]
pub(super) struct Admission {
    /// The secret of the tokens. Without it everybody is admitted.
    pub(super) secret: Option<Secret>,
    /// The ICE servers for participants.
    pub(super) ice: Ice,
}

impl Admission {
    /// Returns the permissions of a client with these credentials, at `now` in seconds since 1970.
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

    /// Returns the ICE servers for `user` on joining a call, at `now` in seconds since 1970.
    pub(super) fn ice_servers(&self, user: &str, now: u64) -> Vec<IceServer> {
        self.ice.servers(user, now)
    }
}
