//! The wire protocol: JSON text messages over a WebSocket, one enum per direction.
//!
//! A connection carries one session of one user in one call:
//!
//! ```text
//! client                                server
//! hello {versions, user}            →
//!                                   ←   welcome {version, server}
//! join {call, receives, sends, …}   →
//!                                   ←   joined {participant, session, key, roster, …}
//! media, want, roles, signal        →   ← participant, participant-left, signal
//! leave                             →   (close)
//! ```
//!
//! Instead of `join`, a client can place a call or listen for calls:
//!
//! ```text
//! caller                                server                                 callee
//!                                                                          ←   listen {}
//!                                       listening {}                       →
//! place {callees, receives, …}      →
//!                                   ←   joined {call, ringing, …}
//!                                       incoming {call, user, …}           →
//!                                   ←   callee {user, state: ringing}
//!                                                                          ←   accept {call, …}
//!                                       joined {call, …}                   →
//!                                   ←   callee {user, state: accepted}
//!                                   ←   participant
//! ```
//!
//! The name of a placed call begins with [`PLACED`]. Only invited users can join it, and it ends
//! when one participant is left and nobody is being rung.
//!
//! Unknown fields are ignored. An unknown `type` is answered with [`ErrorCode::UnknownMessage`].
//!
//! A server with a secret requires a `token` in `hello` and rejects a missing or invalid one with a
//! specific code (`token-…`); [`crate::server::token`] documents the token.
//!
//! `resume` in `joined` is a key and the id made from it: `id` is the first half of SHA-256(`key`
//! NUL `user` NUL `call`) in hexadecimal. A participant that presents both proves its identity even
//! to a server that does not know it, and nobody else can present that id.

mod debug;
mod error;
mod leg;

use serde::{Deserialize, Serialize};

use crate::model::{CalleeState, IceServer, IncomingEnd, Kinds, Participant, ParticipantId};

pub use error::ErrorCode;
pub use leg::{LegEnd, LegSignal, LegStep};

/// The protocol versions this implementation speaks, the preferred first.
pub const VERSIONS: &[u32] = &[1];

/// The prefix of the names of placed calls. Other calls cannot have it.
pub const PLACED: &str = "placed:";

/// From a client to the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum ClientMessage {
    /// The first message of a connection.
    Hello {
        /// The protocol versions the client speaks, the preferred first.
        versions: Vec<u32>,
        /// The user: 1 to 128 characters.
        user: String,
        /// The display name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        display_name: Option<String>,
        /// The proof of being `user`, if the server requires one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<Token>,
    },
    /// Joins a call, or resumes a session with `resume`.
    Join {
        /// The call's name: 1 to 128 characters.
        call: String,
        /// Whether the client receives streams: senders make a leg to each such participant.
        #[serde(default)]
        receives: bool,
        /// Whether the client may send streams.
        #[serde(default)]
        sends: bool,
        /// The kinds that are available from the start.
        #[serde(default)]
        media: Kinds,
        /// The session to resume after a lost connection.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resume: Option<Resume>,
    },
    /// Listens for calls to the user, instead of [`ClientMessage::Join`].
    Listen {},
    /// Calls users, instead of [`ClientMessage::Join`]: joins a new call and rings them.
    Place {
        /// The users to call, without duplicates.
        callees: Vec<String>,
        /// As in [`ClientMessage::Join`].
        #[serde(default)]
        receives: bool,
        /// As in [`ClientMessage::Join`].
        #[serde(default)]
        sends: bool,
        /// As in [`ClientMessage::Join`].
        #[serde(default)]
        media: Kinds,
    },
    /// Rings further users for the client's call.
    Invite {
        /// The users to ring.
        users: Vec<String>,
    },
    /// Accepts an incoming call: the listening connection joins it.
    Accept {
        /// The call of [`ServerMessage::Incoming`].
        call: String,
        /// As in [`ClientMessage::Join`].
        #[serde(default)]
        receives: bool,
        /// As in [`ClientMessage::Join`].
        #[serde(default)]
        sends: bool,
        /// As in [`ClientMessage::Join`].
        #[serde(default)]
        media: Kinds,
    },
    /// Declines an incoming call on all connections that listen as this user. The connection keeps
    /// listening.
    Reject {
        /// The call of [`ServerMessage::Incoming`].
        call: String,
    },
    /// Changes `receives` and `sends` of [`ClientMessage::Join`].
    Roles {
        /// Whether the client receives streams.
        receives: bool,
        /// Whether the client may send streams.
        sends: bool,
    },
    /// Announces the available kinds: those with a running, unmuted source.
    Media {
        /// All kinds, not the change.
        kinds: Kinds,
    },
    /// Announces the kinds that this client reads from the participant `of`.
    Want {
        /// Their sender.
        of: ParticipantId,
        /// All kinds, not the change.
        kinds: Kinds,
    },
    /// Sends a step of a leg to another participant of the call.
    Signal {
        /// The receiver.
        to: ParticipantId,
        /// The leg and its step.
        #[serde(flatten)]
        signal: LegSignal,
    },
    /// Leaves the call. The server closes the connection.
    Leave {
        /// Whether the call ends for the others too.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        for_everyone: bool,
    },
}

/// From the server to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum ServerMessage {
    /// Answers [`ClientMessage::Hello`].
    Welcome {
        /// The protocol version of this connection.
        version: u32,
        /// Identifies this run of the server: another run does not know earlier calls.
        server: String,
    },
    /// Answers [`ClientMessage::Listen`].
    Listening {},
    /// Announces an incoming call. It is sent to all connections that listen as the user, and to
    /// those that start to listen while it rings.
    Incoming {
        /// The call's name.
        call: String,
        /// The caller.
        user: String,
        /// The caller's display name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        display_name: Option<String>,
    },
    /// An incoming call has stopped ringing.
    IncomingEnded {
        /// The call's name.
        call: String,
        /// The reason.
        reason: IncomingEnd,
    },
    /// The status of a called user, sent to everybody in the call.
    Callee {
        /// The called user.
        user: String,
        /// The status.
        state: CalleeState,
    },
    /// Answers [`ClientMessage::Join`], [`ClientMessage::Place`] and [`ClientMessage::Accept`].
    Joined {
        /// The call's name.
        call: String,
        /// The proof for resuming this session.
        resume: Resume,
        /// The other participants.
        participants: Vec<Participant>,
        /// The users being rung for this call.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ringing: Vec<String>,
        /// STUN and TURN servers to use.
        #[serde(default)]
        ice_servers: Vec<IceServer>,
    },
    /// A participant joined or changed. The message has the full description.
    Participant {
        /// The participant.
        #[serde(flatten)]
        participant: Participant,
    },
    /// A participant has left.
    ParticipantLeft {
        /// The participant.
        participant: ParticipantId,
        /// The reason, for people.
        reason: String,
    },
    /// A step of a leg from another participant of the call.
    Signal {
        /// The sender; set by the server.
        from: ParticipantId,
        /// The leg and its step.
        #[serde(flatten)]
        signal: LegSignal,
    },
    /// The call has ended for this client. The server closes the connection.
    CallEnded {
        /// The reason, for people.
        reason: String,
    },
    /// The client's last message was refused. If the code is fatal ([`ErrorCode::is_fatal`]), the
    /// server closes the connection.
    Error {
        /// For programs.
        code: ErrorCode,
        /// For people: the cause and the remedy.
        message: String,
    },
}

/// Proof of being a user. Anybody who reads it can act as that user, so `Debug` omits it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(transparent)]
pub struct Token(pub String);

/// The proof for resuming a session, also on another server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "camelCase")]
pub struct Resume {
    /// The participant's id.
    pub participant: ParticipantId,
    /// The number of the session among the user's sessions in the call, from 1.
    pub session: u32,
    /// The secret key of the session: 32 hexadecimal digits.
    pub key: String,
}

#[cfg(test)]
mod tests;
