//! Generation of the key that all DTLS connections of a process share.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::call::threads;

/// Generates the RSA key that all DTLS connections of this process share, on its own thread. The
/// first `dtlsdec` does that, in 90 to 300 ms.
///
/// Each call holds one of these, and dropping the last one waits for the thread: an application may
/// deinitialize GStreamer after its last call, but not while an element is being made.
pub(in crate::call) struct WarmUp {
    thread: Arc<WarmUpThread>,
}

struct WarmUpThread(Mutex<Option<std::thread::JoinHandle<()>>>);

impl WarmUp {
    /// Starts the generation, unless it has been started in this process.
    pub(in crate::call) fn start() -> WarmUp {
        static RUNNING: Mutex<std::sync::Weak<WarmUpThread>> = Mutex::new(std::sync::Weak::new());
        static DONE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
        let mut running = RUNNING.lock();
        if let Some(thread) = running.upgrade() {
            return WarmUp { thread };
        }
        let is_first = !DONE.swap(true, std::sync::atomic::Ordering::AcqRel);
        let handle = is_first.then(|| {
            threads::spawn("acscall-warm-up", || {
                super::openssl::disable_cleanup_at_exit();
                drop(gst::ElementFactory::make("dtlsdec").build());
            })
        });
        let thread = Arc::new(WarmUpThread(Mutex::new(handle.and_then(Result::ok))));
        *running = Arc::downgrade(&thread);
        WarmUp { thread }
    }

    /// Waits until the key is generated.
    pub(in crate::call) fn wait(&self) {
        self.thread.wait();
    }
}

impl WarmUpThread {
    fn wait(&self) {
        let handle = self.0.lock().take();
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
