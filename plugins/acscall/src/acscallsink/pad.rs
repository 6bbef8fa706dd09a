//! The element's pads: the properties of their streams.

#![expect(
    missing_docs,
    reason = "the property accessors are generated; the blurbs document them"
)]

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{LazyLock, OnceLock};

use acscall::model::Kind;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::pad_sink::{AcsCallPadSink, EncoderSettings};
use super::{AcsCallCodec, AcsCallSink};
use crate::common::AcsCallKind;

const STATS_BLURB: &str = "Buffers received (in), wanted by no receiver (unwanted), not encoded in \
    time (dropped) and encoded (encoded), buffers that were dropped because they do not have whole \
    samples or a whole frame (broken), buffers with a timestamp too far ahead (early), the number of encoders (encoders), their codec (codec), their target bitrate in \
    kbit/s (bitrate) and the packet loss they expect in percent (packet-loss)";

/// See [`super::AcsCallSinkPad`].
#[derive(Debug, Default, glib::Properties)]
#[properties(wrapper_type = super::AcsCallSinkPad)]
pub struct AcsCallSinkPad {
    #[property(name = "kind", get = Self::kind, type = AcsCallKind,
        builder(AcsCallKind::Audio).nick("Kind").blurb("Kind of the stream"))]
    kind: OnceLock<Kind>,
    #[property(name = "muted", get = Self::muted, set = Self::set_muted, type = bool,
        mutable_playing, nick = "Muted", blurb = "Stop sending, which makes the stream unavailable \
            to the others")]
    muted: AtomicBool,
    #[property(name = "bitrate", get = Self::bitrate, set = Self::set_bitrate, type = u32,
        maximum = 1_000_000, mutable_playing, nick = "Bit rate", blurb = "Maximum bitrate of the \
            stream in kbit/s, reduced if the network carries less (0 = 96 for audio, 2500 for \
            video and screen)")]
    bitrate: AtomicU32,
    #[property(name = "codec", get = Self::codec, set = Self::set_codec, type = AcsCallCodec,
        mutable_playing, builder(AcsCallCodec::Vp8).mutable_playing().nick("Codec")
        .blurb("Codec of video and screen streams (audio is always Opus); a change during a call \
            replaces the connections to the others, which takes a moment"))]
    codec: Mutex<AcsCallCodec>,
    sink: glib::WeakRef<AcsCallPadSink>,
}

impl AcsCallSinkPad {
    /// Sets the pad's kind and sink, once after the pad was created.
    pub(super) fn assign(&self, kind: Kind, sink: &AcsCallPadSink) {
        self.kind.get_or_init(|| kind);
        self.sink.set(Some(sink));
    }

    fn kind(&self) -> AcsCallKind {
        self.kind.get().copied().unwrap_or(Kind::Audio).into()
    }

    fn muted(&self) -> bool {
        self.muted.load(Ordering::SeqCst)
    }

    fn set_muted(&self, muted: bool) {
        self.muted.store(muted, Ordering::SeqCst);
        if let Some(sink) = self.sink.upgrade() {
            sink.set_muted(muted);
        }
    }

    fn bitrate(&self) -> u32 {
        self.bitrate.load(Ordering::SeqCst)
    }

    fn set_bitrate(&self, bitrate: u32) {
        self.bitrate.store(bitrate, Ordering::SeqCst);
        self.apply_encoder_settings();
    }

    fn codec(&self) -> AcsCallCodec {
        *self.codec.lock()
    }

    fn set_codec(&self, codec: AcsCallCodec) {
        *self.codec.lock() = codec;
        self.apply_encoder_settings();
    }

    /// Returns the encoder settings that the properties describe.
    pub(super) fn encoder_settings(&self) -> EncoderSettings {
        let bitrate = self.bitrate();
        EncoderSettings {
            codec: match self.kind.get() {
                Some(Kind::Video | Kind::Screen) => Some(self.codec().into()),
                Some(Kind::Audio) | None => None,
            },
            max_bitrate: (bitrate > 0).then(|| bitrate.saturating_mul(1000)),
        }
    }

    fn apply_encoder_settings(&self) {
        let obj = self.obj();
        let element = obj.parent().and_downcast::<AcsCallSink>();
        if let (Some(element), Some(sink)) = (element, self.sink.upgrade()) {
            let encoder = self.encoder_settings();
            element.imp().apply_encoder_settings(&sink, encoder);
        }
    }

    fn stats(&self) -> gst::Structure {
        self.sink
            .upgrade()
            .and_then(|sink| sink.stats())
            .unwrap_or_else(|| gst::Structure::new_empty("application/x-acscall-sink-pad-stats"))
    }
}

#[glib::object_subclass]
impl ObjectSubclass for AcsCallSinkPad {
    const NAME: &'static str = "GstAcsCallSinkPad";
    type Type = super::AcsCallSinkPad;
    type ParentType = gst::GhostPad;
}

impl ObjectImpl for AcsCallSinkPad {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            // Derived properties are identified by their position, so they come first.
            let derived = <AcsCallSinkPad as DerivedObjectProperties>::derived_properties();
            let stats = glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
                .nick("Statistics")
                .blurb(STATS_BLURB)
                .read_only()
                .build();
            derived.iter().cloned().chain([stats]).collect()
        });
        &PROPERTIES
    }

    fn set_property(&self, id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        self.derived_set_property(id, value, pspec);
    }

    fn property(&self, id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "stats" => self.stats().to_value(),
            _ => self.derived_property(id, pspec),
        }
    }
}

impl GstObjectImpl for AcsCallSinkPad {}
impl PadImpl for AcsCallSinkPad {}
impl ProxyPadImpl for AcsCallSinkPad {}
impl GhostPadImpl for AcsCallSinkPad {}
