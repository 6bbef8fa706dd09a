//! # acscallsrc
//!
//! Receives the audio, camera and screen share streams of a call as raw media on request pads.
//!
//! A pad can be requested at any time, even before its stream exists, and stays until it is
//! released. It survives users leaving, returning and reconnecting, with gaps in between.
//!
//! | pad | stream |
//! |---|---|
//! | `audio` | all other participants mixed, without the own user; continuous from the start |
//! | `audio_alice`, `video_alice`, `screen_alice` | a stream of the user `alice` |
//! | `video_alice:2` | a stream of that user's second session in the call |
//! | `audio_%s`, `video_%s`, `screen_%s` without a name | the first stream of this kind |
//!
//! Video is output as it was decoded: size and format are in the caps and may change at any time.
//! Its colorimetry is `bt601`, or what downstream requires; other pictures, such as Chromium's
//! canvases, are converted. Pictures with more than 8 bits or HDR keep their colorimetry.
//!
//! With `on-leave=eos`, a pad ends when its user leaves the call. A pad without a user in its name
//! ends when no other user can take its place. If the network carries too little for somebody's
//! video, the element posts the element message `acscall-slow` (`participant`, `direction`, `slow`)
//! and a warning.
//!
//! While its stream is away, a pad sends GAP events. Encoders do not pass them on, so a muxer behind
//! one waits, and its other inputs with it. With the pad property `gap-fill`, the pad outputs
//! silence, or its last picture (black before the first). A pad whose buffers are not taken in time
//! drops the oldest and posts the element message `acscall-dropped` (`pad`, `dropped`). A recording
//! of one participant's picture and everybody's sound:
//!
//! ```text
//! gst-launch-1.0 -e acscallsrc name=c call=room user=recorder video_alice::gap-fill=true \
//!     c.video_alice ! queue ! videoconvert ! videoscale ! videorate \
//!     ! video/x-raw,width=640,height=360,framerate=30/1 ! vp8enc deadline=1 ! queue ! m.video_0 \
//!     c.audio ! queue ! audioconvert ! opusenc ! queue ! m.audio_0 \
//!     webmmux name=m ! filesink location=call.webm
//! ```
//!
//! ## Joining, placing and answering calls
//!
//! Exactly one of these properties must be set. `acscallsink` has the same properties, and the same
//! signals and messages. Elements of one process with the same values are one participant.
//!
//! | property | effect |
//! |---|---|
//! | `call=room` | joins the call of this name, whether or not anybody is in it |
//! | `callee=bob,carol` | places a new call to these users, which nobody else can join |
//! | `auto-accept=true` | answers the first call to `user` |
//! | `incoming=true` | lets the application decide which call to `user` to answer |
//!
//! An element is in one call, from its change to PAUSED or from the answer until it returns to READY
//! or the call is over. A placed call is over when one participant is left and nobody is being
//! called. The pads then get EOS.
//!
//! | action signal | effect |
//! |---|---|
//! | `invite(users)` | calls more users, separated by commas, into the call |
//! | `accept(call)` | answers this incoming call, or with NULL the one that began to ring first |
//! | `reject(call)` | declines it on all connections that wait for calls to the user, and keeps waiting |
//! | `hang-up(for-everyone)` | leaves the call for all elements that share it, or ends it |
//!
//! | element message | fields |
//! |---|---|
//! | `acscall-state` | `state`, as in the property; `call`, empty until it has a name; `user` |
//! | `acscall-incoming` | `call`; `participant` and `display-name` of the caller; `ringing`; once it no longer rings, a `reason`: `answered`, `declined`, `answered-elsewhere`, `declined-elsewhere`, `no-answer`, `cancelled`, `other` |
//! | `acscall-participant` | `participant`; `display-name`; `state`: `ringing`, `connected`, `connecting` (the connection is lost but may come back), `disconnected`. An invited user who does not join has a `reason`: `busy`, `declined`, `no-answer`, `unknown`, or `other` if it was lost with the connection. A participant in the call has an `id` and a number, `session` |
//!
//! If no invited user joins, the caller's call ends with an error that gives the reason:
//! `GST_RESOURCE_ERROR_NOT_FOUND` for a user who does not accept calls, `BUSY` for one in another
//! call, `CLOSE` for one who declined or did not answer, `NOT_AUTHORIZED` for a token that does not
//! permit calls.
//!
//! The process leaves the call when its last element does, or `linger` ms later. If the process
//! ends earlier, the others see a lost connection.
//!
//! In pad names, bytes of the user outside `[A-Za-z0-9_-]` are written as `%XX`. The element
//! messages `acscall-stream` and the property `streams` give the name of the pad to request. A pad
//! that is requested without a name gets one such as `video_:0`, which no user can have.
//!
//! If a camera or screen stream may start later than the others, set `async=false` on its sink:
//! GStreamer lets no sink of a pipeline play before all of them have data.
//!
//! Two pipelines in one process, in a call with each other:
//!
//! ```text
//! gst-launch-1.0 videotestsrc is-live=true ! acscallsink call=room user=alice \
//!     acscallsrc call=room user=bob ! videoconvert ! autovideosink
//! ```
//!
//! Waiting for a call, with audio and video:
//!
//! ```text
//! gst-launch-1.0 acscallsrc auto-accept=true user=bob name=c c.audio ! audioconvert ! autoaudiosink \
//!     c. ! video/x-raw ! videoconvert ! autovideosink async=false
//! ```

mod imp;
mod pad;
mod pad_entry;
mod pad_request;
mod settings;
mod stream;
mod stream_events;

// More methods of the struct in imp.rs, which its subclass implementation calls.
mod pads;

use gst::glib;
use gst::prelude::*;

pub use crate::common::{AcsCallKind, AcsCallState};

/// What a pad does when its user leaves the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstAcsCallOnLeave")]
#[repr(i32)]
pub enum AcsCallOnLeave {
    /// Waits for the user to come back.
    #[default]
    #[enum_value(name = "Keep: wait for the user to come back", nick = "keep")]
    Keep,
    /// Ends the stream for good.
    #[enum_value(name = "Eos: end the stream for good", nick = "eos")]
    Eos,
}

glib::wrapper! {
    /// The element.
    pub struct AcsCallSrc(ObjectSubclass<imp::AcsCallSrc>)
        @extends gst::Bin, gst::Element, gst::Object,
        @implements gst::ChildProxy;
}

glib::wrapper! {
    /// A source pad of the element.
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
