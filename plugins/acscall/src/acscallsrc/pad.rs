//! The element's pads: the properties of their streams.

#![expect(
    missing_docs,
    reason = "the property accessors are generated; the blurbs document them"
)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, OnceLock};

use acscall::model::{Kind, Participant};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::stream::AcsCallStream;
use crate::common::AcsCallKind;

const STATS_BLURB: &str =
    "Buffers received (in), dropped because downstream is slow (dropped) and waiting (queued)";

/// See [`super::AcsCallSrcPad`].
#[derive(Debug, Default, glib::Properties)]
#[properties(wrapper_type = super::AcsCallSrcPad)]
pub struct AcsCallSrcPad {
    #[property(name = "kind", get = Self::kind, type = AcsCallKind,
        builder(AcsCallKind::Audio).nick("Kind").blurb("Kind of the stream"))]
    kind: OnceLock<Kind>,
    stream: glib::WeakRef<AcsCallStream>,
    #[property(name = "participant", get = Self::participant, type = Option<String>,
        nick = "Participant", blurb = "User whose stream the pad currently outputs (NULL = none)")]
    #[property(name = "available", get = Self::available, type = bool, nick = "Available",
        blurb = "Whether the sender has a running, unmuted source")]
    state: Mutex<State>,
    #[property(name = "gap-fill", get = Self::gap_fill, set = Self::set_gap_fill, type = bool,
        mutable_playing, nick = "Fill gaps", blurb = "Output silence, or the last picture (black \
        before the first), while the stream is away: encoders and muxers wait for buffers")]
    gap_fill: AtomicBool,
}

/// The values of the properties that follow the stream.
#[derive(Debug, Default)]
struct State {
    participant: Option<String>,
    available: bool,
}

impl AcsCallSrcPad {
    /// Sets the pad's kind and stream, once after the pad was created.
    pub(super) fn assign(&self, kind: Kind, stream: &AcsCallStream) {
        self.kind.get_or_init(|| kind);
        self.stream.set(Some(stream));
    }

    /// Sets the participant that the stream comes from.
    pub(super) fn set_participant(&self, participant: Option<&Participant>) {
        let now = participant.map(|participant| participant.user.clone());
        let changed = {
            let mut state = self.state.lock();
            let changed = state.participant != now;
            state.participant = now;
            changed
        };
        if changed {
            self.obj().notify("participant");
        }
    }

    /// Sets whether the stream's sender has a running, unmuted source.
    pub(super) fn set_available(&self, now: bool) {
        let before = std::mem::replace(&mut self.state.lock().available, now);
        if before != now {
            self.obj().notify("available");
        }
    }

    /// Whether buffers fill the gaps of the stream.
    pub(super) fn gap_fill(&self) -> bool {
        self.gap_fill.load(Ordering::Relaxed)
    }

    fn set_gap_fill(&self, fill: bool) {
        self.gap_fill.store(fill, Ordering::Relaxed);
    }

    /// Posts that downstream does not take the pad's buffers in time.
    pub(super) fn post_dropped(&self, dropped: u64) {
        let pad = self.obj();
        let Some(element) = pad.parent_element() else {
            return;
        };
        let structure = gst::Structure::builder("acscall-dropped")
            .field("pad", pad.name())
            .field("dropped", dropped)
            .build();
        let message = gst::message::Element::builder(structure).src(&element);
        let _nobody_listens = element.post_message(message.build());
    }

    fn participant(&self) -> Option<String> {
        self.state.lock().participant.clone()
    }

    fn available(&self) -> bool {
        self.state.lock().available
    }

    fn kind(&self) -> AcsCallKind {
        self.kind.get().copied().unwrap_or(Kind::Audio).into()
    }

    fn stats(&self) -> gst::Structure {
        let counts = self
            .stream
            .upgrade()
            .map(|stream| stream.counts())
            .unwrap_or_default();
        gst::Structure::builder("application/x-acscall-src-pad-stats")
            .field("in", counts.received)
            .field("dropped", counts.dropped)
            .field("queued", counts.queued)
            .build()
    }
}

#[glib::object_subclass]
impl ObjectSubclass for AcsCallSrcPad {
    const NAME: &'static str = "GstAcsCallSrcPad";
    type Type = super::AcsCallSrcPad;
    type ParentType = gst::GhostPad;
}

impl ObjectImpl for AcsCallSrcPad {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            // Derived properties are identified by their position, so they come first.
            let derived = <AcsCallSrcPad as DerivedObjectProperties>::derived_properties();
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

impl GstObjectImpl for AcsCallSrcPad {}
impl PadImpl for AcsCallSrcPad {}
impl ProxyPadImpl for AcsCallSrcPad {}
impl GhostPadImpl for AcsCallSrcPad {}
