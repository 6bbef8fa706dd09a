//! The private sink behind each pad: passes the stream to the call.

mod caps;
mod format;
mod imp;
mod intake;

use std::sync::Arc;

use acscall::model::Kind;
use gst::glib;
use gst::subclass::prelude::*;

use super::AcsCallSinkPad;
use crate::call::{Codec, Membership};

glib::wrapper! {
    /// A sink for one stream of the call.
    pub struct AcsCallPadSink(ObjectSubclass<imp::AcsCallPadSink>)
        @extends gst_base::BaseSink, gst::Element, gst::Object;
}

/// The encoder settings that an application chose with pad properties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EncoderSettings {
    /// `None` for audio, which is always Opus.
    pub(super) codec: Option<Codec>,
    /// In bit/s; `None` for the default.
    pub(super) max_bitrate: Option<u32>,
}

impl AcsCallPadSink {
    /// Creates a sink for streams of this kind. If `paced`, the clock paces non-live streams.
    pub(super) fn new(kind: Kind, caps: &gst::Caps, paced: bool) -> AcsCallPadSink {
        let sink: AcsCallPadSink = glib::Object::builder().build();
        sink.imp().assign(kind, caps);
        sink.imp().set_paced(paced);
        sink
    }

    /// Opens the call's outgoing stream; returns false if another pad of this process has it.
    pub(super) fn open(&self, membership: &Arc<Membership>, encoder: EncoderSettings) -> bool {
        let is_open = self.imp().open(membership);
        self.set_encoder_settings(encoder);
        is_open
    }

    /// Sets how the outgoing stream is encoded, while it is open.
    pub(super) fn set_encoder_settings(&self, encoder: EncoderSettings) {
        if let Some(publication) = self.imp().publication() {
            publication.set_max_bitrate(encoder.max_bitrate);
            if let Some(codec) = encoder.codec {
                publication.set_codec(codec);
            }
        }
    }

    /// See the element property `stall-timeout`.
    pub(super) fn set_stall_timeout(&self, milliseconds: u32) {
        let timeout = gst::ClockTime::from_mseconds(milliseconds.into());
        if let Some(publication) = self.imp().publication() {
            publication.set_stall_timeout((milliseconds > 0).then_some(timeout));
        }
    }

    /// Closes the outgoing stream.
    pub(super) fn close(&self) {
        self.imp().close();
    }

    /// Stops the outgoing stream after waiting, for a limited time, until all data has left.
    pub(super) fn finish(&self) {
        self.imp().finish();
    }

    /// Prepares the sink for a new stream after EOS.
    pub(super) fn restart(&self) {
        self.imp().restart();
    }

    /// See the pad property `muted`.
    pub(super) fn set_muted(&self, muted: bool) {
        self.imp().set_muted(muted);
    }

    /// See the element property `sync`.
    pub(super) fn set_paced(&self, paced: bool) {
        self.imp().set_paced(paced);
    }

    /// Passes a buffer from a pad of the element on to this sink, which waits until it is due.
    pub(super) fn chain(
        &self,
        pad: &AcsCallSinkPad,
        parent: Option<&gst::Object>,
        buffer: gst::Buffer,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        self.imp().chain(pad, parent, buffer)
    }

    /// Returns the statistics of the outgoing stream, while it is open.
    pub(super) fn stats(&self) -> Option<gst::Structure> {
        self.imp().stats()
    }
}
