//! The room machine: every call of a server, without sockets or clock.
//!
//! The driver passes [`Input`]s with the time, performs every [`Action`] that the machine returns,
//! and calls [`Rooms::handle_timeout`] when [`Rooms::poll_timeout`] is due. Only the client that
//! sends an invalid message sees an error; the others see at most a lost connection.

mod address;
mod call;
mod connection;
mod ending;
mod grants;
mod hello;
mod identity;
mod in_call;
mod join;
mod limits;
mod member;
mod placed;
mod placed_state;
mod random;
mod rejection;
mod ringing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::time::Instant;

use address::Address;
pub use address::rate_limit_key;
use call::Call;
use connection::{Connection, Identity, Phase};
use ending::Tombstone;
pub use grants::{CallScope, Credentials, Grants};
use in_call::Sender;
pub use limits::Limits;
use member::Entry;
#[cfg(test)]
pub(crate) use random::Dice;
pub use random::{Random, SystemRandom};
pub use rejection::Rejection;
use ringing::Invitation;

use super::message::{ClientMessage, ErrorCode, ServerMessage, VERSIONS};
use super::parse::{ParseError, parse};
use crate::model::ParticipantId;

/// Identifies a connection. The driver assigns it and never reuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// An input of the machine.
#[derive(Clone, Debug)]
pub enum Input {
    /// A WebSocket was opened from this address.
    Opened(ConnectionId, IpAddr),
    /// A text message was received.
    Text(ConnectionId, String),
    /// Answers [`Action::Admit`].
    Admitted(ConnectionId, Result<Grants, Rejection>),
    /// A message was received that is not text.
    Broken(ConnectionId, Broken),
    /// The WebSocket is closed. This is the last input of each connection, also after
    /// [`Action::Close`].
    Closed(ConnectionId),
}

/// Why a message is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It is larger than [`Limits::message_size`].
    TooLong,
    /// It is binary or not UTF-8.
    NotText,
}

/// A command to the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Check these credentials and answer with [`Input::Admitted`] before the next input of this
    /// connection.
    Admit(ConnectionId, Credentials),
    /// Send this message. The driver adds its ICE servers to a [`ServerMessage::Joined`]: their
    /// passwords expire by the wall clock, and a listening client may join a call long after its
    /// admission.
    Send(ConnectionId, ServerMessage),
    /// Close the WebSocket after the messages queued before.
    Close(ConnectionId),
}

/// Counts of connections, calls and users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Open connections.
    pub connections: usize,
    /// Calls.
    pub calls: usize,
    /// Participants of all calls.
    pub participants: usize,
    /// Participants whose connection is lost and who may resume.
    pub participants_lost: usize,
    /// Connections that listen for calls.
    pub listening: usize,
    /// Users who are being rung.
    pub ringing: usize,
}

/// All calls of a server.
pub struct Rooms {
    limits: Limits,
    random: Box<dyn Random>,
    server: String,
    connections: BTreeMap<ConnectionId, Connection>,
    addresses: BTreeMap<IpAddr, Address>,
    calls: BTreeMap<String, Call>,
    /// The connections on which each user listens for calls.
    listeners: BTreeMap<String, BTreeSet<ConnectionId>>,
    /// The users who are being rung.
    invitations: BTreeMap<String, Invitation>,
    /// The ends of calls, for lost participants that resume later.
    tombstones: BTreeMap<(String, ParticipantId), Tombstone>,
    timers: BTreeSet<(Instant, Timer)>,
    actions: VecDeque<Action>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// The time for `hello` and `join`, `place` or `listen` has expired.
    Handshake(ConnectionId),
    /// The time for a participant to resume has expired.
    Lost(String, ParticipantId),
    /// The time for a user to answer has expired.
    Ringing(String),
    /// The time to resume a placed call of another server has expired.
    Restored(String),
    /// The connection history of an address no longer matters.
    Forget(IpAddr),
}

impl Rooms {
    /// Creates a machine without calls.
    pub fn new(limits: Limits, mut random: Box<dyn Random>) -> Rooms {
        let server = random::token::<8>(&mut *random);
        Rooms {
            limits,
            random,
            server,
            connections: BTreeMap::new(),
            addresses: BTreeMap::new(),
            calls: BTreeMap::new(),
            listeners: BTreeMap::new(),
            invitations: BTreeMap::new(),
            tombstones: BTreeMap::new(),
            timers: BTreeSet::new(),
            actions: VecDeque::new(),
        }
    }

    /// Handles an input at the time `now`.
    pub fn handle(&mut self, input: Input, now: Instant) {
        match input {
            Input::Opened(id, address) => self.opened(id, address, now),
            Input::Text(id, text) => self.text(id, &text, now),
            Input::Admitted(id, result) => self.admitted(id, result, now),
            Input::Broken(id, Broken::TooLong) => {
                let rejection = self.limits.too_long();
                self.refuse(id, rejection, now);
            }
            Input::Broken(id, Broken::NotText) => {
                let text = "the message is not text: send JSON in UTF-8 text messages";
                self.refuse(id, Rejection::new(ErrorCode::Malformed, text), now);
            }
            Input::Closed(id) => self.closed(id, now),
        }
    }

    /// Returns the next action, or `None`.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Returns the time to call [`Rooms::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// Handles the timers due at `now`. Calling it early is harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.poll_timeout().is_some_and(|due| due <= now) {
            let Some((_, timer)) = self.timers.pop_first() else {
                break;
            };
            match timer {
                Timer::Handshake(id) => {
                    let text = format!(
                        "no hello and join, place or listen within {} s: send them at once after \
                         connecting",
                        self.limits.handshake.as_secs_f32()
                    );
                    self.refuse(id, Rejection::new(ErrorCode::LimitExceeded, text), now);
                }
                Timer::Lost(call, id) => self.resume_timed_out(call, id, now),
                Timer::Ringing(user) => self.no_answer(&user, now),
                Timer::Restored(call) => self.restored(&call, now),
                Timer::Forget(address) => self.forget(address, now),
            }
        }
    }

    /// Returns the current counts.
    pub fn stats(&self) -> Stats {
        let calls = self.calls.values();
        Stats {
            connections: self.connections.len(),
            calls: self.calls.len(),
            participants: calls.clone().map(Call::len).sum(),
            participants_lost: calls.map(Call::lost).sum(),
            listening: self.listeners.values().map(BTreeSet::len).sum(),
            ringing: self.invitations.len(),
        }
    }

    fn text(&mut self, id: ConnectionId, text: &str, now: Instant) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        if matches!(connection.phase, Phase::Closing) {
            return;
        }
        let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let in_time = connection.messages.try_acquire(1, now).is_ok()
            && connection.bytes.try_acquire(bytes, now).is_ok();
        let mut is_fault = true;
        let result = if text.len() > self.limits.message_size {
            Err(self.limits.too_long())
        } else if !in_time {
            Err(self.limits.too_fast())
        } else {
            match parse(text) {
                Ok(message) => connection
                    .allows(&message, &self.limits, now)
                    .and_then(|()| {
                        // A full call is not the client's fault.
                        use ClientMessage::{Accept, Join, Place};
                        is_fault = !matches!(message, Join { .. } | Accept { .. } | Place { .. });
                        self.message(id, message, now)
                    }),
                Err(error @ ParseError::UnknownType(_)) => Err(Rejection::new(
                    ErrorCode::UnknownMessage,
                    format!("{error}: this server speaks protocol version {VERSIONS:?}"),
                )),
                Err(ParseError::Malformed(error)) => Err(Rejection::new(
                    ErrorCode::Malformed,
                    format!("the message cannot be read: {error}"),
                )),
            }
        };
        if let Err(rejection) = result {
            if is_fault && rejection.code == ErrorCode::LimitExceeded {
                self.penalize(id, now);
            }
            self.refuse(id, rejection, now);
        }
    }

    fn message(
        &mut self,
        connection: ConnectionId,
        message: ClientMessage,
        now: Instant,
    ) -> Result<(), Rejection> {
        let Some(phase) = self.connections.get(&connection).map(|c| c.phase.clone()) else {
            return Ok(());
        };
        match (phase, message) {
            (Phase::Closing, _) => Ok(()),
            (_, ClientMessage::Leave { for_everyone }) => self.leave(connection, for_everyone, now),
            (
                Phase::New { deadline },
                ClientMessage::Hello {
                    versions,
                    user,
                    display_name,
                    token,
                },
            ) => {
                let identity = Identity { user, display_name };
                self.hello(connection, deadline, &versions, identity, token)
            }
            (
                Phase::Welcomed {
                    identity, grants, ..
                },
                ClientMessage::Join {
                    call,
                    receives,
                    sends,
                    media,
                    resume,
                },
            ) => {
                let entry = Entry::new(identity, receives, sends, media);
                self.join(connection, grants, call, entry, resume, now)
            }
            (
                Phase::Welcomed {
                    identity, grants, ..
                },
                ClientMessage::Listen {},
            ) => {
                self.listen(connection, identity, grants);
                Ok(())
            }
            (
                Phase::Welcomed {
                    identity, grants, ..
                },
                ClientMessage::Place {
                    callees,
                    receives,
                    sends,
                    media,
                },
            ) => {
                let entry = Entry::new(identity, receives, sends, media);
                self.place(connection, grants, callees, entry, now)
            }
            (
                Phase::Listening { identity, grants },
                ClientMessage::Accept {
                    call,
                    receives,
                    sends,
                    media,
                },
            ) => {
                let entry = Entry::new(identity, receives, sends, media);
                self.accept(connection, grants, call, entry, now)
            }
            (Phase::Listening { identity, .. }, ClientMessage::Reject { call }) => {
                self.reject(connection, &identity.user, &call, now)
            }
            (Phase::Joined { call, id, place }, message) => {
                let sender = Sender {
                    connection,
                    call,
                    id,
                    place,
                };
                self.handle_in_call(sender, message, now)
            }
            (phase, message) => Err(Rejection::new(
                ErrorCode::OutOfOrder,
                out_of_order(&phase, &message),
            )),
        }
    }
}

/// Returns the error text for a message that is not allowed in this phase.
fn out_of_order(phase: &Phase, message: &ClientMessage) -> &'static str {
    match (phase, message) {
        (Phase::New { .. }, _) => "the first message has to be hello",
        (_, ClientMessage::Hello { .. }) => {
            "hello comes once: open another connection in order to be another user"
        }
        (Phase::Listening { .. }, _) => {
            "this connection waits for calls: accept one, or open another connection"
        }
        (_, ClientMessage::Accept { .. } | ClientMessage::Reject { .. }) => {
            "calls come only to who waits for them: send listen first"
        }
        _ => "this needs a call: send join or place first",
    }
}

impl fmt::Debug for Rooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms")
            .field("connections", &self.connections)
            .field("addresses", &self.addresses)
            .field("calls", &self.calls)
            .field("listeners", &self.listeners)
            .field("invitations", &self.invitations)
            .field("tombstones", &self.tombstones)
            .field("timers", &self.timers)
            .finish_non_exhaustive()
    }
}
