//! A function that runs when the process exits.
#![expect(unsafe_code, reason = "the standard library has no `atexit`")]

use std::sync::OnceLock;

static FUNCTION: OnceLock<fn()> = OnceLock::new();

/// Calls `function` in `exit()`, unless GStreamer has been deinitialized by then. Has no effect from
/// the second time on.
pub(super) fn register(function: fn()) {
    if FUNCTION.set(function).is_ok() {
        // SAFETY: `run` has the right signature, does not unwind, and is in a plugin, which
        // GStreamer never unloads.
        unsafe { libc::atexit(run) };
    }
}

extern "C" fn run() {
    // SAFETY: it may be called at any time.
    let is_initialized = unsafe { gst::ffi::gst_is_initialized() } != gst::glib::ffi::GFALSE;
    if is_initialized && let Some(function) = FUNCTION.get() {
        let _panicked = std::panic::catch_unwind(function);
    }
}
