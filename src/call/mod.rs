//! The call machine: one participant's view of one call, without sockets, clock or media.
//!
//! The driver feeds it [`Input`]s with the time, performs every [`Action`] it returns, and calls
//! [`CallMachine::handle_timeout`] when [`CallMachine::poll_timeout`] is due.

mod advertised;
mod bandwidth;
mod bitrate_allocator;
mod callees;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod checker;
mod connection;
mod incoming;
mod legs;
mod machine;
mod outbox;
mod readers;
mod roster;
mod target;
mod timers;
mod topology;

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

/// The call and the user.
#[derive(Clone, Debug)]
pub struct Config {
    /// The call, or how this end gets into one.
    pub target: Target,
    /// This end's user.
    pub user: String,
    /// The display name.
    pub display_name: Option<String>,
    /// The token that authenticates the user.
    pub token: Option<Token>,
}

/// The states of a call, named and ordered as in Azure Communication Services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallState {
    /// Not started, or waiting for incoming calls.
    #[default]
    None,
    /// Connecting to the server and joining.
    Connecting,
    /// Users are being rung, and nobody has joined yet.
    Ringing,
    /// In the call.
    Connected,
    /// Leaving.
    Disconnecting,
    /// Over.
    Disconnected,
}

/// Identifies a reader of one stream: a source pad. The driver chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
pub struct ReaderId(pub u64);

/// Selects the stream of a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
pub enum Selector {
    /// Everybody's audio, except that of this user's own sessions.
    MixedAudio,
    /// One session's stream, by the session's name ([`session_name`]). The session need not be in
    /// the call.
    Of {
        /// The session's name.
        session: String,
        /// The stream's kind.
        kind: Kind,
    },
    /// The first stream of this kind that becomes available. The reader keeps that session until
    /// the session leaves the call, and then takes the next one.
    Any {
        /// The stream's kind.
        kind: Kind,
    },
}

/// Returns the name of a session, which is used in pad names: `user`, or `user:2` for a second
/// session.
///
/// A colon in the user's own name is escaped.
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

/// Identifies one leg of this participant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
pub struct LegId {
    /// The other end.
    pub peer: ParticipantId,
    /// The direction of media.
    pub direction: Direction,
    /// The sender's number for the leg.
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

/// An input of the machine.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
pub enum Input {
    /// Connect, and join the call.
    Start,
    /// Whether any element receives, and whether any sends.
    Roles {
        /// There is a source element.
        receives: bool,
        /// There is a sink element.
        sends: bool,
    },
    /// The kinds that have a running, unmuted source now.
    Media(Kinds),
    /// A running source has produced nothing for too long. The next [`Input::Media`] that names its
    /// kind ends this.
    Stalled(Kind),
    /// A reader was added.
    AddReader(ReaderId, Selector),
    /// A reader was removed.
    RemoveReader(ReaderId),
    /// The highest bit rate of a kind's encoder, in bit/s; `None` for the default.
    MaxBitrate(Kind, Option<u32>),
    /// The offers of sending legs have changed: the legs are replaced.
    Renegotiate,
    /// Invite further users into the call.
    Invite(Vec<String>),
    /// Accept this incoming call, or the oldest one. If it has ended meanwhile,
    /// [`Event::IncomingEnded`] is emitted.
    Accept(Option<String>),
    /// Decline this incoming call, or the oldest one.
    Reject(Option<String>),
    /// Leave the call for good.
    Leave {
        /// End it for the others too. The machine finishes when the server has done so. If the
        /// server refuses, a warning is emitted and the call goes on. Without a connection to the
        /// server, only this end leaves.
        for_everyone: bool,
    },

    /// The WebSocket of [`Action::Connect`] is open.
    SocketOpened,
    /// A message arrived.
    Received(ServerMessage),
    /// The WebSocket could not be opened, or is closed, for this reason.
    SocketClosed(String),

    /// This end's offer or answer for a leg is ready.
    LegDescription(LegId, String),
    /// A candidate of this end.
    LegCandidate(LegId, Candidate),
    /// The leg is connected, and the peer's certificate matches its description.
    LegConnected(LegId),
    /// One end cannot take this kind on the leg, for this reason. The receiver rejects it; the
    /// sender learns of it from the answer.
    LegRejected(LegId, Kind, String),
    /// The receiver of a sending leg reported these packets.
    LegReport(LegId, Vec<PacketReport>),
    /// The leg has failed.
    LegFailed(LegId, LegFailure),
}

/// Why a leg failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
pub enum LegFailure {
    /// The network between the ends failed.
    #[error("the connection was lost: {0}")]
    Connection(String),
    /// The peer's description is unusable. Another attempt with the same description is pointless.
    #[error("the peer's session description cannot be used: {0}")]
    Description(String),
    /// Somebody may be in between.
    #[error("the peer's DTLS certificate is not the one its session description names")]
    Certificate,
}

/// An action for the driver.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Open a WebSocket to the server; answer with [`Input::SocketOpened`] or
    /// [`Input::SocketClosed`].
    Connect,
    /// Close the WebSocket after all earlier messages have been written, or stop opening it. The
    /// machine must get no further inputs from it.
    Disconnect,
    /// Send this message on the open WebSocket.
    Send(ClientMessage),

    /// Make a leg. A sending leg creates its offer, a receiving one waits for it.
    OpenLeg {
        /// The leg's id.
        leg: LegId,
        /// The servers for gathering candidates.
        ice_servers: Vec<IceServer>,
    },
    /// Set the peer's offer or answer on the leg.
    RemoteDescription(LegId, String),
    /// Add a candidate of the peer to the leg.
    RemoteCandidate(LegId, Candidate),
    /// Close the leg.
    CloseLeg(LegId),
    /// Send exactly these streams on this connected sending leg. A kind that is new among them
    /// starts with a key frame.
    Feed(LegId, Kinds),

    /// Encode this kind at this bit rate from now on. Before the first of these actions it is
    /// [`default_bitrate`].
    Encode {
        /// The kind.
        kind: Kind,
        /// In bit/s.
        bitrate: u32,
        /// The share of packets that is lost on the way, in percent.
        loss: u8,
    },

    /// Give the reader this stream from now on, or none.
    Bind(ReaderId, Option<(ParticipantId, Kind)>),
    /// Mix exactly these participants' audio.
    Mix(BTreeSet<ParticipantId>),

    /// Emit this event to the application.
    Emit(Event),
    /// The call is over. The last action: the driver ends.
    Finished,
}

/// An event for the application.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The call's name is known: the server makes that of a placed call. Comes before
    /// [`CallState::Ringing`] and [`CallState::Connected`].
    Named(String),
    /// The call's state changed.
    State(CallState),
    /// A call for the user rings. Exactly one [`Event::IncomingEnded`] follows.
    Incoming(Incoming),
    /// A call announced with [`Event::Incoming`] no longer rings, and why: `None` after it was
    /// accepted or declined here.
    IncomingEnded(Incoming, Option<IncomingEnd>),
    /// The state of an invited user. [`CalleeState::Accepted`] comes before the participant.
    /// [`CalleeState::Other`] says that the user is no longer rung, and that the reason is unknown
    /// because the connection to the server was lost.
    Callee(String, CalleeState),
    /// A participant joined, changed, lost its connection or left.
    Participant(Participant, ParticipantState),
    /// A stream became available or not.
    Stream {
        /// The sender.
        participant: Participant,
        /// The stream's kind.
        kind: Kind,
        /// Whether a running, unmuted source exists.
        available: bool,
    },
    /// A source of this end has stalled, or produces data again. While it is stalled, its stream is
    /// not available.
    Stalled(Kind, bool),
    /// The path between this end and a participant is too slow for video, or fast enough again.
    Slow {
        /// The participant at the other end.
        participant: Participant,
        /// Whether this end sends the video or receives it.
        direction: Direction,
        /// Whether the path is too slow, so that no video is sent.
        slow: bool,
    },
    /// This participant gets what is sent from now on: the leg to it is connected, and fed with the
    /// kinds that it wants. Emitted once for each leg.
    Reached(ParticipantId),
    /// An error that the call survives.
    Warning(CallError),
    /// An error that ends the call.
    Error(CallError),
}

/// The state of a participant in the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParticipantState {
    /// In the call.
    Connected,
    /// Its connection to the server is lost and may come back.
    Connecting,
    /// It has left.
    Disconnected,
}

/// An error of a call. The text names the cause and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The first connection to the server failed.
    #[error("cannot reach the signalling server: {0}")]
    Unreachable(String),
    /// The connection to the server is lost, and is being reopened.
    #[error(
        "the connection to the signalling server was lost and is being reopened; media goes on: {0}"
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
    /// No incoming call rings, or not this one.
    #[error("no incoming call to {0}: none rings, or it has just ended")]
    NoIncoming(&'static str),
    /// Nobody can be invited, for this reason.
    #[error("nobody was invited: {0}")]
    Uninvited(&'static str),
    /// The call has ended, not by this end's doing.
    #[error("the call has ended: {0}")]
    Ended(String),
    /// Encoding, decoding or mixing failed.
    #[error("{0}")]
    Media(String),
    /// A leg failed, and is replaced.
    #[error("{0}: {1}")]
    Leg(LegId, LegFailure),
    /// One end cannot take a kind; the other kinds go on.
    #[error("{0} carries no {1}: {2}")]
    Rejected(LegId, Kind, String),
    /// The peer gave up a leg, for this reason.
    #[error("{0}: the other end gave it up: {1}")]
    LegRefused(LegId, String),
}
