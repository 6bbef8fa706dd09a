//! The element's pads: what they show of their stream.

#![expect(
    missing_docs,
    reason = "accessors of properties are generated; blurbs document them"
)]

use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use acscall::model::{Kind, Participant};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::stream::AcsCallStream;
use crate::common::AcsCallKind;

const STATS_BLURB: &str =
    "Buffers that came in (in), were dropped since downstream was slow (dropped), wait (queued)";

/// See [`super::AcsCallSrcPad`].
#[derive(Debug, Default, glib::Properties)]
#[properties(wrapper_type = super::AcsCallSrcPad)]
pub struct AcsCallSrcPad {
    #[property(name = "kind", get = Self::kind, type = AcsCallKind, 
        builder(AcsCallKind::Audio).nick("Kind").blurb("What the stream carries"))]
    kind: OnceLock<Kind>,
    stream: glib::WeakRef<AcsCallStream>,
    #[property(name = "participant", get, type = Option<String>, member = participant,
        nick = "Participant", blurb = "The user whose stream it is now; none before one came")]
    #[property(name = "available", get, type = bool, member = available,
        nick = "Available", blurb = "Whether the sender has a running, unmuted source")]
    shown: Mutex<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    participant: Option<String>,
    available: bool,
}

impl AcsCallSrcPad {
    /// Tells the pad what it shows. Once, right after it was made.
    pub(super) fn assign(&self, kind: Kind, stream: &AcsCallStream) {
        self.kind.get_or_init(|| kind);
        self.stream.set(Some(stream));
    }

    /// The stream is this participant's from now on, or nobody's.
    pub(super) fn set_bound(&self, participant: Option<&Participant>) {
        let now = participant.map(|participant| participant.user.clone());
        let changed = {
            let mut shown = self.shown();
            let changed = shown.participant != now;
            shown.participant = now;
            changed
        };
        if changed {
            self.obj().notify("participant");
        }
    }

    /// Whether the stream's sender has a running, unmuted source.
    pub(super) fn set_available(&self, now: bool) {
        let before = std::mem::replace(&mut self.shown().available, now);
        if before != now {
            self.obj().notify("available");
        }
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

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
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
            // The derived ones first: they know themselves by their number.
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
