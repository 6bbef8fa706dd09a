//! The call machine: one participant's view of one call, without sockets, clock or media.
//!
//! The driver feeds it [`Input`]s with the time, performs every [`Action`] it returns, and calls
//! [`CallMachine::handle_timeout`] when [`CallMachine::poll_timeout`] is due.

mod advertised;
mod bandwidth;
mod bitrate_allocator;
mod callees;
mod connection;
mod incoming;
mod legs;
mod machine;
mod outbox;
mod readers;
mod roster;
mod target;
mod timers;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use crate::model::{
    CalleeState, Candidate, IceServer, IncomingEnd, Kind, Kinds, LegNumber, Participant,
    ParticipantId,
};
use crate::signalling::message::{ClientMessage, ServerMessage, Token};

pub use bandwidth::PacketReport;
pub use bitrate_allocator::default_bitrate;
pub use machine::CallMachine;
pub use target::{Incoming, Target};

/// Who joins what.
#[derive(Clone, Debug)]
pub struct Config {
    /// The call to join, or how there comes to be one.
    pub target: Target,
    /// The user to be.
    pub user: String,
    /// The name to show.
    pub display_name: Option<String>,
    /// Proof that it is the user.
    pub token: Option<Token>,
}

/// The states of a call, named and ordered as in Azure Communication Services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallState {
    /// Not begun, or waiting for a call to answer.
    #[default]
    None,
    /// On the way to the server, for the first time or again.
    Connecting,
    /// Somebody is being rung.
    Ringing,
    /// In the call.
    Connected,
    /// Leaving.
    Disconnecting,
    /// Over.
    Disconnected,
}

/// Names a place that takes a stream: a source pad. Made by the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
pub struct ReaderId(pub u64);

/// What a reader asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
pub enum Selector {
    /// Everybody's audio, less that of the own user's sessions.
    MixedAudio,
    /// One session's stream, by its name ([`session_name`]), whether it is there or not.
    Of {
        /// The session's name.
        session: String,
        /// Which of its streams.
        kind: Kind,
    },
    /// The first stream of this kind that comes. It stays with that session until that leaves
    /// the call, and then takes the next.
    Any {
        /// Which kind.
        kind: Kind,
    },
}

/// `user`, and `user:2` for a second session: what a pad is named after.
///
/// A colon within the user's own name is told apart because pad names escape it.
pub fn session_name(user: &str, session: u32) -> String {
    let mut name = String::with_capacity(user.len());
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    if session > 1 {
        name.push_str(&format!(":{session}"));
    }
    name
}

/// Whether this end offers and sends, or answers and receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
pub enum Direction {
    /// This end offers and sends.
    Send,
    /// This end answers and receives.
    Receive,
}

/// Names one leg of this participant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
pub struct LegId {
    /// The other end.
    pub peer: ParticipantId,
    /// Which way media goes.
    pub direction: Direction,
    /// The sender's number for it.
    pub number: LegNumber,
}

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match self.direction {
            Direction::Send => "to",
            Direction::Receive => "from",
        };
        write!(f, "leg {} {arrow} {}", self.number, self.peer)
    }
}

/// What happens to the machine.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
pub enum Input {
    /// Begin: connect and join.
    Start,
    /// Whether any element receives, whether any sends.
    Roles {
        /// There is a source element.
        receives: bool,
        /// There is a sink element.
        sends: bool,
    },
    /// The kinds that have a running, unmuted source now.
    Media(Kinds),
    /// A running source has given nothing for too long. With the next [`Input::Media`] that names
    /// its kind it is back.
    Stalled(Kind),
    /// A reader came.
    AddReader(ReaderId, Selector),
    /// A reader is gone.
    RemoveReader(ReaderId),
    /// The most that a kind's encoder may give, in bit/s; `None` for the default.
    MaxBitrate(Kind, Option<u32>),
    /// What sending legs offer has changed: they are replaced.
    Renegotiate,
    /// Have further users rung for the call.
    Invite(Vec<String>),
    /// Answer this incoming call, or the one that rings first. Where it turns out to ring no more,
    /// [`Event::IncomingEnded`] tells.
    Accept(Option<String>),
    /// Decline this incoming call, or the one that rings first.
    Reject(Option<String>),
    /// Leave the call for good.
    Leave {
        /// End it for the others too. The machine ends when the server has done so; where the
        /// server refuses, that is told and the call goes on. While there is no connection to the
        /// server the call is left alone.
        for_everyone: bool,
    },

    /// The WebSocket that [`Action::Connect`] asked for is open.
    SocketOpened,
    /// A message came.
    Received(ServerMessage),
    /// The WebSocket could not be opened, or is closed. Says why.
    SocketClosed(String),

    /// This end's offer or answer for a leg is ready.
    LegDescription(LegId, String),
    /// A candidate of this end.
    LegCandidate(LegId, Candidate),
    /// The leg is connected, and the peer's certificate is the one its description named.
    LegConnected(LegId),
    /// One end cannot take this kind on the leg, and why: the receiver's end rejects it, the
    /// sender's learns of it from the answer.
    LegRejected(LegId, Kind, String),
    /// What the receiver of a sending leg reported of its packets.
    LegReport(LegId, Vec<PacketReport>),
    /// The leg cannot be used any more.
    LegFailed(LegId, LegFailure),
}

/// Why a leg ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
pub enum LegFailure {
    /// The network between the ends.
    #[error("the connection was lost: {0}")]
    Connection(String),
    /// The peer's description is unusable. Trying again is pointless until it comes anew.
    #[error("the peer's session description cannot be used: {0}")]
    Description(String),
    /// Somebody is in between.
    #[error("the peer's DTLS certificate is not the one its session description names")]
    Certificate,
}

/// What the driver has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Open a WebSocket to the server; answer with [`Input::SocketOpened`] or
    /// [`Input::SocketClosed`].
    Connect,
    /// Close the WebSocket, or stop opening it, after what was sent before is out. Nothing that
    /// happens to it from now on may be told to the machine.
    Disconnect,
    /// Send this on the open WebSocket.
    Send(ClientMessage),

    /// Make a leg. A sending one makes its offer, a receiving one waits for it.
    OpenLeg {
        /// Its name from now on.
        leg: LegId,
        /// What to gather candidates with.
        ice_servers: Vec<IceServer>,
    },
    /// The peer's offer or answer for the leg.
    RemoteDescription(LegId, String),
    /// A candidate of the peer.
    RemoteCandidate(LegId, Candidate),
    /// Drop the leg.
    CloseLeg(LegId),
    /// Put exactly these streams on this sending, connected leg. A kind that was not among
    /// those of before starts with a key frame.
    Feed(LegId, Kinds),

    /// Encode this kind at this rate from now on. Before the first of these it is
    /// [`default_bitrate`].
    Encode {
        /// What.
        kind: Kind,
        /// In bit/s.
        bitrate: u32,
        /// The part of the packets that is lost on the way, in percent.
        loss: u8,
    },

    /// The reader gets this stream from now on, or none.
    Bind(ReaderId, Option<(ParticipantId, Kind)>),
    /// Exactly these participants' audio is mixed.
    Mix(BTreeSet<ParticipantId>),

    /// Emit this event to the application.
    Emit(Event),
    /// The call is over and the machine done; the driver ends. Comes once, last.
    Finished,
}

/// What the application is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The call's name is known: that of a placed call is made by the server. Comes before the
    /// state in which there is a call.
    Named(String),
    /// The call's state changed.
    State(CallState),
    /// Somebody calls the user. Ended by one [`Event::IncomingEnded`].
    Incoming(Incoming),
    /// A call that was told with [`Event::Incoming`] does not ring any more, and why: `None` after
    /// it was answered or declined here.
    IncomingEnded(Incoming, Option<IncomingEnd>),
    /// How it stands with a user who was called. [`CalleeState::Accepted`] comes before the
    /// participant; [`CalleeState::Other`] says that the user is rung no more and why is not
    /// known: it happened while the connection to the server was lost.
    Callee(String, CalleeState),
    /// A participant came, changed, lost its connection or left.
    Participant(Participant, ParticipantState),
    /// A stream became available or not.
    Stream {
        /// Who sends it.
        participant: Participant,
        /// Which.
        kind: Kind,
        /// A running, unmuted source exists.
        available: bool,
    },
    /// A source of this end gives nothing, or does again. While it does not, its stream is not
    /// available.
    Stalled(Kind, bool),
    /// The path between this end and a participant is too slow for video, or fast enough again.
    Slow {
        /// Who is at the other end.
        participant: Participant,
        /// Whether this end sends the video or receives it.
        direction: Direction,
        /// Too slow: there is none.
        slow: bool,
    },
    /// This participant gets what is sent from now on: the leg to it is connected, and fed with
    /// what it wants. AdvertisedState once for each leg.
    Reached(ParticipantId),
    /// Something went wrong that the call survives.
    Warning(CallError),
    /// Something went wrong that ends the call.
    Error(CallError),
}

/// How a participant stands to the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParticipantState {
    /// In the call.
    Connected,
    /// Its connection to the server is lost and may come back.
    Connecting,
    /// Gone.
    Disconnected,
}

/// What can go wrong with a call. The text names cause and cure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The first connection to the server failed.
    #[error("cannot reach the signalling server: {0}")]
    Unreachable(String),
    /// The connection to the server is lost; it is being tried again.
    #[error(
        "the connection to the signalling server was lost and is tried again; media goes on: {0}"
    )]
    SignallingLost(String),
    /// The server refused the call.
    #[error("{message}")]
    Refused {
        /// The server's code.
        code: crate::signalling::message::ErrorCode,
        /// The server's text.
        message: String,
    },
    /// There is no incoming call, or not this one.
    #[error("no incoming call to {0}: none rings, or it has ended just now")]
    NoIncoming(&'static str),
    /// Nobody can be rung for the call, and why.
    #[error("nobody was invited: {0}")]
    Uninvited(&'static str),
    /// The call is over, and not by this end's doing.
    #[error("the call has ended: {0}")]
    Ended(String),
    /// Encoding, decoding or mixing failed.
    #[error("{0}")]
    Media(String),
    /// A leg failed; another one replaces it.
    #[error("{0}: {1}")]
    Leg(LegId, LegFailure),
    /// One end cannot take a kind; the others go on.
    #[error("{0} carries no {1}: {2}")]
    Rejected(LegId, Kind, String),
    /// The peer gave a leg up, and told why.
    #[error("{0}: the other end gave it up: {1}")]
    LegRefused(LegId, String),
}
