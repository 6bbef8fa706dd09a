//! Holding back the stream of a pad.

use gst::prelude::*;

/// Holds back the stream of a pad until it is released.
#[derive(Debug)]
pub(super) struct Hold {
    pad: gst::Pad,
    probe: gst::PadProbeId,
}

impl Hold {
    /// Drops the buffers of a live stream and blocks any other, so that it starts with its first
    /// buffer.
    pub(super) fn new(pad: &impl IsA<gst::Pad>) -> Option<Hold> {
        let pad = pad.upcast_ref::<gst::Pad>();
        let mask = gst::PadProbeType::BLOCK
            | gst::PadProbeType::BUFFER
            | gst::PadProbeType::BUFFER_LIST
            | gst::PadProbeType::EVENT_DOWNSTREAM;
        let probe = pad.add_probe(mask, |pad, info| {
            // A GAP event would preroll the sink. All other events describe the stream or end it:
            // a stream without a buffer ends at once.
            let passes = info
                .event()
                .is_some_and(|event| event.type_() != gst::EventType::Gap);
            if passes {
                gst::PadProbeReturn::Pass
            } else if is_live(pad).unwrap_or(false) {
                gst::PadProbeReturn::Handled
            } else {
                gst::PadProbeReturn::Ok
            }
        })?;
        Some(Hold {
            pad: pad.clone(),
            probe,
        })
    }

    /// Lets the stream through.
    pub(super) fn release(self) {
        self.pad.remove_probe(self.probe);
    }
}

/// Returns whether the stream of `pad` is live; `None` if upstream does not know yet.
pub(super) fn is_live(pad: &gst::Pad) -> Option<bool> {
    let mut query = gst::query::Latency::new();
    pad.peer_query(&mut query).then(|| query.result().0)
}
