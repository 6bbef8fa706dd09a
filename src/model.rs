//! The domain model of calls: participants, kinds of streams, legs. It is independent of the wire
//! format.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a stream. A participant sends at most one stream of each kind.
///
/// The order is that of the m-lines of every leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A microphone, or another source in its place.
    Audio,
    /// A camera, or another source in its place.
    Video,
    /// A screen share.
    Screen,
}

impl Kind {
    /// All kinds, in the order of a leg's m-lines.
    pub const ALL: [Kind; 3] = [Kind::Audio, Kind::Video, Kind::Screen];

    /// Returns the name used on the wire and in pad names.
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

/// Identifies one session in one call. The server derives it from the session's key, and never
/// reuses it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(transparent)]
pub struct ParticipantId(pub String);

impl fmt::Display for ParticipantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A participant, as another one sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "camelCase")]
pub struct Participant {
    /// Its id.
    pub id: ParticipantId,
    /// Its user.
    pub user: String,
    /// The number of this session among the user's sessions in the call, from 1.
    pub session: u32,
    /// The display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether it receives streams.
    #[serde(default)]
    pub receives: bool,
    /// Whether it may send streams.
    #[serde(default)]
    pub sends: bool,
    /// The kinds that it offers now.
    #[serde(default)]
    pub media: Kinds,
    /// The kinds that it reads from *this* end.
    #[serde(default)]
    pub wants: Kinds,
    /// Whether it is connected to the server. A lost connection may come back.
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

/// The number of a leg from one sender to one receiver. A higher one replaces a lower one.
pub type LegNumber = u64;

/// An ICE candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The text of the `candidate` attribute; empty to indicate the end of candidates.
    pub candidate: String,
    /// The m-line that it belongs to.
    #[serde(rename = "sdpMLineIndex", default)]
    pub line: u32,
}

/// The state of an invited user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "kebab-case")]
pub enum CalleeState {
    /// The user is being rung.
    Ringing,
    /// The user accepted, and joins the call.
    Accepted,
    /// The user declined.
    Declined,
    /// The user is in another call, or is rung for one.
    Busy,
    /// The user did not answer in time.
    NoAnswer,
    /// Nobody listens for calls as this user.
    Unknown,
    /// A state this version does not know.
    #[serde(other)]
    Other,
}

/// Why an incoming call no longer rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "kebab-case")]
pub enum IncomingEnd {
    /// The caller left.
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
