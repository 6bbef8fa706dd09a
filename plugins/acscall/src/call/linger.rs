//! Keeping a call for a while after its last element has left it.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;

use super::SharedCall;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Linger {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The longest time that an element has set.
    time: Duration,
    /// The call is not kept any longer.
    has_ended: bool,
    /// Holds the call; ends early when the sender is dropped.
    holder: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Linger {
    /// Keeps the call for at least `time` after its last element has left.
    pub(super) fn extend(&self, time: Duration) {
        let mut state = self.state.lock();
        state.time = state.time.max(time);
    }

    /// Holds the call from now on: its last element has left.
    pub(super) fn begin(&self, call: &Arc<SharedCall>) {
        let time = self.state.lock().time;
        if time.is_zero() {
            return;
        }
        // The process may end before the call does, but not while the DTLS key is generated: see
        // `WarmUp`.
        call.warm_up.wait();
        let mut state = self.state.lock();
        if state.has_ended {
            return;
        }
        let call = call.clone();
        let (sender, end) = channel();
        let holder = thread::Builder::new()
            .name("acscall-linger".into())
            .spawn(move || {
                let _ended_early = end.recv_timeout(time);
                drop(call);
            });
        // This drops the sender of a previous holder, which ends at once: the new holder takes
        // over, for the whole time.
        state.holder = holder.ok().map(|holder| (sender, holder));
    }

    /// Stops holding the call, for good. Returns after the holder has released it.
    pub(super) fn end(&self) {
        let holder = {
            let mut state = self.state.lock();
            state.has_ended = true;
            state.holder.take()
        };
        if let Some((sender, holder)) = holder {
            drop(sender);
            let _panicked = holder.join();
        }
    }
}
