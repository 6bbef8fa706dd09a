//! The requests to webrtcbin that are still pending.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// The time limit for requests that are never answered. No answer takes as long.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The promises given to one webrtcbin, which handles them in order on its own thread.
#[derive(Debug, Default)]
pub(super) struct PendingPromises {
    state: Mutex<State>,
    all_done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    promises: Vec<gst::Promise>,
    /// The number of promises whose callback has not finished.
    pending: usize,
}

impl PendingPromises {
    /// Makes a promise whose reply `then` gets. It is pending until `then` returns, so that
    /// [`PendingPromises::wait`] also waits for the requests that `then` makes.
    pub(super) fn promise<F>(self: &Arc<PendingPromises>, then: F) -> gst::Promise
    where
        F: FnOnce(Option<&gst::StructureRef>) + Send + 'static,
    {
        self.state.lock().pending += 1;
        let promises = self.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            then(reply.ok().flatten());
            promises.state.lock().pending -= 1;
            promises.all_done.notify_all();
        });
        self.state.lock().promises.push(promise.clone());
        promise
    }

    /// Waits until no promise is pending.
    pub(super) fn wait(&self) {
        let mut state = self.state.lock();
        let is_pending = |state: &mut State| state.pending > 0;
        self.all_done
            .wait_while_for(&mut state, is_pending, TIMEOUT);
        let promises = std::mem::take(&mut state.promises);
        drop(state);
        for promise in promises {
            // GStreamer warns about a promise that is freed while pending.
            promise.interrupt();
        }
    }
}
