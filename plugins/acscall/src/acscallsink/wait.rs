//! Waiting for other participants, as the property `wait-for` says.

use acscall::model::Kind;
use gst::subclass::prelude::*;

use super::hold::Hold;
use super::imp::AcsCallSink;
use super::pad_entry::PadEntry;

impl AcsCallSink {
    /// Holds back the stream of a pad until the others arrive.
    pub(super) fn hold(&self, entry: &PadEntry) {
        if self.settings.lock().wait_for == 0 || self.pads.lock().others_arrived {
            return;
        }
        let Some(hold) = Hold::new(&entry.pad) else {
            return;
        };
        let before = self.pads.lock().held.insert(entry.kind, hold);
        if let Some(before) = before {
            before.release();
        }
        // They may have arrived in the meantime.
        self.release_if_others_arrived();
    }

    pub(super) fn release_if_others_arrived(&self) {
        let wait_for = self.settings.lock().wait_for as usize;
        let others = self.element_call.others();
        let arrived = {
            let mut pads = self.pads.lock();
            pads.others_arrived |= others >= wait_for;
            pads.others_arrived
        };
        if arrived {
            self.release_all();
        }
    }

    /// Lets all streams through and stops waiting.
    pub(super) fn release_all(&self) {
        self.release_held();
        self.end_waiting();
    }

    /// Lets all streams through.
    pub(super) fn release_held(&self) {
        let held = std::mem::take(&mut self.pads.lock().held);
        held.into_values().for_each(Hold::release);
    }

    /// Makes the change to PAUSED asynchronous even without pads, since a demuxer may request them
    /// later. Running time stands still until the others arrive.
    pub(super) fn begin_waiting(&self) {
        if self.settings.lock().wait_for == 0 {
            return;
        }
        {
            let mut pads = self.pads.lock();
            pads.waiting = true;
            pads.ended.clear();
        }
        self.parent_handle_message(
            gst::message::AsyncStart::builder()
                .src(&*self.obj())
                .build(),
        );
    }

    /// Records the end of a stream. Once all streams have ended, there is nothing to wait for.
    pub(super) fn stream_ended(&self, kind: Kind) {
        let all_ended = {
            let mut pads = self.pads.lock();
            pads.ended.insert(kind);
            pads.entries.keys().all(|kind| pads.ended.contains(kind))
        };
        if all_ended {
            self.end_waiting();
        }
    }

    /// Completes the change to PAUSED.
    pub(super) fn end_waiting(&self) {
        if !std::mem::replace(&mut self.pads.lock().waiting, false) {
            return;
        }
        let done = gst::message::AsyncDone::builder().src(&*self.obj()).build();
        self.parent_handle_message(done);
    }
}
