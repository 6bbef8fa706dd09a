//! Messages of clients in a call.

use std::time::Instant;

use super::grants::check_place;
use super::rejection::Rejection;
use super::{ConnectionId, Rooms};
use crate::model::ParticipantId;
use crate::signalling::message::{ClientMessage, ErrorCode};

/// The sender of a message: a client in a call.
pub(super) struct Sender {
    pub(super) connection: ConnectionId,
    pub(super) call: String,
    pub(super) id: ParticipantId,
    /// Whether its user may place calls.
    pub(super) place: bool,
}

impl Rooms {
    pub(super) fn handle_in_call(
        &mut self,
        sender: Sender,
        message: ClientMessage,
        now: Instant,
    ) -> Result<(), Rejection> {
        let Sender {
            connection,
            call: name,
            id,
            place,
        } = sender;
        let Some(call) = self.calls.get_mut(&name) else {
            return Ok(());
        };
        let out = &mut self.actions;
        match message {
            ClientMessage::Roles { receives, sends } => call.change(&id, out, |entry| {
                entry.receives = receives;
                entry.sends = sends;
            }),
            ClientMessage::Media { kinds } => call.change(&id, out, |entry| entry.media = kinds),
            ClientMessage::Want { of, kinds } => return call.want(&id, &of, kinds, out),
            ClientMessage::Signal { to, signal } => {
                return call.signal(&id, &to, signal, self.limits.candidates_per_leg, out);
            }
            ClientMessage::Invite { users } => {
                check_place(place, "invite others")?;
                return self.invite(connection, &name, &id, users, now);
            }
            ClientMessage::Accept { .. } | ClientMessage::Reject { .. } => {
                return Err(Rejection::new(
                    ErrorCode::OutOfOrder,
                    "this connection is in a call: answer others on one that listens",
                ));
            }
            _ => {
                return Err(Rejection::new(
                    ErrorCode::OutOfOrder,
                    "this connection is in a call: open another one for another call",
                ));
            }
        }
        Ok(())
    }
}
