//! The time in which no buffers arrive.

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::imp::{AcsCallStream, CAT, Pads};

impl AcsCallStream {
    /// Advances the stream while no buffers arrive.
    pub(super) fn gap(&self, pads: &Pads) -> Result<(), gst::FlowError> {
        let Some(latency) = self.latency() else {
            return Ok(());
        };
        let element: gst::Element = self.obj().clone().upcast();
        if self.fills_gaps() {
            let template = self.filler.template(pads.kind, &pads.source, &self.colors);
            let fill = self.with_sequencer(|sequencer| {
                sequencer.fill(&element, latency, |time| template?.lasting(time))
            });
            if let Some(out) = fill
                && out.buffer.is_some()
            {
                // Downstream may take other pictures only.
                return match self.push(pads, out) {
                    Err(gst::FlowError::NotNegotiated) => Ok(()),
                    result => result,
                };
            }
        }
        if let Some(out) = self.with_sequencer(|sequencer| sequencer.start_with_gap(&element)) {
            let _only_events = self.push(pads, out);
        }
        let gap = self.with_sequencer(|sequencer| sequencer.gap(&element, latency));
        if let Some(gap) = gap.flatten() {
            gst::log!(CAT, imp = self, "{gap:?}");
            let _not_linked = pads.source.push_event(gap);
        }
        Ok(())
    }

    pub(super) fn fills_gaps(&self) -> bool {
        self.ghost().is_some_and(|ghost| ghost.imp().gap_fill())
    }
}
