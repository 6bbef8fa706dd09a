//! Waiting for the threads that requested pads.
//!
//! An element such as decodebin requests a pad in a streaming thread, which then completes the
//! pipeline's change to PAUSED and pushes the stream. In GStreamer 1.22, an application that sets
//! the pipeline to PLAYING in between can be faster than the thread's last step, which marks the
//! pipeline as not playing: it then keeps EOS to itself for ever. A sink that prerolls prevents
//! this, since its change to PLAYING waits for that thread. This one does not preroll, so it waits
//! for the thread's next event.

use std::collections::BTreeMap;
use std::thread::{self, ThreadId};
use std::time::Duration;

use acscall::model::Kind;
use parking_lot::{Condvar, Mutex};

/// The maximum time to wait: a thread that has requested a pad need not be the one that pushes into
/// it.
const TIMEOUT: Duration = Duration::from_millis(300);

/// The threads that requested pads and have pushed nothing yet, by the kind of the pad.
#[derive(Debug, Default)]
pub(super) struct Requesters {
    threads: Mutex<BTreeMap<Kind, ThreadId>>,
    changed: Condvar,
}

impl Requesters {
    /// Notes that this thread has requested a pad.
    pub(super) fn requested(&self, kind: Kind) {
        self.threads.lock().insert(kind, thread::current().id());
    }

    /// Notes that this thread pushes into a pad.
    pub(super) fn pushes(&self) {
        let own = thread::current().id();
        let mut threads = self.threads.lock();
        if !threads.is_empty() {
            threads.retain(|_, thread| *thread != own);
            self.changed.notify_all();
        }
    }

    /// Notes that a pad is released.
    pub(super) fn released(&self, kind: Kind) {
        self.threads.lock().remove(&kind);
        self.changed.notify_all();
    }

    /// Waits, for a limited time, until all other threads that requested pads push.
    pub(super) fn wait(&self) {
        let own = thread::current().id();
        let mut threads = self.threads.lock();
        let is_waiting =
            |threads: &mut BTreeMap<_, _>| threads.values().any(|thread| *thread != own);
        self.changed
            .wait_while_for(&mut threads, is_waiting, TIMEOUT);
        threads.clear();
    }
}
