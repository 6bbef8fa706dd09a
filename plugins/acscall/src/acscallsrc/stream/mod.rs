//! The private element behind each pad: pushes the buffers that a reader of the call gets.
//!
//! It is not a `BaseSrc`, which holds the lock that state changes need while it pushes caps and
//! gaps: a sink that waits in PAUSED would block the state change for ever.

mod colors;
mod filler;
mod gaps;
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
    /// A live source for one stream of the call.
    pub struct AcsCallStream(ObjectSubclass<imp::AcsCallStream>)
        @extends gst::Element, gst::Object;
}

impl AcsCallStream {
    /// Creates a stream whose participant and availability are properties of `pad`.
    pub(super) fn new(kind: Kind, pad: &AcsCallSrcPad, caps: &gst::Caps) -> AcsCallStream {
        let stream: AcsCallStream = glib::Object::builder().build();
        stream.imp().assign(kind, pad, caps);
        stream
    }

    /// Returns the target of the element's ghost pad.
    pub(super) fn source(&self) -> Option<gst::Pad> {
        self.static_pad("src")
    }

    /// Starts to read the stream that `selector` names, unless one is being read already.
    pub(super) fn bind(&self, membership: &Arc<Membership>, selector: Selector, info: StreamInfo) {
        self.imp().bind(membership, selector, info);
    }

    /// See the element property `on-leave`.
    pub(super) fn set_on_leave(&self, on_leave: AcsCallOnLeave) {
        self.imp().set_on_leave(on_leave);
    }

    /// Stops reading.
    pub(super) fn unbind(&self) {
        self.imp().unbind();
    }

    /// Returns whether the caller runs on the streaming thread, which cannot wait for its own end.
    pub(super) fn is_own_thread(&self) -> bool {
        self.imp().is_own_thread()
    }

    /// Returns the numbers of buffers for the pad's property `stats`.
    pub(super) fn counts(&self) -> Counts {
        self.imp().counts()
    }
}

#[cfg(test)]
mod tests {
    use super::super::AcsCallSrc;
    use super::*;

    #[test]
    fn a_pad_of_an_element_that_panicked_rejects_queries_with_an_error() {
        gst::init().unwrap();
        let element = glib::Object::new::<AcsCallSrc>();
        let _pad = element.request_pad_simple("audio").unwrap();
        let stream = element.children().remove(0);
        let stream = stream.downcast::<AcsCallStream>().unwrap();
        let bus = gst::Bus::new();
        stream.set_bus(Some(&bus));
        let source = stream.source().unwrap();
        assert!(source.query(&mut gst::query::Caps::new(None)));
        imp::AcsCallStream::catch_panic_pad_function(
            Some(stream.upcast_ref()),
            || (),
            |_| panic!("in a test"),
        );
        assert!(bus.pop_filtered(&[gst::MessageType::Error]).is_some());
        assert!(!source.query(&mut gst::query::Caps::new(None)));
        assert!(bus.pop_filtered(&[gst::MessageType::Error]).is_some());
    }
}
