//! A tap's pad: its properties, and the events and queries of its branch.

#![expect(
    missing_docs,
    reason = "the property accessors are generated; the blurbs document them"
)]

use std::sync::{Arc, LazyLock};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::tap::Tap;
use super::{CAT, RawTapPolicy};

const STATS_BLURB: &str = "Number of buffers received (in), pushed (out), dropped (dropped) and \
    queued or being pushed (queued), with in = out + dropped + queued, and the running time of the \
    last pushed buffer (last-running-time)";

/// See [`super::RawTapPad`].
#[derive(Debug, Default, glib::Properties)]
#[properties(wrapper_type = super::RawTapPad)]
pub struct RawTapPad {
    #[property(name = "policy", get = |imp: &Self| imp.tap.settings().policy,
        set = Self::set_policy, type = RawTapPolicy,
        builder(RawTapPolicy::Latest).mutable_playing().nick("Policy")
            .blurb("Which buffers to keep and which to drop if the branch cannot keep up"))]
    #[property(name = "max-buffers", get = |imp: &Self| imp.tap.settings().max_buffers,
        set = Self::set_max_buffers, type = u32, minimum = 1, default = 3, mutable_playing,
        nick = "Maximum buffers",
        blurb = "Maximum number of queued buffers with policy=drop-oldest or policy=drop-newest")]
    #[property(name = "max-rate", get = |imp: &Self| imp.tap.settings().max_rate,
        set = Self::set_max_rate, type = f64, minimum = 0.0, default = 0.0, mutable_playing,
        nick = "Maximum rate", blurb = "Maximum number of buffers per second of running time \
            (0 = unlimited, 0.5 = one every two seconds)")]
    pub(super) tap: Arc<Tap>,
}

impl RawTapPad {
    fn set_policy(&self, policy: RawTapPolicy) {
        self.tap.set_settings(|settings| settings.policy = policy);
    }

    fn set_max_buffers(&self, max_buffers: u32) {
        self.tap
            .set_settings(|settings| settings.max_buffers = max_buffers);
    }

    fn set_max_rate(&self, max_rate: f64) {
        self.tap
            .set_settings(|settings| settings.max_rate = max_rate);
    }
}

#[glib::object_subclass]
impl ObjectSubclass for RawTapPad {
    const NAME: &'static str = "GstRawTapPad";
    type Type = super::RawTapPad;
    type ParentType = gst::Pad;
}

impl ObjectImpl for RawTapPad {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            // The derived properties come first: their index identifies them.
            let derived = <RawTapPad as DerivedObjectProperties>::derived_properties();
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
            "stats" => self.tap.stats().to_value(),
            _ => self.derived_property(id, pspec),
        }
    }
}

impl GstObjectImpl for RawTapPad {}

impl PadImpl for RawTapPad {
    fn linked(&self, peer: &gst::Pad) {
        self.parent_linked(peer);
        self.tap.attach();
    }
}

/// Starts and stops the task.
pub(super) fn activate_mode(
    pad: &super::RawTapPad,
    mode: gst::PadMode,
    active: bool,
) -> Result<(), gst::LoggableError> {
    let tap = &pad.imp().tap;
    match (mode, active) {
        (gst::PadMode::Push, true) => tap.start(pad.upcast_ref()).map_err(Into::into),
        (gst::PadMode::Push, false) => tap.stop(pad.upcast_ref()).map_err(Into::into),
        _ => Err(gst::loggable_error!(CAT, "a tap works in push mode only")),
    }
}

/// Ends the events of the branch. They count as handled: a seek of a pipeline goes to every sink, and
/// fails as a whole if it fails on one of them.
pub(super) fn event(pad: &super::RawTapPad, event: &gst::Event) -> bool {
    gst::debug!(CAT, obj = pad, "event ends at the tap: {event:?}");
    if event.type_() == gst::EventType::Reconfigure {
        pad.imp().tap.attach();
    }
    true
}

/// Answers the queries of the branch. `sink` is the element's sink pad.
pub(super) fn query(pad: &super::RawTapPad, sink: &gst::Pad, query: &mut gst::QueryRef) -> bool {
    let is_serialized = query.is_serialized();
    match query.view_mut() {
        gst::QueryViewMut::Latency(latency) => {
            latency.set(false, gst::ClockTime::ZERO, gst::ClockTime::NONE);
            true
        }
        gst::QueryViewMut::Caps(caps) => {
            let filter = caps.filter_owned();
            let result = match pad.current_caps() {
                Some(current) => match filter {
                    Some(filter) => {
                        filter.intersect_with_mode(&current, gst::CapsIntersectMode::First)
                    }
                    None => current,
                },
                None => sink.peer_query_caps(filter.as_ref()),
            };
            caps.set_result(&result);
            true
        }
        gst::QueryViewMut::AcceptCaps(accept) => {
            let allowed = pad
                .current_caps()
                .unwrap_or_else(|| sink.peer_query_caps(None));
            let result = accept.caps().is_subset(&allowed);
            accept.set_result(result);
            true
        }
        // A tap only pushes. Serialized queries travel downstream.
        gst::QueryViewMut::Scheduling(_) => false,
        _ if is_serialized => false,
        _ => sink.peer_query(query),
    }
}
