//! # acscallsrc
//!
//! The audio, cameras and screen shares of the others in a call, as raw media on request pads.
//!
//! Pads may be asked for at any time, also before their stream exists, and live until they are
//! released: through leaving, coming back and reconnecting, with gaps in between.
//!
//! | pad | what comes out |
//! |---|---|
//! | `audio` | everybody mixed, less the own user; continuous from the first moment |
//! | `audio_alice`, `video_alice`, `screen_alice` | this user's |
//! | `video_alice:2` | that of the user's second presence in the call |
//! | `audio_%s`, `video_%s`, `screen_%s` without a name | the first of this kind that comes |
//!
//! With `on-leave=eos` a pad ends when its user leaves the call; one that names nobody, when there
//! is no other to take its place. The element message `acscall-slow` (`participant`, `direction`,
//! `slow`) and a warning tell that the network carries too little for somebody's video.
//!
//! The call is left with its last element, or `linger` ms later. A process that ends meanwhile
//! does not leave it: to the others its connection is lost.
//!
//! In names bytes of the user outside `[A-Za-z0-9_-]` are written `%XX`. The element messages
//! `acscall-stream` and the property `streams` tell the name of the pad to ask for. A pad that
//! was asked for without a name is called `video_:0`, which is no user's.
//!
//! Where a camera or screen may come later than the rest, its sink wants `async=false`: GStreamer
//! lets no sink of a pipeline play before all of them have got something.
//!
//! Two pipelines in one process, in a call with each other:
//!
//! ```text
//! gst-launch-1.0 videotestsrc is-live=true ! acscallsink call=room user=alice \
//!     acscallsrc call=room user=bob ! videoconvert ! autovideosink
//! ```

mod flow;
mod imp;
mod pad;
mod pads;
mod stream;
mod wanted;

use gst::glib;
use gst::prelude::*;

pub use crate::common::{AcsCallKind, AcsCallState};

/// What a pad does when its user leaves the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstAcsCallOnLeave")]
#[repr(i32)]
pub enum AcsCallOnLeave {
    /// It waits for the user to come back.
    #[default]
    #[enum_value(name = "Keep: wait for the user to come back", nick = "keep")]
    Keep,
    /// It ends, for good.
    #[enum_value(name = "Eos: end the stream, for good", nick = "eos")]
    Eos,
}

glib::wrapper! {
    /// The element.
    pub struct AcsCallSrc(ObjectSubclass<imp::AcsCallSrc>)
        @extends gst::Bin, gst::Element, gst::Object,
        @implements gst::ChildProxy;
}

glib::wrapper! {
    /// Its pads.
    pub struct AcsCallSrcPad(ObjectSubclass<pad::AcsCallSrcPad>)
        @extends gst::GhostPad, gst::ProxyPad, gst::Pad, gst::Object;
}

/// Registers the element's factory.
pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(
        Some(plugin),
        "acscallsrc",
        gst::Rank::NONE,
        AcsCallSrc::static_type(),
    )
}
