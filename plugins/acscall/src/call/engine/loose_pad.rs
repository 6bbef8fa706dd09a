//! Pads without a parent, as test harnesses use them: they need neither states nor a thread.

use std::panic::{AssertUnwindSafe, catch_unwind};

use gst::glib;
use gst::prelude::*;

use crate::call::CAT;

/// Makes an active sink pad without a parent. The caller has to hold it: a link holds no
/// reference.
pub(super) fn loose_sink_pad<F>(
    name: &str,
    caps: &gst::Caps,
    chain: F,
) -> Result<gst::Pad, glib::BoolError>
where
    F: Fn(&gst::Pad, gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError>,
    F: Send + Sync + 'static,
{
    // Without a template, a pad refuses all caps but its first ones.
    let (sink, always) = (gst::PadDirection::Sink, gst::PadPresence::Always);
    let template = gst::PadTemplate::new("sink", sink, always, caps)?;
    let pad = gst::Pad::builder_from_template(&template)
        .name(name)
        .chain_function(move |pad, _, buffer| {
            let failed = Err(gst::FlowError::Error);
            catch_panic_pad_function(pad, failed, || chain(pad, buffer))
        })
        .event_function(|_, _, _| true)
        .build();
    pad.set_active(true)?;
    Ok(pad)
}

/// Calls a pad function and returns `fallback` if it panics. A panic that unwinds into C code
/// aborts the process.
pub(super) fn catch_panic_pad_function<R>(
    pad: &gst::Pad,
    fallback: R,
    function: impl FnOnce() -> R,
) -> R {
    // The locks of this crate do not poison, and none of them guards a half-done update.
    catch_unwind(AssertUnwindSafe(function)).unwrap_or_else(|_| {
        gst::error!(CAT, obj = pad, "a pad function panicked");
        fallback
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_chain_function_is_a_flow_error() {
        gst::init().unwrap();
        let sink = loose_sink_pad("sink", &gst::Caps::new_any(), |_, buffer| {
            assert_eq!(buffer.size(), 0, "this test's panic");
            Ok(gst::FlowSuccess::Ok)
        });
        let (sink, source) = (sink.unwrap(), gst::Pad::new(gst::PadDirection::Src));
        source.set_active(true).unwrap();
        source.link(&sink).unwrap();
        source.push_event(gst::event::StreamStart::new("test"));
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        source.push_event(gst::event::Segment::new(&segment));
        let panicking = source.push(gst::Buffer::from_slice([1]));
        assert_eq!(panicking, Err(gst::FlowError::Error));
        assert_eq!(
            source.push(gst::Buffer::new()),
            Ok(gst::FlowSuccess::Ok),
            "the pad goes on"
        );
    }
}
