//! A tap's pad: its properties, and what comes from its branch.

#![expect(
    missing_docs,
    reason = "accessors of properties are generated; blurbs document them"
)]

use std::sync::{Arc, LazyLock};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::tap::Tap;
use super::{RawTapPolicy, imp};

const STATS_BLURB: &str = "Buffers that came (in), that the branch took (out), that it did not get (dropped), that wait or are being pushed (queued): in = out + dropped + queued; and the running time of the last one that went out (last-running-time)";

/// See [`super::RawTapPad`].
#[derive(Debug, Default, glib::Properties)]
#[properties(wrapper_type = super::RawTapPad)]
pub struct RawTapPad {
    #[property(name = "policy", get = |imp: &Self| imp.tap.settings().policy,
        set = Self::set_policy, type = RawTapPolicy,
        builder(RawTapPolicy::Latest).mutable_playing().nick("Policy")
            .blurb("What is held for a branch that cannot keep up, and what is dropped"))]
    #[property(name = "max-buffers", get = |imp: &Self| imp.tap.settings().max_buffers,
        set = Self::set_max_buffers, type = u32, minimum = 1, default = 3, mutable_playing,
        nick = "Maximum buffers",
        blurb = "Buffers held at most with policy=drop-oldest and policy=drop-newest")]
    #[property(name = "max-rate", get = |imp: &Self| imp.tap.settings().max_rate,
        set = Self::set_max_rate, type = f64, minimum = 0.0, default = 0.0, mutable_playing,
        nick = "Maximum rate", blurb = "Buffers per second of running time at most; 0 = all, \
            0.5 = one every two seconds")]
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
            // The derived ones first: they know themselves by their number.
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

/// Starts and stops the thread.
pub(super) fn activate_mode(
    pad: &super::RawTapPad,
    mode: gst::PadMode,
    active: bool,
) -> Result<(), gst::LoggableError> {
    let tap = &pad.imp().tap;
    match (mode, active) {
        (gst::PadMode::Push, true) => tap.start(pad).map_err(Into::into),
        (gst::PadMode::Push, false) => tap.stop(pad).map_err(Into::into),
        _ => Err(gst::loggable_error!(imp::CAT, "a tap only pushes")),
    }
}

/// Events from the branch end here. They count as handled: a seek on a pipeline reaches every
/// sink, and would fail as a whole if it failed here.
pub(super) fn event(pad: &super::RawTapPad, event: &gst::Event) -> bool {
    gst::debug!(imp::CAT, obj = pad, "ends here: {event:?}");
    if event.type_() == gst::EventType::Reconfigure {
        pad.imp().tap.attach();
    }
    true
}

/// Queries from the branch. `sink` is the element's sink pad.
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
        // A tap only pushes, and what is serialized belongs to the other direction.
        gst::QueryViewMut::Scheduling(_) => false,
        _ if is_serialized => false,
        _ => sink.peer_query(query),
    }
}

/// Tells the application that a branch has failed.
pub(super) fn report(pad: &super::RawTapPad, error: gst::FlowError) {
    let text = match error {
        gst::FlowError::NotNegotiated => {
            "the branch does not take this format: put a converter such as videoconvert or \
             audioconvert after the tap"
        }
        gst::FlowError::NotSupported => {
            "the branch does not support what it was given: put an element that converts it after \
             the tap"
        }
        gst::FlowError::Eos => {
            "the branch has ended: link another one to the tap to go on, or release its pad"
        }
        _ => {
            "the branch failed, its own error message tells why: repair it and link it to the tap \
             anew, or release its pad"
        }
    };
    gst::warning!(imp::CAT, obj = pad, "is left alone: {error:?}, {text}");
    let Some(element) = pad.parent_element() else {
        return;
    };
    let structure = gst::Structure::builder("rawtap-detached")
        .field("pad", pad)
        .field("tap", pad.name())
        .field("result", name(error))
        .field("text", text)
        .build();
    let message = gst::message::Element::builder(structure)
        .src(&element)
        .build();
    drop(element.post_message(message));
}

/// As gst_flow_get_name() says it.
fn name(error: gst::FlowError) -> &'static str {
    match error {
        gst::FlowError::NotLinked => "not-linked",
        gst::FlowError::Flushing => "flushing",
        gst::FlowError::Eos => "eos",
        gst::FlowError::NotNegotiated => "not-negotiated",
        gst::FlowError::Error => "error",
        gst::FlowError::NotSupported => "not-supported",
        _ => "custom-error",
    }
}
