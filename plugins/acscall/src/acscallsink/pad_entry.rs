//! The pads of the element, each with the private sink behind it.

use std::collections::{BTreeMap, BTreeSet};

use acscall::model::Kind;

use super::AcsCallSinkPad;
use super::hold::Hold;
use super::pad_sink::AcsCallPadSink;

/// The pads, and what the element waits for.
#[derive(Debug, Default)]
pub(super) struct Pads {
    /// `None` while a pad is being created.
    pub(super) entries: BTreeMap<Kind, Option<PadEntry>>,
    /// Whether the change to PAUSED waits for other participants.
    pub(super) waiting: bool,
    /// The streams that have ended since the element began to wait.
    pub(super) ended: BTreeSet<Kind>,
    /// Whether as many others as `wait-for` have been in this call.
    pub(super) others_arrived: bool,
    /// The streams that are held back until the others arrive.
    pub(super) held: BTreeMap<Kind, Hold>,
}

/// A pad and its sink.
#[derive(Clone, Debug)]
pub(super) struct PadEntry {
    pub(super) kind: Kind,
    pub(super) pad: AcsCallSinkPad,
    pub(super) sink: AcsCallPadSink,
}
