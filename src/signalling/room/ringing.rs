//! Invitations: users that are being rung, and the connections on which they listen.
//!
//! A user is rung for one call at a time, on all of its listening connections. So a user that is
//! being rung is busy for other callers, and all its connections ring for the same call.

use std::time::Instant;

use super::connection::{Identity, Phase};
use super::member::Entry;
use super::rejection::Rejection;
use super::{Action, ConnectionId, Grants, Rooms, Timer};
use crate::model::{CalleeState, IncomingEnd};
use crate::signalling::message::{ErrorCode, ServerMessage};

/// A user that is being rung.
#[derive(Debug)]
pub(super) struct Invitation {
    /// The call.
    pub(super) call: String,
    /// The user who invites.
    inviter: Identity,
    /// The time until which it rings.
    until: Instant,
}

impl Invitation {
    fn incoming(&self) -> ServerMessage {
        ServerMessage::Incoming {
            call: self.call.clone(),
            user: self.inviter.user.clone(),
            display_name: self.inviter.display_name.clone(),
        }
    }
}

impl Rooms {
    /// Makes a connection listen, and announces a call that already rings for its user.
    pub(super) fn listen(&mut self, connection: ConnectionId, identity: Identity, grants: Grants) {
        let user = identity.user.clone();
        self.advance(connection, Phase::Listening { identity, grants });
        self.actions
            .push_back(Action::Send(connection, ServerMessage::Listening {}));
        if let Some(invitation) = self.invitations.get(&user) {
            self.actions
                .push_back(Action::Send(connection, invitation.incoming()));
        }
        self.listeners.entry(user).or_default().insert(connection);
    }

    /// Rings `user`, who is not in the call `name`. Returns the user's status, or `None` if it did
    /// not change.
    pub(super) fn ring(
        &mut self,
        name: &str,
        user: &str,
        inviter: &Identity,
        now: Instant,
    ) -> Option<CalleeState> {
        match self.invitations.get(user) {
            Some(invitation) if invitation.call == name => return None,
            Some(_) => return Some(CalleeState::Busy),
            None => {}
        }
        let Some(listeners) = self.listeners.get(user) else {
            return Some(match self.calls.values().any(|call| call.has(user)) {
                true => CalleeState::Busy,
                false => CalleeState::Unknown,
            });
        };
        let until = now + self.limits.ringing;
        let invitation = Invitation {
            call: name.to_owned(),
            inviter: inviter.clone(),
            until,
        };
        for connection in listeners {
            self.actions
                .push_back(Action::Send(*connection, invitation.incoming()));
        }
        self.invitations.insert(user.to_owned(), invitation);
        self.timers.insert((until, Timer::Ringing(user.to_owned())));
        if let Some(call) = self.calls.get_mut(name) {
            call.ringing.insert(user.to_owned());
            if call.placed.is_some() {
                call.add_guest(user);
            }
        }
        Some(CalleeState::Ringing)
    }

    /// Accepts the call that rings on a listening connection.
    pub(super) fn accept(
        &mut self,
        connection: ConnectionId,
        grants: Grants,
        name: String,
        entry: Entry,
        now: Instant,
    ) -> Result<(), Rejection> {
        self.check_rings(&name, &entry.user)?;
        let id = self.join_as_new(connection, &name, entry, now)?;
        let joined = Phase::Joined {
            call: name,
            id,
            place: grants.place,
        };
        self.advance(connection, joined);
        Ok(())
    }

    /// Declines the call that rings on `connection` for `user`.
    pub(super) fn reject(
        &mut self,
        connection: ConnectionId,
        user: &str,
        name: &str,
        now: Instant,
    ) -> Result<(), Rejection> {
        self.check_rings(name, user)?;
        self.stop_ringing(user, IncomingEnd::DeclinedElsewhere, Some(connection));
        self.broadcast_callee(name, user, CalleeState::Declined);
        self.end_if_finished(name, now);
        Ok(())
    }

    /// Handles the expired time for `user` to answer.
    pub(super) fn no_answer(&mut self, user: &str, now: Instant) {
        if let Some(name) = self.stop_ringing(user, IncomingEnd::NoAnswer, None) {
            self.broadcast_callee(&name, user, CalleeState::NoAnswer);
            self.end_if_finished(&name, now);
        }
    }

    /// Handles that `user` joined the call `name` on `connection`: if it was being rung for that
    /// call, it has answered.
    pub(super) fn answered(&mut self, name: &str, user: &str, connection: ConnectionId) {
        if !self.is_rung(name, user) {
            return;
        }
        self.stop_ringing(user, IncomingEnd::AnsweredElsewhere, Some(connection));
        if let Some(call) = self.calls.get_mut(name) {
            call.add_guest(user);
        }
        self.broadcast_callee(name, user, CalleeState::Accepted);
    }

    /// Stops ringing `user` and sends the reason to all its listening connections but one. Returns
    /// the call.
    pub(super) fn stop_ringing(
        &mut self,
        user: &str,
        reason: IncomingEnd,
        except: Option<ConnectionId>,
    ) -> Option<String> {
        let Invitation { call, until, .. } = self.invitations.remove(user)?;
        self.timers
            .remove(&(until, Timer::Ringing(user.to_owned())));
        if let Some(call) = self.calls.get_mut(&call) {
            call.ringing.remove(user);
        }
        let connections = self.listeners.get(user).into_iter().flatten();
        for connection in connections.filter(|connection| Some(**connection) != except) {
            let message = ServerMessage::IncomingEnded {
                call: call.clone(),
                reason,
            };
            self.actions.push_back(Action::Send(*connection, message));
        }
        Some(call)
    }

    fn is_rung(&self, name: &str, user: &str) -> bool {
        let invitation = self.invitations.get(user);
        invitation.is_some_and(|invitation| invitation.call == name)
    }

    fn check_rings(&self, name: &str, user: &str) -> Result<(), Rejection> {
        if self.is_rung(name, user) {
            return Ok(());
        }
        let text = "this call does not ring here any more: it has ended, or was answered or \
                    declined elsewhere; wait for the next";
        Err(Rejection::new(ErrorCode::IncomingGone, text))
    }
}
