//! The wire protocol: JSON text messages over one WebSocket, an enum each way.
//!
//! One connection carries one session of one user in one call:
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
//! In place of `join`, a client calls others or waits to be called:
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
//! A placed call has a name of its own, which begins with [`PLACED`]: nobody but those who are
//! called can join it, and it is over when one participant is left and nobody is rung.
//!
//! Unknown fields are ignored, an unknown `type` is answered with
//! [`ErrorCode::UnknownMessage`].
//!
//! A server with a secret asks for a `token` in `hello` and answers its absence or its faults with
//! a code of their own (`token-…`); [`crate::server::token`] says what is in a token.
//!
//! `resume` in `joined` is a key and the id made from it: `id` is the first half of
//! SHA-256(`key` NUL `user` NUL `call`) in hexadecimal. A participant that presents both is itself
//! also to a server that has never heard of it, and nobody else can present that id.

mod debug;
mod error;
mod leg;

use serde::{Deserialize, Serialize};

use crate::model::{CalleeState, IceServer, IncomingEnd, Kinds, Participant, ParticipantId};

pub use error::ErrorCode;
pub use leg::{LegEnd, LegSignal, LegStep};

/// The protocol versions this implementation speaks, the preferred first.
pub const VERSIONS: &[u32] = &[1];

/// What the names of placed calls begin with. No other call's name does.
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
        /// Who it is: 1 to 128 characters.
        user: String,
        /// The name to show.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        display_name: Option<String>,
        /// Proof that it is `user`, where the server asks for one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<Token>,
    },
    /// Enters a call, or comes back to it with `resume`.
    Join {
        /// The call's name: 1 to 128 characters.
        call: String,
        /// Whether it takes streams: senders make a leg to every participant that does.
        #[serde(default)]
        receives: bool,
        /// Whether it may send streams.
        #[serde(default)]
        sends: bool,
        /// The kinds that are available at once.
        #[serde(default)]
        media: Kinds,
        /// The session to take up again after a lost connection.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resume: Option<Resume>,
    },
    /// Waits for calls to the user, in place of [`ClientMessage::Join`].
    Listen {},
    /// Calls users, in place of [`ClientMessage::Join`]: enters a new call and has them rung.
    Place {
        /// Whom: user names, each once.
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
    /// Has further users rung for the call that this client is in.
    Invite {
        /// Whom.
        users: Vec<String>,
    },
    /// Answers an incoming call: the connection that listened is in the call from then on.
    Accept {
        /// That of [`ServerMessage::Incoming`].
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
    /// Declines an incoming call, for all who listen as this user. The connection goes on
    /// listening.
    Reject {
        /// That of [`ServerMessage::Incoming`].
        call: String,
    },
    /// Changes what [`ClientMessage::Join`] said of receiving and sending.
    Roles {
        /// Whether it takes streams.
        receives: bool,
        /// Whether it may send streams.
        sends: bool,
    },
    /// The kinds that are available now: a running, unmuted source each.
    Media {
        /// All of them, not the change.
        kinds: Kinds,
    },
    /// The kinds that this client reads of the participant `of`.
    Want {
        /// Who sends them.
        of: ParticipantId,
        /// All of them, not the change.
        kinds: Kinds,
    },
    /// A step of a leg, to another participant of the call.
    Signal {
        /// Who gets it.
        to: ParticipantId,
        /// Which leg, and which step of it.
        #[serde(flatten)]
        signal: LegSignal,
    },
    /// Leaves the call. The server closes the connection.
    Leave {
        /// Ends the call for the others too.
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
        /// The version both speak from now on.
        version: u32,
        /// Names this run of the server: another one knows nothing of earlier calls.
        server: String,
    },
    /// Answers [`ClientMessage::Listen`].
    Listening {},
    /// Somebody calls the user. Comes to all that listen as that user, and again to one that
    /// listens anew while it rings.
    Incoming {
        /// The call's name.
        call: String,
        /// Who calls.
        user: String,
        /// The name to show of who calls.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        display_name: Option<String>,
    },
    /// An incoming call does not ring here any more.
    IncomingEnded {
        /// The call's name.
        call: String,
        /// Why.
        reason: IncomingEnd,
    },
    /// How it stands with somebody who was called; told to all in the call.
    Callee {
        /// Who was called.
        user: String,
        /// How it stands.
        state: CalleeState,
    },
    /// Answers [`ClientMessage::Join`], [`ClientMessage::Place`] and [`ClientMessage::Accept`].
    Joined {
        /// The call's name.
        call: String,
        /// What to present in order to take this session up again.
        resume: Resume,
        /// The others.
        participants: Vec<Participant>,
        /// The users who are being rung for this call.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ringing: Vec<String>,
        /// STUN and TURN servers to use.
        #[serde(default)]
        ice_servers: Vec<IceServer>,
    },
    /// A participant came, or something about it changed; all of it is told each time.
    Participant {
        /// Who, and all that is known.
        #[serde(flatten)]
        participant: Participant,
    },
    /// A participant is gone for good.
    ParticipantLeft {
        /// Who.
        participant: ParticipantId,
        /// Why, for people.
        reason: String,
    },
    /// A step of a leg, from another participant of the call.
    Signal {
        /// Who sent it; set by the server.
        from: ParticipantId,
        /// Which leg, and which step of it.
        #[serde(flatten)]
        signal: LegSignal,
    },
    /// The call is over for this client; the server closes the connection.
    CallEnded {
        /// Why, for people.
        reason: String,
    },
    /// What the client last did was refused. Where the code is fatal
    /// ([`ErrorCode::is_fatal`]) the server closes the connection.
    Error {
        /// For programs.
        code: ErrorCode,
        /// For people: cause and cure.
        message: String,
    },
}

/// Proof of being a user, as it travels. Whoever reads it can be that user: nothing of it is written
/// for people.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(transparent)]
pub struct Token(pub String);

/// What to present in order to take up a session again, also on another server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "camelCase")]
pub struct Resume {
    /// The session's own id.
    pub participant: ParticipantId,
    /// Its number among the user's sessions in the call, from 1.
    pub session: u32,
    /// Known to the participant and the server alone: 32 hexadecimal digits.
    pub key: String,
}

#[cfg(test)]
mod tests;
