//! Connections: opened, refused, hung up, closed.

use std::net::IpAddr;
use std::time::Instant;

use super::limits::Bucket;
use super::refusal::Refusal;
use super::{Action, ConnectionId, Rooms, Timer};
use crate::signalling::message::{ErrorCode, ParticipantId, ServerMessage};

#[derive(Debug)]
pub(super) struct Connection {
    address: IpAddr,
    pub(super) messages: Bucket,
    pub(super) bytes: Bucket,
    pub(super) phase: Phase,
}

#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Nothing heard.
    New { deadline: Instant },
    /// Said `hello`.
    Greeted {
        deadline: Instant,
        user: String,
        display_name: Option<String>,
    },
    /// In a call.
    Joined { call: String, id: ParticipantId },
    /// [`Action::Close`] is out; whatever still comes is ignored.
    Closing,
}

impl Rooms {
    pub(super) fn opened(&mut self, id: ConnectionId, address: IpAddr, now: Instant) {
        let count = self.addresses.entry(address).or_default();
        *count += 1;
        let crowded = *count > self.limits.connections_per_address;
        let deadline = now + self.limits.handshake;
        let (limits, phase) = (&self.limits, Phase::New { deadline });
        let messages = Bucket::new(limits.messages_per_second, limits.message_burst, now);
        let bytes = Bucket::new(limits.bytes_per_second, limits.byte_burst, now);
        self.connections.insert(
            id,
            Connection {
                address,
                messages,
                bytes,
                phase,
            },
        );
        self.timers.insert((deadline, Timer::Handshake(id)));
        if crowded {
            let text = format!(
                "more than {} connections from {address}: close some, one client needs one per call",
                self.limits.connections_per_address
            );
            self.refuse(id, Refusal::new(ErrorCode::LimitExceeded, text), now);
        }
    }

    pub(super) fn closed(&mut self, id: ConnectionId, now: Instant) {
        self.release(id, now);
        if let Some(connection) = self.connections.remove(&id)
            && let Some(count) = self.addresses.get_mut(&connection.address)
        {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&connection.address);
            }
        }
    }

    /// Tells a client why it is refused, and closes where that is fatal.
    pub(super) fn refuse(&mut self, id: ConnectionId, refusal: Refusal, now: Instant) {
        let phase = self
            .connections
            .get(&id)
            .map(|connection| &connection.phase);
        if matches!(phase, None | Some(Phase::Closing)) {
            return;
        }
        let Refusal { code, message } = refusal;
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

    /// The connection carries nothing from now on: its participant, if it has one, is lost.
    pub(super) fn release(&mut self, id: ConnectionId, now: Instant) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        match std::mem::replace(&mut connection.phase, Phase::Closing) {
            Phase::New { deadline } | Phase::Greeted { deadline, .. } => {
                self.timers.remove(&(deadline, Timer::Handshake(id)));
            }
            Phase::Joined { call: name, id } => {
                if let Some(call) = self.calls.get_mut(&name)
                    && call.member(&id).is_some()
                {
                    let until = now + self.limits.resume;
                    call.lose(&id, until, &mut self.actions);
                    self.timers.insert((until, Timer::Lost(name, id)));
                }
            }
            Phase::Closing => {}
        }
    }
}
