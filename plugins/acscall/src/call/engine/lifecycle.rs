//! Starting and stopping elements in the call's pipeline.

use std::sync::atomic::{AtomicU64, Ordering};

use gst::glib;
use gst::prelude::*;

/// Returns `prefix` with a number that is unique in this process.
///
/// A disposed element stays in the pipeline until its threads have stopped, so its successor
/// cannot have the same name.
pub(super) fn unique_name(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{prefix}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Adds `bin` to `pipeline` and starts it. On failure, stops and removes it again.
///
/// `linked` is the pad without a parent that the bin pushes into; see [`dispose`].
pub(super) fn start(
    bin: &gst::Bin,
    pipeline: &gst::Pipeline,
    linked: &gst::Pad,
) -> Result<(), glib::BoolError> {
    pipeline.add(bin)?;
    bin.sync_state_with_parent()
        .inspect_err(|_| dispose(bin, linked.clone()))
}

/// Stops an element on another thread, then removes it from its pipeline. Stopping waits for the
/// element's streaming threads.
///
/// `linked` is the pad without a parent that the element is linked to. It is kept until
/// the element is removed: freeing a pad unlinks it, which posts two messages, and a bin that is
/// freed in between leaks the first one.
pub(super) fn dispose(element: &impl IsA<gst::Element>, linked: gst::Pad) {
    let element = element.upcast_ref::<gst::Element>();
    element.set_locked_state(true);
    element.call_async(move |element| {
        stop_and_remove(element);
        drop(linked);
    });
}

/// Stops an element and removes it from its bin. Waits for the element's streaming threads.
///
/// Call it within `call_async`: on a streaming thread it would wait for itself, and another
/// thread may be one that a streaming thread waits for.
pub(super) fn stop_and_remove(element: &gst::Element) {
    let _already_stopped = element.set_state(gst::State::Null);
    if let Some(bin) = element.parent().and_downcast::<gst::Bin>() {
        let _already_removed = bin.remove(element);
    }
}
