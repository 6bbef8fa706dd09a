//! The threads of calls.
#![expect(unsafe_code, reason = "the standard library does not block signals")]

use std::cell::Cell;
use std::io;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// The number of running threads.
static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

thread_local! {
    static IS_COUNTED: Cell<bool> = const { Cell::new(false) };
}

/// Starts a thread that [`wait_until_ended`] waits for, without SIGPIPE: writing to a connection
/// that the peer has closed is an error there. A program in C would be ended by the signal.
pub(super) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let counted = Counted::new();
    Builder::new().name(name.into()).spawn(move || {
        let _counted = counted;
        IS_COUNTED.set(true);
        block_sigpipe();
        run();
    })
}

/// Waits until the threads of all calls have ended, except for the caller's own one.
pub(super) fn wait_until_ended(timeout: Duration) {
    let own = IS_COUNTED.try_with(Cell::get).unwrap_or_default();
    let mut running = RUNNING.lock();
    ENDED.wait_while_for(&mut running, |running| *running > usize::from(own), timeout);
}

struct Counted;

impl Counted {
    fn new() -> Counted {
        *RUNNING.lock() += 1;
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *RUNNING.lock() -= 1;
        ENDED.notify_all();
    }
}

/// Blocks SIGPIPE in this thread and those that it starts.
fn block_sigpipe() {
    // SAFETY: `set` is initialized by `sigemptyset`, and outlives the calls.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other tests of this process have threads, too.
    #[test]
    fn a_thread_counts_itself_while_it_runs() {
        assert!(!IS_COUNTED.get());
        let thread = spawn("counted", || {
            assert!(IS_COUNTED.get());
            assert!(*RUNNING.lock() > 0);
        });
        thread.unwrap().join().unwrap();
    }
}
