//! Keeping a call for a while after its last element has left it.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::SharedCall;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Linger {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The longest that an element asked for.
    time: Duration,
    /// Holds the call; ends early when the sender is dropped.
    holder: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Linger {
    /// An element wants the call to be kept for so long.
    pub(super) fn ask(&self, time: Duration) {
        let mut state = self.lock();
        state.time = state.time.max(time);
    }

    /// The last element has left.
    pub(super) fn begin(&self, call: &Arc<SharedCall>) {
        let mut state = self.lock();
        if state.time.is_zero() {
            return;
        }
        // The process may end before the call does, but not while the key is made: see there.
        call.warm_up.wait();
        let (time, call) = (state.time, call.clone());
        let (sender, end) = channel();
        let holder = thread::Builder::new()
            .name("acscall-linger".into())
            .spawn(move || {
                let _ended_early = end.recv_timeout(time);
                drop(call);
            });
        // Another that still waits goes on: it holds the call for less long.
        state.holder = holder.ok().map(|holder| (sender, holder));
    }

    /// Nobody will come back: whoever drops the call now leaves it.
    pub(super) fn end(&self) {
        let holder = self.lock().holder.take();
        if let Some((sender, holder)) = holder {
            drop(sender);
            let _panicked = holder.join();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
