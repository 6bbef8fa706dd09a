//! The key that all DTLS connections of a process share.

use std::sync::{Arc, Mutex, PoisonError};

/// The making of the RSA key that all DTLS connections of this process share, on a thread of its
/// own. The first `dtlsdec` does it, and takes 90 to 300 ms.
///
/// Each call holds one: the last to be dropped waits for the thread. A process that ended while
/// the key is being made would crash in OpenSSL's clean-up.
pub(in crate::call) struct WarmUp {
    thread: Arc<WarmUpThread>,
}

struct WarmUpThread(Mutex<Option<std::thread::JoinHandle<()>>>);

impl WarmUp {
    pub(in crate::call) fn start() -> WarmUp {
        static RUNNING: Mutex<std::sync::Weak<WarmUpThread>> = Mutex::new(std::sync::Weak::new());
        static DONE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = running.upgrade() {
            return WarmUp { thread };
        }
        let is_first = !DONE.swap(true, std::sync::atomic::Ordering::AcqRel);
        let handle = is_first.then(|| {
            std::thread::Builder::new()
                .name("acscall-warm-up".into())
                .spawn(|| drop(gst::ElementFactory::make("dtlsdec").build()))
        });
        let thread = Arc::new(WarmUpThread(Mutex::new(handle.and_then(Result::ok))));
        *running = Arc::downgrade(&thread);
        WarmUp { thread }
    }

    /// Waits until the key is made.
    pub(in crate::call) fn wait(&self) {
        self.thread.wait();
    }
}

impl WarmUpThread {
    fn wait(&self) {
        let handle = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(handle) = handle {
            let _panicked = handle.join();
        }
    }
}

impl Drop for WarmUpThread {
    fn drop(&mut self) {
        self.wait();
    }
}
