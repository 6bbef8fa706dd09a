//! Connections: opening, refusing, hanging up, closing.

use std::net::IpAddr;
use std::time::Instant;

use super::address::rate_limit_key;
use super::limits::Limits;
use super::rejection::Rejection;
use super::{Action, ConnectionId, Grants, Rooms, Timer};
use crate::model::ParticipantId;
use crate::rate_limit::RateLimiter;
use crate::signalling::message::{ClientMessage, ServerMessage};

#[derive(Debug)]
pub(super) struct Connection {
    address: IpAddr,
    pub(super) messages: RateLimiter<Instant>,
    pub(super) bytes: RateLimiter<Instant>,
    changes: RateLimiter<Instant>,
    pub(super) phase: Phase,
}

#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Nothing was received.
    New { deadline: Instant },
    /// `hello` was received; the driver checks the credentials.
    Admitting {
        deadline: Instant,
        version: u32,
        identity: Identity,
    },
    /// `welcome` was sent.
    Welcomed {
        deadline: Instant,
        identity: Identity,
        grants: Grants,
    },
    /// Listens for calls to its user.
    Listening { identity: Identity, grants: Grants },
    /// In a call.
    Joined {
        call: String,
        id: ParticipantId,
        /// Whether its user may place calls.
        place: bool,
    },
    /// [`Action::Close`] was sent; further messages are ignored.
    Closing,
}

/// The user that a client claims to be.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) user: String,
    pub(super) display_name: Option<String>,
}

impl Connection {
    /// Charges a message to the rate limits by the work that it causes for others. Each user that
    /// it names counts as a message.
    pub(super) fn allows(
        &mut self,
        message: &ClientMessage,
        limits: &Limits,
        now: Instant,
    ) -> Result<(), Rejection> {
        let (limiter, tokens, rejection) = match message {
            // Relayed to all others, or to one of them for a leg.
            ClientMessage::Roles { .. }
            | ClientMessage::Media { .. }
            | ClientMessage::Want { .. } => (&mut self.changes, 1, limits.too_many_changes()),
            ClientMessage::Place { callees: users, .. } | ClientMessage::Invite { users } => {
                let more = u32::try_from(users.len().saturating_sub(1)).unwrap_or(u32::MAX);
                (&mut self.messages, more, limits.too_fast())
            }
            _ => return Ok(()),
        };
        limiter.try_acquire(tokens, now).map_err(|_| rejection)
    }

    pub(super) fn address(&self) -> IpAddr {
        self.address
    }
}

impl Rooms {
    pub(super) fn opened(&mut self, id: ConnectionId, address: IpAddr, now: Instant) {
        let address = rate_limit_key(address);
        let counted = self.count(address, now);
        let deadline = now + self.limits.handshake;
        let (limits, phase) = (&self.limits, Phase::New { deadline });
        let messages = RateLimiter::new(limits.messages());
        let bytes = RateLimiter::new(limits.bytes());
        let changes = RateLimiter::new(limits.changes());
        self.connections.insert(
            id,
            Connection {
                address,
                messages,
                bytes,
                changes,
                phase,
            },
        );
        self.timers.insert((deadline, Timer::Handshake(id)));
        if let Err(rejection) = counted {
            self.refuse(id, rejection, now);
        }
    }

    pub(super) fn closed(&mut self, id: ConnectionId, now: Instant) {
        self.release(id, now);
        if let Some(connection) = self.connections.remove(&id) {
            self.remove_connection(connection.address, now);
        }
    }

    /// Sends the reason for a rejection and closes the connection if the error is fatal.
    pub(super) fn refuse(&mut self, id: ConnectionId, rejection: Rejection, now: Instant) {
        let phase = self
            .connections
            .get(&id)
            .map(|connection| &connection.phase);
        if matches!(phase, None | Some(Phase::Closing)) {
            return;
        }
        let Rejection { code, message } = rejection;
        self.actions
            .push_back(Action::Send(id, ServerMessage::Error { code, message }));
        if code.is_fatal() {
            self.hang_up(id, now);
        }
    }

    pub(super) fn hang_up(&mut self, id: ConnectionId, now: Instant) {
        self.release(id, now);
        self.actions.push_back(Action::Close(id));
    }

    /// Detaches the connection; its participant, if any, becomes lost.
    pub(super) fn release(&mut self, id: ConnectionId, now: Instant) {
        let before = self.advance(id, Phase::Closing);
        if let Some(Phase::Joined { call: name, id, .. }) = before
            && let Some(call) = self.calls.get_mut(&name)
            && call.member(&id).is_some()
        {
            let until = now + self.limits.resume;
            call.mark_lost(&id, until, &mut self.actions);
            self.timers.insert((until, Timer::Lost(name, id)));
        }
    }

    /// Moves a connection to [`Phase::Listening`] or a later phase. Returns the previous phase.
    pub(super) fn advance(&mut self, id: ConnectionId, phase: Phase) -> Option<Phase> {
        let connection = self.connections.get_mut(&id)?;
        let before = std::mem::replace(&mut connection.phase, phase);
        match &before {
            Phase::New { deadline }
            | Phase::Admitting { deadline, .. }
            | Phase::Welcomed { deadline, .. } => {
                self.timers.remove(&(*deadline, Timer::Handshake(id)));
            }
            Phase::Listening { identity, .. } => {
                if let Some(of_user) = self.listeners.get_mut(&identity.user) {
                    of_user.remove(&id);
                    if of_user.is_empty() {
                        self.listeners.remove(&identity.user);
                    }
                }
            }
            Phase::Joined { .. } | Phase::Closing => {}
        }
        Some(before)
    }
}
