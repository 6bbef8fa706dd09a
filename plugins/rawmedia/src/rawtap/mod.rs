//! # rawtap
//!
//! Passes everything through from `sink` to `src`, untouched, and gives references to the same
//! buffers to any number of request pads `tap_%u`: tee and a leaky queue in one, with a contract.
//!
//! **Nothing that happens on a tap changes the flow, the timing or the result on `src`**: not a
//! branch that blocks, returns an error, is not linked, ends, is flushed, refuses an allocation,
//! has latency, changes its state or is released in mid-stream.
//!
//! ```text
//! gst-launch-1.0 videotestsrc num-buffers=90 ! rawtap name=t tap_0::max-rate=2 ! autovideosink \
//!     t.tap_0 ! videoconvert ! jpegenc ! multifilesink async=false location=/tmp/still-%d.jpg
//! ```
//!
//! | pad property | |
//! |---|---|
//! | `policy` | what a tap does that cannot keep up: `latest` holds the newest buffer only, `drop-oldest` and `drop-newest` hold `max-buffers` |
//! | `max-buffers` | how many buffers the latter two hold |
//! | `max-rate` | at most so many buffers per second of running time; 0 = all, 0.5 = one every two seconds |
//! | `stats` | `in` = `out` + `dropped` + `queued` at every instant, and `last-running-time` of what went out |
//!
//! All of them may be changed at any time.
//!
//! ## What a tap sees
//! Each tap pushes from a thread of its own. A tap that comes late gets stream-start, caps,
//! segment and tags (and EOS) first. Serialized events keep their place among the buffers; where
//! the buffers between them were dropped, only the newest of each kind is left, and of others
//! than sticky ones at most the newest 64. So what a tap holds is bounded whatever upstream sends.
//!
//! A branch that is not linked or stopped loses what comes meanwhile, and goes on as soon as it
//! is there again. A branch that fails is left alone, and the element posts an element message
//! `rawtap-detached` with the fields `pad` (GstPad), `tap` (its name), `result` (the flow return)
//! and `text` (cause and cure). It is tried again when the pad is linked anew, when the branch
//! asks to be negotiated with again, after a flush, and with new caps or a new stream.
//!
//! Upstream events of a tap end at the tap and count as handled, seeks included: a seek on a
//! pipeline is sent to every sink, and the one that comes through `src` does the work. It returns
//! when the branches are flushed too, or after half a second; the flow waits for none of them. The
//! allocation is negotiated between upstream and `src`'s peer; taps only make it larger by what
//! they hold. Where a pool cannot grow, taps get copies. Raw video whose layout its caps do not
//! tell is copied into the default layout for a branch that does not take GstVideoMeta.
//!
//! Two limits: to stop, the element waits until its taps' pushes have returned, as a queue does;
//! and a buffer that a branch is busy with cannot be given back when upstream asks for its memory
//! (DRAIN).
//!
//! ## Hints
//! * A sink on a tap wants `sync=false async=false`: else it shows late what is live, and the
//!   pipeline waits for it to preroll.
//! * While a tap holds a buffer, a filter after `src` that works in place has to copy it.
//! * A tap that needs another format converts after the tap: `t.tap_0 ! videoconvert ! …`.

mod allocation;
mod imp;
mod layout;
mod outband;
mod pad;
mod pads;
mod pool;
mod queue;
mod rate;
mod sticky;
mod tap;

use gst::glib;
use gst::prelude::*;

/// What a tap does when its branch cannot keep up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstRawTapPolicy")]
#[repr(i32)]
pub enum RawTapPolicy {
    /// Only the newest buffer is held.
    #[default]
    #[enum_value(name = "Latest: hold the newest buffer only", nick = "latest")]
    Latest,
    /// `max-buffers` are held; a new one takes the oldest one's place.
    #[enum_value(
        name = "Drop oldest: a new buffer takes the place of the oldest",
        nick = "drop-oldest"
    )]
    DropOldest,
    /// `max-buffers` are held; a new one is dropped when there is no room.
    #[enum_value(
        name = "Drop newest: a new buffer is dropped when there is no room",
        nick = "drop-newest"
    )]
    DropNewest,
}

glib::wrapper! {
    /// The element.
    pub struct RawTap(ObjectSubclass<imp::RawTap>)
        @extends gst::Element, gst::Object,
        @implements gst::ChildProxy;
}

glib::wrapper! {
    /// A tap.
    pub struct RawTapPad(ObjectSubclass<pad::RawTapPad>)
        @extends gst::Pad, gst::Object;
}

/// Registers the element's factory.
pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(
        Some(plugin),
        "rawtap",
        gst::Rank::NONE,
        RawTap::static_type(),
    )
}
