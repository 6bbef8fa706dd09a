//! The domain of calls: participants, kinds of streams and legs, whatever the wire format.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What a stream carries. A participant sends at most one stream of each kind.
///
/// The order is that of the m-lines of every leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The microphone, or what stands for it.
    Audio,
    /// The camera, or what stands for it.
    Video,
    /// The screen share.
    Screen,
}

impl Kind {
    /// All kinds, in the order of a leg's m-lines.
    pub const ALL: [Kind; 3] = [Kind::Audio, Kind::Video, Kind::Screen];

    /// The index of this kind's m-line in every leg.
    pub fn line(self) -> usize {
        self as usize
    }

    /// The kind on m-line `line`.
    pub fn from_line(line: usize) -> Option<Kind> {
        Kind::ALL.get(line).copied()
    }

    /// The name as it stands on the wire and in pad names.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Audio => "audio",
            Kind::Video => "video",
            Kind::Screen => "screen",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of kinds.
pub type Kinds = BTreeSet<Kind>;

/// Names one session in one call; made by the server from the session's key, never reused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(transparent)]
pub struct ParticipantId(pub String);

impl fmt::Display for ParticipantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A participant as another one sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "camelCase")]
pub struct Participant {
    /// Its id.
    pub id: ParticipantId,
    /// Its user.
    pub user: String,
    /// Which of the user's sessions in the call it is, from 1.
    pub session: u32,
    /// The name to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether it takes streams.
    #[serde(default)]
    pub receives: bool,
    /// Whether it may send streams.
    #[serde(default)]
    pub sends: bool,
    /// The kinds that it has available.
    #[serde(default)]
    pub media: Kinds,
    /// The kinds that it reads of *you*.
    #[serde(default)]
    pub wants: Kinds,
    /// False while its connection to the server is lost and may come back.
    #[serde(default = "yes")]
    pub connected: bool,
}

fn yes() -> bool {
    true
}

/// A STUN or TURN server, in the form of the browser's `RTCIceServer`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
pub struct IceServer {
    /// Its addresses.
    pub urls: Vec<String>,
    /// TURN's user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// TURN's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// Without the password.
impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Numbers the legs that one sender made to one receiver; a higher one replaces a lower one.
pub type LegNumber = u64;

/// An ICE candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The `candidate` attribute's text; empty at the end of candidates.
    pub candidate: String,
    /// The m-line it belongs to.
    #[serde(rename = "sdpMLineIndex", default)]
    pub line: u32,
}

/// How it stands with somebody who was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "kebab-case")]
pub enum CalleeState {
    /// Is rung.
    Ringing,
    /// Answered: comes into the call.
    Accepted,
    /// Declined the call.
    Declined,
    /// Is in another call, or rung for one.
    Busy,
    /// Did not answer in time.
    NoAnswer,
    /// Nobody waits for calls as this user.
    Unknown,
    /// A state this version does not know.
    #[serde(other)]
    Other,
}

/// Why an incoming call rings no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "kebab-case")]
pub enum IncomingEnd {
    /// Whoever called is gone.
    Cancelled,
    /// It was answered on another connection of the user.
    AnsweredElsewhere,
    /// It was declined on another connection of the user.
    DeclinedElsewhere,
    /// It was not answered in time.
    NoAnswer,
    /// A reason this version does not know.
    #[serde(other)]
    Other,
}
