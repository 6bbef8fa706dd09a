//! The private sink behind each pad: hands what it renders to the call.

mod caps;
mod imp;

use std::sync::Arc;

use acscall::model::Kind;
use gst::glib;
use gst::subclass::prelude::*;

use crate::call::{Codec, Membership};

glib::wrapper! {
    /// A sink that ends in the call instead of a device.
    pub struct AcsCallPadSink(ObjectSubclass<imp::AcsCallPadSink>)
        @extends gst_base::BaseSink, gst::Element, gst::Object;
}

/// What an application asks of an encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Coding {
    /// `None` where there is no choice.
    pub(super) codec: Option<Codec>,
    /// In bit/s; `None` for the default.
    pub(super) max_bitrate: Option<u32>,
}

impl AcsCallPadSink {
    /// A port for streams of this kind, which is paced by the clock where they are not live and
    /// `paced` says so.
    pub(super) fn new(kind: Kind, caps: &gst::Caps, paced: bool) -> AcsCallPadSink {
        let port: AcsCallPadSink = glib::Object::builder().build();
        port.imp().assign(kind, caps);
        port.imp().set_paced(paced);
        port
    }

    /// Takes the call's outgoing stream; false if another pad of this process has it.
    pub(super) fn open(&self, membership: &Arc<Membership>, coding: Coding) -> bool {
        let is_open = self.imp().open(membership);
        self.code(coding);
        is_open
    }

    /// Sets how the outgoing stream is coded, while the port is open.
    pub(super) fn code(&self, coding: Coding) {
        if let Some(outgoing) = self.imp().outgoing() {
            outgoing.set_max_bitrate(coding.max_bitrate);
            if let Some(codec) = coding.codec {
                outgoing.set_codec(codec);
            }
        }
    }

    /// See the element's property `stall-timeout`.
    pub(super) fn set_stall_timeout(&self, milliseconds: u32) {
        let timeout = gst::ClockTime::from_mseconds(milliseconds.into());
        if let Some(outgoing) = self.imp().outgoing() {
            outgoing.set_stall_timeout((milliseconds > 0).then_some(timeout));
        }
    }

    /// Gives the outgoing stream back.
    pub(super) fn close(&self) {
        self.imp().close();
    }

    /// Ends the stream when all of it has left. Waits for that, but not long.
    pub(super) fn finish(&self) {
        self.imp().finish();
    }

    /// A new stream begins: after an end the port has to be made ready for it.
    pub(super) fn restart(&self) {
        self.imp().restart();
    }

    /// See the pad's property.
    pub(super) fn set_muted(&self, muted: bool) {
        self.imp().set_muted(muted);
    }

    /// See the element's property `sync`.
    pub(super) fn set_paced(&self, paced: bool) {
        self.imp().set_paced(paced);
    }

    /// What went through, while the port is open.
    pub(super) fn stats(&self) -> Option<gst::Structure> {
        self.imp().outgoing().map(|outgoing| outgoing.stats())
    }
}
