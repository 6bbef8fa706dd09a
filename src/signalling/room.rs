//! The room machine: every call of a server, without sockets or clock.
//!
//! The driver feeds it [`Input`]s with the time, performs every [`Action`] it returns, and calls
//! [`Rooms::handle_timeout`] when [`Rooms::poll_timeout`] is due. Whatever a client sends, only
//! that client sees an error; the others see at most that its connection is lost.

mod address;
mod call;
mod connection;
mod hello;
mod identity;
mod join;
mod limits;
mod pass;
mod random;
mod refusal;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::time::Instant;

use address::Address;
pub use address::counted_as;
use call::{Call, Entry};
use connection::{Connection, Identity, Phase};
pub(crate) use limits::Bucket;
pub use limits::Limits;
pub use pass::{Calls, Credentials, Pass};
pub use random::{Random, SystemRandom};
pub use refusal::Refusal;

use super::message::{ClientMessage, ErrorCode, ParticipantId, ServerMessage, VERSIONS};
use super::parse::{ParseError, parse};

/// Names one connection; made by the driver, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What happens to the machine.
#[derive(Clone, Debug)]
pub enum Input {
    /// A WebSocket is open, from this address.
    Opened(ConnectionId, IpAddr),
    /// A text message came.
    Text(ConnectionId, String),
    /// Answers [`Action::Admit`].
    Admitted(ConnectionId, Result<Pass, Refusal>),
    /// Something came that is no text message.
    Broken(ConnectionId, Broken),
    /// The WebSocket is gone. Comes once per connection, last; also after [`Action::Close`].
    Closed(ConnectionId),
}

/// Why something is no text message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It is larger than [`Limits::message_size`].
    TooLong,
    /// It is binary, or no UTF-8.
    NotText,
}

/// What the driver has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Find out what a client with these credentials may do, and answer with
    /// [`Input::Admitted`] before the next input of this connection.
    Admit(ConnectionId, Credentials),
    /// Send this.
    Send(ConnectionId, ServerMessage),
    /// Close the WebSocket, after what was sent before is out.
    Close(ConnectionId),
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Open connections.
    pub connections: usize,
    /// Calls.
    pub calls: usize,
    /// Participants of all calls.
    pub participants: usize,
    /// Those of them whose connection is lost and may come back.
    pub participants_lost: usize,
}

/// All calls of a server.
pub struct Rooms {
    limits: Limits,
    random: Box<dyn Random>,
    server: String,
    connections: BTreeMap<ConnectionId, Connection>,
    addresses: BTreeMap<IpAddr, Address>,
    calls: BTreeMap<String, Call>,
    timers: BTreeSet<(Instant, Timer)>,
    actions: VecDeque<Action>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// Time is up for `hello` and `join`.
    Handshake(ConnectionId),
    /// Time is up for a participant of a call to come back.
    Lost(String, ParticipantId),
    /// The connections of an address were opened long ago.
    Forget(IpAddr),
}

impl Rooms {
    /// A server without calls.
    pub fn new(limits: Limits, mut random: Box<dyn Random>) -> Rooms {
        let server = random::token::<8>(&mut *random);
        Rooms {
            limits,
            random,
            server,
            connections: BTreeMap::new(),
            addresses: BTreeMap::new(),
            calls: BTreeMap::new(),
            timers: BTreeSet::new(),
            actions: VecDeque::new(),
        }
    }

    /// Takes in what happened at `now`.
    pub fn handle(&mut self, input: Input, now: Instant) {
        match input {
            Input::Opened(id, address) => self.opened(id, address, now),
            Input::Text(id, text) => self.text(id, &text, now),
            Input::Admitted(id, result) => self.admitted(id, result, now),
            Input::Broken(id, Broken::TooLong) => {
                let refusal = self.limits.too_long();
                self.refuse(id, refusal, now);
            }
            Input::Broken(id, Broken::NotText) => {
                let text = "the message is not text: send JSON in UTF-8 text messages";
                self.refuse(id, Refusal::new(ErrorCode::Malformed, text), now);
            }
            Input::Closed(id) => self.closed(id, now),
        }
    }

    /// The next thing to do; `None` when all is done.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Rooms::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// Does what is due at `now`. Calling it early does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.poll_timeout().is_some_and(|due| due <= now) {
            let Some((_, timer)) = self.timers.pop_first() else {
                break;
            };
            match timer {
                Timer::Handshake(id) => {
                    let text = format!(
                        "no hello and join within {} s: send them at once after connecting",
                        self.limits.handshake.as_secs_f32()
                    );
                    self.refuse(id, Refusal::new(ErrorCode::LimitExceeded, text), now);
                }
                Timer::Lost(call, id) => {
                    let reason = format!(
                        "its connection was lost and did not come back within {} s",
                        self.limits.resume.as_secs_f32()
                    );
                    self.remove(&call, &id, &reason);
                }
                Timer::Forget(address) => self.forget(address, now),
            }
        }
    }

    /// How much there is now.
    pub fn census(&self) -> Census {
        let calls = self.calls.values();
        Census {
            connections: self.connections.len(),
            calls: self.calls.len(),
            participants: calls.clone().map(Call::len).sum(),
            participants_lost: calls.map(Call::lost).sum(),
        }
    }

    fn text(&mut self, id: ConnectionId, text: &str, now: Instant) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        if matches!(connection.phase, Phase::Closing) {
            return;
        }
        let in_time = connection.messages.take(1, now) && connection.bytes.take(text.len(), now);
        let mut is_fault = true;
        let result = if text.len() > self.limits.message_size {
            Err(self.limits.too_long())
        } else if !in_time {
            Err(self.limits.too_fast())
        } else {
            match parse(text) {
                Ok(message) if is_change(&message) && !connection.changes.take(1, now) => {
                    Err(self.limits.too_many_changes())
                }
                Ok(message) => {
                    // That a call is full is nobody's fault.
                    is_fault = !matches!(message, ClientMessage::Join { .. });
                    self.message(id, message, now)
                }
                Err(error @ ParseError::UnknownType(_)) => Err(Refusal::new(
                    ErrorCode::UnknownMessage,
                    format!("{error}: this server speaks protocol version {VERSIONS:?}"),
                )),
                Err(ParseError::Malformed(error)) => Err(Refusal::new(
                    ErrorCode::Malformed,
                    format!("the message cannot be read: {error}"),
                )),
            }
        };
        if let Err(refusal) = result {
            if is_fault && refusal.code == ErrorCode::LimitExceeded {
                self.fine(id);
            }
            self.refuse(id, refusal, now);
        }
    }

    fn message(
        &mut self,
        connection: ConnectionId,
        message: ClientMessage,
        now: Instant,
    ) -> Result<(), Refusal> {
        let Some(phase) = self.connections.get(&connection).map(|c| c.phase.clone()) else {
            return Ok(());
        };
        match (phase, message) {
            (_, ClientMessage::Leave {}) => {
                self.leave(connection, now);
                Ok(())
            }
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
                Phase::Greeted { identity, pass, .. },
                ClientMessage::Join {
                    call,
                    receives,
                    sends,
                    media,
                    resume,
                },
            ) => {
                let entry = Entry {
                    user: identity.user,
                    display_name: identity.display_name,
                    receives,
                    sends,
                    media,
                };
                self.join(connection, pass, call, entry, resume)
            }
            (Phase::Joined { call, id }, message) => self.within(&call, &id, message),
            (Phase::New { .. }, _) => Err(Refusal::new(
                ErrorCode::OutOfOrder,
                "the first message has to be hello",
            )),
            (Phase::Asked { .. } | Phase::Greeted { .. }, ClientMessage::Hello { .. }) => {
                Err(Refusal::new(
                    ErrorCode::OutOfOrder,
                    "hello comes once: open another connection in order to be another user",
                ))
            }
            (Phase::Asked { .. } | Phase::Greeted { .. }, _) => Err(Refusal::new(
                ErrorCode::OutOfOrder,
                "this needs a call: send join first",
            )),
            (Phase::Closing, _) => Ok(()),
        }
    }

    fn within(
        &mut self,
        name: &str,
        id: &ParticipantId,
        message: ClientMessage,
    ) -> Result<(), Refusal> {
        let Some(call) = self.calls.get_mut(name) else {
            return Ok(());
        };
        let out = &mut self.actions;
        match message {
            ClientMessage::Roles { receives, sends } => call.change(id, out, |entry| {
                entry.receives = receives;
                entry.sends = sends;
            }),
            ClientMessage::Media { kinds } => call.change(id, out, |entry| entry.media = kinds),
            ClientMessage::Want { of, kinds } => return call.want(id, &of, kinds, out),
            ClientMessage::Signal { to, signal } => {
                return call.signal(id, &to, signal, self.limits.candidates_per_leg, out);
            }
            ClientMessage::Hello { .. } | ClientMessage::Join { .. } | ClientMessage::Leave {} => {
                return Err(Refusal::new(
                    ErrorCode::OutOfOrder,
                    "this connection is in a call: open another one for another call",
                ));
            }
        }
        Ok(())
    }

    fn leave(&mut self, id: ConnectionId, now: Instant) {
        let phase = self
            .connections
            .get(&id)
            .map(|connection| connection.phase.clone());
        if let Some(Phase::Joined { call, id }) = phase {
            self.remove(&call, &id, "left the call");
        }
        self.hang_up(id, now);
    }

    fn remove(&mut self, name: &str, id: &ParticipantId, reason: &str) {
        if let Some(call) = self.calls.get_mut(name) {
            call.remove(id, reason, &mut self.actions);
            if call.is_empty() {
                self.calls.remove(name);
            }
        }
    }
}

/// Whether it is told to others, and not to one of them alone for a leg.
fn is_change(message: &ClientMessage) -> bool {
    matches!(
        message,
        ClientMessage::Roles { .. } | ClientMessage::Media { .. } | ClientMessage::Want { .. }
    )
}

impl fmt::Debug for Rooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms")
            .field("connections", &self.connections)
            .field("calls", &self.calls)
            .field("timers", &self.timers)
            .finish_non_exhaustive()
    }
}
