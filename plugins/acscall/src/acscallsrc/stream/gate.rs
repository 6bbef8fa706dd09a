//! Blocks the streaming thread outside of PLAYING.

use parking_lot::{Condvar, Mutex};

/// Lets the streaming thread run in PLAYING, while flushing and after EOS.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    playing: bool,
    flushing: bool,
    ended: bool,
    /// The sequence number of the application's EOS event.
    seqnum: Option<gst::Seqnum>,
}

impl Gate {
    /// Prepares for a new stream.
    pub(super) fn reset(&self) {
        *self.state.lock() = State::default();
    }

    /// Wakes the thread, which then stops.
    pub(super) fn flush(&self) {
        self.state.lock().flushing = true;
        self.changed.notify_all();
    }

    /// Wakes the thread, which then ends the stream.
    pub(super) fn end(&self, seqnum: gst::Seqnum) {
        {
            let mut state = self.state.lock();
            state.ended = true;
            state.seqnum = Some(seqnum);
        }
        self.changed.notify_all();
    }

    /// Sets whether the element is in PLAYING.
    pub(super) fn set_playing(&self, playing: bool) {
        self.state.lock().playing = playing;
        self.changed.notify_all();
    }

    /// Returns the sequence number of the application's EOS event, if it sent one.
    pub(super) fn seqnum(&self) -> Option<gst::Seqnum> {
        self.state.lock().seqnum
    }

    /// Waits for PLAYING, since a live source outputs nothing before.
    pub(super) fn wait(&self) -> Result<(), gst::FlowError> {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| {
            !state.playing && !state.flushing && !state.ended
        });
        if state.flushing {
            Err(gst::FlowError::Flushing)
        } else {
            Ok(())
        }
    }
}
