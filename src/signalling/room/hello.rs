//! The first message of a connection, and its answer.

use std::time::Instant;

use super::connection::{Identity, Phase};
use super::grants::{Credentials, Grants};
use super::rejection::Rejection;
use super::{Action, ConnectionId, Rooms};
use crate::signalling::message::{ErrorCode, ServerMessage, Token, VERSIONS};

impl Rooms {
    pub(super) fn hello(
        &mut self,
        connection: ConnectionId,
        deadline: Instant,
        versions: &[u32],
        mut identity: Identity,
        token: Option<Token>,
    ) -> Result<(), Rejection> {
        let Some(version) = versions.iter().copied().find(|v| VERSIONS.contains(v)) else {
            return Err(Rejection::new(
                ErrorCode::UnsupportedVersion,
                format!("no version in common: this server speaks {VERSIONS:?}; update the older"),
            ));
        };
        self.limits.check_name("user's name", &identity.user)?;
        identity.display_name = identity.display_name.filter(|name| !name.is_empty());
        if let Some(name) = &identity.display_name {
            self.limits.check_name("display name", name)?;
        }
        let credentials = Credentials {
            user: identity.user.clone(),
            token,
        };
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.phase = Phase::Admitting {
                deadline,
                version,
                identity,
            };
        }
        self.actions
            .push_back(Action::Admit(connection, credentials));
        Ok(())
    }

    pub(super) fn admitted(
        &mut self,
        id: ConnectionId,
        result: Result<Grants, Rejection>,
        now: Instant,
    ) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        let Phase::Admitting {
            deadline,
            version,
            identity,
        } = &connection.phase
        else {
            return;
        };
        match result {
            Ok(grants) => {
                let server = self.server.clone();
                let welcome = ServerMessage::Welcome {
                    version: *version,
                    server,
                };
                connection.phase = Phase::Welcomed {
                    deadline: *deadline,
                    identity: identity.clone(),
                    grants,
                };
                self.actions.push_back(Action::Send(id, welcome));
            }
            Err(rejection) => self.refuse(id, rejection, now),
        }
    }
}
