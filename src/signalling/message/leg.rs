//! The steps that set up a leg.

use serde::{Deserialize, Serialize};

use crate::model::{Candidate, LegNumber};

/// A step of a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
pub struct LegSignal {
    /// The number of the leg, assigned by the sender of its media.
    pub leg: LegNumber,
    /// The end of the leg that sends this step. It distinguishes leg 1 from A to B from leg 1 from
    /// B to A.
    pub by: LegEnd,
    /// The step.
    #[serde(flatten)]
    pub step: LegStep,
}

/// One end of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "lowercase")]
pub enum LegEnd {
    /// The end that offers and sends media.
    Sender,
    /// The end that answers and receives media.
    Receiver,
}

/// A step of a leg, from one end to the other.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
#[serde(rename_all = "kebab-case")]
pub enum LegStep {
    /// An offer, from the sender of the media.
    Offer(String),
    /// The answer, from its receiver.
    Answer(String),
    /// An ICE candidate of either end.
    Candidate(Candidate),
    /// From the sender: whether video is paused because the path is too slow.
    Slow(bool),
    /// This end closed the leg, for this reason.
    Failed(String),
}
