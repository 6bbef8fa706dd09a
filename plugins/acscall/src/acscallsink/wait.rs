//! Holding back what comes before the others do.

use gst::prelude::*;

/// Holds what `pad` gets until the probe is removed: a live stream is dropped, any other waits,
/// so that it begins with its first buffer.
pub(super) fn hold(pad: &impl IsA<gst::Pad>) -> Option<gst::PadProbeId> {
    let mask = gst::PadProbeType::BLOCK
        | gst::PadProbeType::BUFFER
        | gst::PadProbeType::BUFFER_LIST
        | gst::PadProbeType::EVENT_DOWNSTREAM;
    pad.upcast_ref::<gst::Pad>().add_probe(mask, |pad, info| {
        // A gap would preroll the sink. The other events tell what the stream is, or that it
        // ends: a stream without a buffer ends at once.
        let passes = info.event().is_some_and(|event| event.type_() != gst::EventType::Gap);
        if passes {
            gst::PadProbeReturn::Pass
        } else if is_live(pad).unwrap_or(false) {
            gst::PadProbeReturn::Drop
        } else {
            gst::PadProbeReturn::Ok
        }
    })
}

/// Whether what comes to `pad` cannot wait; `None` if upstream does not know yet.
pub(super) fn is_live(pad: &gst::Pad) -> Option<bool> {
    let mut query = gst::query::Latency::new();
    pad.peer_query(&mut query).then(|| query.result().0)
}
