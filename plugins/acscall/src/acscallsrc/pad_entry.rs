//! The pads of the element, each with the private element behind it.

use super::AcsCallSrcPad;
use super::pad_request::PadRequest;
use super::stream::AcsCallStream;

/// A pad and its stream.
#[derive(Clone, Debug)]
pub(super) struct PadEntry {
    pub(super) request: PadRequest,
    pub(super) pad: AcsCallSrcPad,
    pub(super) stream: AcsCallStream,
}
