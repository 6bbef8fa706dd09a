//! The private element behind each pad: pushes what a reader of the call gets.
//!
//! Not a `BaseSrc`: that pushes caps and gaps with the lock held that a state change needs, so
//! that a sink which waits in PAUSED would block the change for ever.

mod gate;
mod imp;

use std::sync::Arc;

use acscall::call::Selector;
use acscall::model::Kind;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::stream_events::StreamInfo;
use super::{AcsCallOnLeave, AcsCallSrcPad};
use crate::call::Membership;
use crate::call::reader::Counts;

glib::wrapper! {
    /// A live source that ends in the call instead of a device.
    pub struct AcsCallStream(ObjectSubclass<imp::AcsCallStream>)
        @extends gst::Element, gst::Object;
}

impl AcsCallStream {
    /// A stream for `pad`, which shows what becomes of it.
    pub(super) fn new(kind: Kind, pad: &AcsCallSrcPad, caps: &gst::Caps) -> AcsCallStream {
        let stream: AcsCallStream = glib::Object::builder().build();
        stream.imp().assign(kind, pad, caps);
        stream
    }

    /// The pad behind the element's.
    pub(super) fn source(&self) -> Option<gst::Pad> {
        self.static_pad("src")
    }

    /// Reads what `selector` names, unless the stream reads already.
    pub(super) fn bind(&self, membership: &Arc<Membership>, selector: Selector, names: StreamInfo) {
        self.imp().bind(membership, selector, names);
    }

    /// See the element's property.
    pub(super) fn set_on_leave(&self, on_leave: AcsCallOnLeave) {
        self.imp().set_on_leave(on_leave);
    }

    /// Reads nothing any more.
    pub(super) fn unbind(&self) {
        self.imp().unbind();
    }

    /// Whether this is the thread that pushes: it cannot wait for its own end.
    pub(super) fn is_own_thread(&self) -> bool {
        self.imp().is_own_thread()
    }

    /// What went through.
    pub(super) fn counts(&self) -> Counts {
        self.imp().counts()
    }
}
