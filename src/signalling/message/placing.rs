//! How it stands with those who are called.

use serde::{Deserialize, Serialize};

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
