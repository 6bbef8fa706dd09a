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
//! | `video_alice:2` | that of the user's second session in the call |
//! | `audio_%s`, `video_%s`, `screen_%s` without a name | the first of this kind that comes |
//!
//! Pictures come as they were decoded: their size, format and `colorimetry` are in the caps, and may
//! change at any time. What is sent by `acscallsink` is `bt601`, what a browser paints may be else.
//!
//! With `on-leave=eos` a pad ends when its user leaves the call; one that names nobody, when there
//! is no other to take its place. The element message `acscall-slow` (`participant`, `direction`,
//! `slow`) and a warning tell that the network carries too little for somebody's video.
//!
//! ## How there comes to be a call
//!
//! One of these properties has to be set. `acscallsink` has the same, and so have the signals and
//! messages below: elements of one process that say the same are one participant.
//!
//! | property | |
//! |---|---|
//! | `call=room` | the call of this name, whether somebody is in it or not |
//! | `callee=bob,carol` | a new call, into which these users are called and nobody else can come |
//! | `auto-accept=true` | the first call to `user` is answered |
//! | `incoming=true` | the application decides which call to `user` is answered |
//!
//! An element is in one call from its change to PAUSED, or from the answer, until it goes back to
//! READY or the call is over: a placed call is when it has one participant left and nobody is
//! rung. Then the pads get EOS.
//!
//! | action signal | |
//! |---|---|
//! | `invite(users)` | calls further users, with commas in between, into the call |
//! | `accept(call)` | answers this incoming call, or with NULL the one that rings first |
//! | `reject(call)` | declines it, for all who wait for calls to the user, and waits on |
//! | `hang-up(for-everyone)` | leaves the call for all elements that share it, or ends it |
//!
//! | element message | fields |
//! |---|---|
//! | `acscall-state` | `state`, as in the property; `call`, empty until it has a name; `user` |
//! | `acscall-incoming` | `call`; `participant` and `display-name` of who calls; `ringing`; where it rings no more a `reason`: `answered`, `declined`, `answered-elsewhere`, `declined-elsewhere`, `no-answer`, `cancelled` |
//! | `acscall-participant` | `participant`, `display-name`, `state`: `ringing`, `connected`, `connecting` where the connection is lost and may come back, `disconnected`; who was called and does not come has a `reason`: `busy`, `declined`, `no-answer`, `unknown`, or `other` where that got lost with the connection; who is in the call has an `id` and a number, `session` |
//!
//! Where nobody who was called comes, an error with the reason ends the caller's call:
//! `GST_RESOURCE_ERROR_NOT_FOUND` for a user who does not wait for calls, `BUSY` for one in another
//! call, `CLOSE` for one who declined or did not answer, `NOT_AUTHORIZED` for a token that does not
//! allow to call.
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
//!
//! Waiting for a call, with sound and picture:
//!
//! ```text
//! gst-launch-1.0 acscallsrc auto-accept=true user=bob name=c c.audio ! audioconvert ! autoaudiosink \
//!     c. ! video/x-raw ! videoconvert ! autovideosink async=false
//! ```

mod imp;
mod pad;
mod pad_request;
mod pads;
mod stream;
mod stream_events;

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
