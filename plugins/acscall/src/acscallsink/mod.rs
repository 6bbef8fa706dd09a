//! # acscallsink
//!
//! What is linked to its pads goes into a call.
//!
//! | pad | what it is for the others |
//! |---|---|
//! | `audio` | the microphone |
//! | `video` | the camera |
//! | `screen` | the screen share |
//!
//! Any raw format, rate and size; all may change in mid-stream. A stream is available for the
//! others from the first buffer in PLAYING to EOS, to the release of the pad, or while the pad's
//! property `muted` is set; a new stream after EOS starts it again.
//!
//! Each stream is encoded once, at what the slowest of its receivers' networks carries: from the
//! pad property `bitrate` down to 150 kbit/s for pictures. A receiver whose network carries less
//! for 5 seconds gets sound alone until it carries more; the element message `acscall-slow`
//! (`participant`, `direction`, `slow`) and a warning tell that at both ends. `codec` chooses how
//! pictures are coded; a receiver that cannot decode them gets the other streams, and both ends
//! a warning.
//!
//! A source that gives nothing for `stall-timeout` ms, and no GAP event, makes its stream not
//! available until its next buffer: the element message `acscall-stalled` (`kind`, `stalled`) and
//! a warning tell it. Nothing is repeated in its place.
//!
//! The call is one that is joined (`call`), placed (`callee`), or answered (`auto-accept`,
//! `incoming`): see [`acscallsrc`](crate::acscallsrc), which has the same properties, action
//! signals and messages. When it is over the element posts EOS.
//!
//! The call is left with its last element, or `linger` ms later. A process that ends meanwhile
//! does not leave it: to the others its connection is lost.
//!
//! With `wait-for` a file begins when the others are there. Two pipelines in one process, in a
//! call with each other:
//!
//! ```text
//! gst-launch-1.0 audiotestsrc wave=ticks ! acscallsink call=room user=alice wait-for=1 \
//!     acscallsrc call=room user=bob ! audioconvert ! autoaudiosink
//! ```
//!
//! Calling somebody who waits for it:
//!
//! ```text
//! gst-launch-1.0 audiotestsrc is-live=true ! acscallsink callee=bob user=alice
//! ```

mod codec;
mod imp;
mod pad;
mod pad_sink;
mod pads;
mod settings;
mod wait;

use gst::glib;
use gst::prelude::*;

pub use crate::common::{AcsCallKind, AcsCallState};
pub use codec::AcsCallCodec;

glib::wrapper! {
    /// The element.
    pub struct AcsCallSink(ObjectSubclass<imp::AcsCallSink>)
        @extends gst::Bin, gst::Element, gst::Object,
        @implements gst::ChildProxy;
}

glib::wrapper! {
    /// Its pads.
    pub struct AcsCallSinkPad(ObjectSubclass<pad::AcsCallSinkPad>)
        @extends gst::GhostPad, gst::ProxyPad, gst::Pad, gst::Object;
}

/// Registers the element's factory.
pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(
        Some(plugin),
        "acscallsink",
        gst::Rank::NONE,
        AcsCallSink::static_type(),
    )
}
