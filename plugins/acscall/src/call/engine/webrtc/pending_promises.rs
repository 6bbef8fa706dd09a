//! What webrtcbin was asked for and has not done yet.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// No request takes as long. It bounds for how long a thread waits for one that is never answered.
const PATIENCE: Duration = Duration::from_secs(20);

/// The requests to one webrtcbin. It does them one after the other on its own thread.
#[derive(Debug, Default)]
pub(super) struct PendingPromises {
    made: Mutex<Made>,
    all_done: Condvar,
}

#[derive(Debug, Default)]
struct Made {
    promises: Vec<gst::Promise>,
    /// Those of them that are not done.
    open: usize,
}

impl PendingPromises {
    /// A promise for a further request; `then` gets the reply. It is done when `then` is, so that
    /// what `then` asks for is waited for, too.
    pub(super) fn promise<F>(self: &Arc<PendingPromises>, then: F) -> gst::Promise
    where
        F: FnOnce(Option<&gst::StructureRef>) + Send + 'static,
    {
        self.lock().open += 1;
        let requests = self.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            then(reply.ok().flatten());
            requests.lock().open -= 1;
            requests.all_done.notify_all();
        });
        self.lock().promises.push(promise.clone());
        promise
    }

    /// Waits until all are done.
    pub(super) fn finish(&self) {
        let made = self.lock();
        let is_open = |made: &mut Made| made.open > 0;
        let waited = self.all_done.wait_timeout_while(made, PATIENCE, is_open);
        let (mut made, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let promises = std::mem::take(&mut made.promises);
        drop(made);
        for promise in promises {
            // GStreamer warns of one that is open for ever.
            promise.interrupt();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
