//! The element's pads: what they show of their stream, and the switch to mute it.

#![expect(
    missing_docs,
    reason = "accessors of properties are generated; blurbs document them"
)]

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use acscall::model::Kind;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::pad_sink::{AcsCallPadSink, Coding};
use super::{AcsCallCodec, AcsCallSink};
use crate::common::AcsCallKind;

const STATS_BLURB: &str = "Buffers that came in (in), that nobody wanted (unwanted), that were encoded (encoded), and the number of encoders (encoders); how they code (codec), the rate they work at in kbit/s (bitrate) and the loss that they reckon with in percent (packet-loss)";

/// See [`super::AcsCallSinkPad`].
#[derive(Debug, Default, glib::Properties)]
#[properties(wrapper_type = super::AcsCallSinkPad)]
pub struct AcsCallSinkPad {
    #[property(name = "kind", get = Self::kind, type = AcsCallKind, 
        builder(AcsCallKind::Audio).nick("Kind").blurb("What the stream carries"))]
    kind: OnceLock<Kind>,
    #[property(name = "muted", get = Self::muted, set = Self::set_muted, type = bool,
        mutable_playing, nick = "Muted", blurb = "Send nothing, so that the others see the stream \
            as not available")]
    muted: AtomicBool,
    #[property(name = "bitrate", get = Self::bitrate, set = Self::set_bitrate, type = u32,
        maximum = 1_000_000, mutable_playing, nick = "Bit rate", blurb = "The most that the stream \
            takes, in kbit/s; the network may allow less. 0: 96 for audio, 2500 for a camera or a \
            screen")]
    bitrate: AtomicU32,
    #[property(name = "codec", get = Self::codec, set = Self::set_codec, type = AcsCallCodec,
        mutable_playing, builder(AcsCallCodec::Vp8).mutable_playing().nick("Codec")
        .blurb("How pictures are coded; audio is always Opus. A change in a call replaces the \
            connections to the others, which takes a moment"))]
    codec: Mutex<AcsCallCodec>,
    port: glib::WeakRef<AcsCallPadSink>,
}

impl AcsCallSinkPad {
    /// Tells the pad what it stands for. Once, right after it was made.
    pub(super) fn assign(&self, kind: Kind, port: &AcsCallPadSink) {
        self.kind.get_or_init(|| kind);
        self.port.set(Some(port));
    }

    fn kind(&self) -> AcsCallKind {
        self.kind.get().copied().unwrap_or(Kind::Audio).into()
    }

    fn muted(&self) -> bool {
        self.muted.load(Ordering::SeqCst)
    }

    fn set_muted(&self, muted: bool) {
        self.muted.store(muted, Ordering::SeqCst);
        if let Some(port) = self.port.upgrade() {
            port.set_muted(muted);
        }
    }

    fn bitrate(&self) -> u32 {
        self.bitrate.load(Ordering::SeqCst)
    }

    fn set_bitrate(&self, bitrate: u32) {
        self.bitrate.store(bitrate, Ordering::SeqCst);
        self.code();
    }

    fn codec(&self) -> AcsCallCodec {
        *self.codec.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_codec(&self, codec: AcsCallCodec) {
        *self.codec.lock().unwrap_or_else(PoisonError::into_inner) = codec;
        self.code();
    }

    /// What the application asks of the encoder.
    pub(super) fn coding(&self) -> Coding {
        let bitrate = self.bitrate();
        Coding {
            codec: match self.kind.get() {
                Some(Kind::Video | Kind::Screen) => Some(self.codec().into()),
                Some(Kind::Audio) | None => None,
            },
            max_bitrate: (bitrate > 0).then(|| bitrate.saturating_mul(1000)),
        }
    }

    fn code(&self) {
        let obj = self.obj();
        let element = obj.parent().and_downcast::<AcsCallSink>();
        if let (Some(element), Some(port)) = (element, self.port.upgrade()) {
            element.imp().code(&port, self.coding());
        }
    }

    fn stats(&self) -> gst::Structure {
        self.port
            .upgrade()
            .and_then(|port| port.stats())
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
            // The derived ones first: they know themselves by their number.
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
