//! When the streaming thread may go on.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// See the module.
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
    /// That of the EOS event which the application sent.
    seqnum: Option<gst::Seqnum>,
}

impl Gate {
    /// The stream starts from the beginning.
    pub(super) fn reset(&self) {
        *self.lock() = State::default();
    }

    /// Lets the thread go on to find that it is to stop.
    pub(super) fn flush(&self) {
        self.lock().flushing = true;
        self.changed.notify_all();
    }

    /// Lets the thread go on to end the stream.
    pub(super) fn end(&self, seqnum: gst::Seqnum) {
        {
            let mut state = self.lock();
            state.ended = true;
            state.seqnum = Some(seqnum);
        }
        self.changed.notify_all();
    }

    pub(super) fn set_playing(&self, playing: bool) {
        self.lock().playing = playing;
        self.changed.notify_all();
    }

    /// The number of the EOS event which the application sent.
    pub(super) fn seqnum(&self) -> Option<gst::Seqnum> {
        self.lock().seqnum
    }

    /// Waits for PLAYING: a live source gives nothing before.
    pub(super) fn wait(&self) -> Result<(), gst::FlowError> {
        let state = self
            .changed
            .wait_while(self.lock(), |state| {
                !state.playing && !state.flushing && !state.ended
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.flushing {
            Err(gst::FlowError::Flushing)
        } else {
            Ok(())
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
