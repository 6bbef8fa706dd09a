//! Samples that an audio encoder holds back when its source pauses.
//!
//! GStreamer's audio encoders keep the samples that do not fill a frame, and put the next ones
//! behind them. After a pause, that frame has the time of before the pause: a receiver's jitter
//! buffer takes it for late and resets, and its output jumps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gst::prelude::*;

/// A longer time without a buffer is a pause; GStreamer's audio encoders tolerate less.
pub(super) const PAUSE: gst::ClockTime = gst::ClockTime::from_mseconds(40);

/// The name of the event that precedes the first buffer after a pause.
const RESUMED: &str = "acscall-resumed";

/// Makes the event that precedes the first buffer after a pause. There is a buffer before it:
/// appsrc sends no caps before an event.
pub(super) fn resumed() -> gst::Event {
    gst::event::CustomDownstream::new(gst::Structure::new_empty(RESUMED))
}

/// Makes the encoder behind `source` drop what is left from before a pause. While it does, the
/// returned flag is set, and what it outputs has to be discarded.
pub(super) fn watch(source: &gst::Pad) -> Arc<AtomicBool> {
    let is_dropping: Arc<AtomicBool> = Arc::default();
    let flag = is_dropping.clone();
    let mask = gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::BUFFER;
    source.add_probe(mask, move |pad, info| {
        let event = match &info.data {
            Some(gst::PadProbeData::Event(event)) => event,
            _ => {
                flag.store(false, Ordering::Release);
                return gst::PadProbeReturn::Ok;
            }
        };
        let is_resumed = event
            .structure()
            .is_some_and(|structure| structure.name() == RESUMED);
        if !is_resumed {
            return gst::PadProbeReturn::Ok;
        }
        let Some(segment) = pad.sticky_event::<gst::event::Segment>(0) else {
            return gst::PadProbeReturn::Handled;
        };
        flag.store(true, Ordering::Release);
        // Encoders drain before a new segment.
        let again = gst::event::Segment::new(segment.segment());
        info.data = Some(gst::PadProbeData::Event(again));
        gst::PadProbeReturn::Ok
    });
    is_dropping
}
