//! Holding back what comes before the others do.

use std::collections::BTreeMap;

use acscall::model::Kind;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::AcsCallSinkPad;
use super::imp::{AcsCallSink, lock};
use super::pads::Writer;

impl AcsCallSink {
    /// Lets nothing through before those came that the element waits for.
    pub(super) fn hold(&self, writer: &Writer) {
        if lock(&self.settings).wait_for == 0 || lock(&self.pads).awaited_came {
            return;
        }
        let Some(probe) = hold(&writer.pad) else {
            return;
        };
        let before = lock(&self.pads)
            .held
            .insert(writer.kind, (writer.pad.clone(), probe));
        if let Some((pad, probe)) = before {
            pad.remove_probe(probe);
        }
        // They may have come in between.
        self.unhold_when_awaited_came();
    }

    pub(super) fn unhold_when_awaited_came(&self) {
        let wait_for = lock(&self.settings).wait_for as usize;
        let others = self.element_call.others();
        let came = {
            let mut pads = lock(&self.pads);
            pads.awaited_came |= others >= wait_for;
            pads.awaited_came
        };
        if came {
            self.unhold();
        }
    }

    /// Lets through what comes.
    pub(super) fn unhold(&self) {
        let held = std::mem::take(&mut lock(&self.pads).held);
        unhold(held);
        self.end_waiting();
    }

    /// Makes the change to PAUSED asynchronous, whatever pads there are by then: a demuxer may
    /// ask for its pads later. Until the awaited others came running time stands still.
    pub(super) fn begin_waiting(&self) {
        if lock(&self.settings).wait_for == 0 {
            return;
        }
        {
            let mut pads = lock(&self.pads);
            pads.waiting = true;
            pads.ended.clear();
        }
        self.parent_handle_message(
            gst::message::AsyncStart::builder()
                .src(&*self.obj())
                .build(),
        );
    }

    /// A stream ends. When all have there is nothing that waits for the others.
    pub(super) fn ends(&self, kind: Kind) {
        let all_ended = {
            let mut pads = lock(&self.pads);
            pads.ended.insert(kind);
            pads.writers.keys().all(|kind| pads.ended.contains(kind))
        };
        if all_ended {
            self.end_waiting();
        }
    }

    pub(super) fn end_waiting(&self) {
        if !std::mem::replace(&mut lock(&self.pads).waiting, false) {
            return;
        }
        let done = gst::message::AsyncDone::builder().src(&*self.obj()).build();
        self.parent_handle_message(done);
    }
}

pub(super) fn unhold(held: BTreeMap<Kind, (AcsCallSinkPad, gst::PadProbeId)>) {
    for (pad, probe) in held.into_values() {
        pad.remove_probe(probe);
    }
}

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
    })
}

/// Whether what comes to `pad` cannot wait; `None` if upstream does not know yet.
pub(super) fn is_live(pad: &gst::Pad) -> Option<bool> {
    let mut query = gst::query::Latency::new();
    pad.peer_query(&mut query).then(|| query.result().0)
}
