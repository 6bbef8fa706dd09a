//! The steps by which the two ends of a leg come together.

use serde::{Deserialize, Serialize};

use crate::model::{Candidate, LegNumber};

/// A step of a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "fuzzing", derive(arbitrary::Arbitrary))]
pub struct LegSignal {
    /// The leg: the number that the sender of its media gave it.
    pub leg: LegNumber,
    /// Which end of the leg says this. Without it a candidate of leg 1 from A to B could not be
    /// told from one of leg 1 from B to A.
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
    /// It offers, and sends media.
    Sender,
    /// It answers, and receives media.
    Receiver,
}

/// What a leg's ends tell each other.
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
    /// From the sender: whether the path is too slow for video, so that none is sent.
    Slow(bool),
    /// This end gave the leg up, and why.
    Failed(String),
}
