//! # acscallsink
//!
//! Sends the streams linked to its pads into a call.
//!
//! | pad | stream, as the others see it |
//! |---|---|
//! | `audio` | the microphone |
//! | `video` | the camera |
//! | `screen` | the screen share |
//!
//! Each pad takes any raw format, rate and size, and all may change in mid-stream. A stream is
//! available to the others from its first buffer in PLAYING until EOS or until the pad is
//! released, except while the pad property `muted` is set. A new stream after EOS makes it
//! available again.
//!
//! Each stream is encoded once, at the bitrate that the slowest receiver's network carries: from
//! the pad property `bitrate` down to 150 kbit/s for video. A receiver whose network carries less
//! for 5 seconds gets audio only until it carries more. Both ends then post the element message
//! `acscall-slow` (`participant`, `direction`, `slow`) and a warning. The pad property `codec`
//! selects the video codec; a receiver that cannot decode it gets the other streams, and both ends
//! post a warning.
//!
//! If the source of `audio` or `video` sends neither a buffer nor a GAP event for `stall-timeout`
//! ms, its stream is unavailable until the next buffer. The element posts the element message
//! `acscall-stalled` (`kind`, `stalled`) and a warning. A `screen` may stand still: whoever joins
//! late, or loses a part of it, gets its newest frame again.
//!
//! The element joins a call (`call`), places one (`callee`) or answers one (`auto-accept`,
//! `incoming`): see [`acscallsrc`](crate::acscallsrc), which has the same properties, action
//! signals and messages. When the call is over, the element posts EOS.
//!
//! The process leaves the call when its last element does, or `linger` ms later, and at the latest
//! in `exit()`. If the process is killed, the others see a lost connection.
//!
//! With `wait-for`, a file starts to play when the others are in the call. Two pipelines in one
//! process, in a call with each other:
//!
//! ```text
//! gst-launch-1.0 audiotestsrc wave=ticks ! acscallsink call=room user=alice wait-for=1 \
//!     acscallsrc call=room user=bob ! audioconvert ! autoaudiosink
//! ```
//!
//! Calling a user who waits for calls:
//!
//! ```text
//! gst-launch-1.0 audiotestsrc is-live=true ! acscallsink callee=bob user=alice
//! ```

mod codec;
mod hold;
mod imp;
mod pad;
mod pad_entry;
mod pad_sink;
mod settings;
#[cfg(test)]
mod tests;

// More methods of the struct in imp.rs, which its subclass implementation calls.
mod pads;
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
    /// A sink pad of the element.
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
