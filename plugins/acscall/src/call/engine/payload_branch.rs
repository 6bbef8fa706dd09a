//! One leg's share in a sent stream.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acscall::model::Kind;
use gst::glib;
use gst::prelude::*;

use super::key_frame_requests::KeyFrameRequests;

/// See the module.
#[derive(Debug)]
pub(super) struct PayloadBranch {
    pad: gst::Pad,
    needs_key_frame: AtomicBool,
    asks: Arc<Mutex<KeyFrameRequests>>,
    sent: AtomicU64,
}

impl PayloadBranch {
    /// A line that pushes into `sink`, from the encoder's own thread.
    pub(super) fn new(kind: Kind, sink: &gst::Pad) -> Result<Arc<PayloadBranch>, glib::BoolError> {
        let asks: Arc<Mutex<KeyFrameRequests>> = Arc::default();
        // It starts with a key frame.
        lock(&asks).ask();
        let pad = gst::Pad::builder(gst::PadDirection::Src)
            .name(format!("line-{kind}"))
            .event_function({
                let asks = asks.clone();
                move |_, _, event| {
                    if gst_video::UpstreamForceKeyUnitEvent::parse(&event).is_ok() {
                        lock(&asks).ask();
                    }
                    true
                }
            })
            .build();
        pad.set_active(true)?;
        pad.link(sink)
            .map_err(|error| glib::bool_error!("{error}"))?;
        pad.push_event(gst::event::StreamStart::new(&format!("acscall/{kind}")));
        Ok(Arc::new(PayloadBranch {
            pad,
            needs_key_frame: AtomicBool::new(true),
            asks,
            sent: AtomicU64::new(0),
        }))
    }

    /// The line gets frames (again): the first will be a key frame.
    pub(super) fn restart(&self) {
        self.needs_key_frame.store(true, Ordering::Release);
        lock(&self.asks).ask();
    }

    /// Whether only a key frame can come next.
    pub(super) fn needs_key_frame(&self) -> bool {
        self.needs_key_frame.load(Ordering::Acquire)
    }

    /// Whether the frame of time `now` is to be a key frame.
    pub(super) fn asks_for_key_frame(&self, now: gst::ClockTime) -> bool {
        lock(&self.asks).is_due(now)
    }

    /// The frame of time `now` is going to be a key frame.
    pub(super) fn gets_key_frame(&self, now: gst::ClockTime) {
        lock(&self.asks).serve(now);
    }

    /// Frames put on the leg so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Puts a frame on the leg, from the encoder's own thread.
    pub(super) fn push(&self, caps: &gst::Caps, frame: &gst::Buffer) {
        if frame.flags().contains(gst::BufferFlags::DELTA_UNIT) {
            if self.needs_key_frame.load(Ordering::Acquire) {
                return;
            }
        } else {
            self.needs_key_frame.store(false, Ordering::Release);
        }
        if self.pad.current_caps().as_ref() != Some(caps) {
            self.pad.push_event(gst::event::Caps::new(caps));
        }
        if self.pad.sticky_event::<gst::event::Segment>(0).is_none() {
            let segment = gst::FormattedSegment::<gst::ClockTime>::new();
            self.pad.push_event(gst::event::Segment::new(&segment));
        }
        if self.pad.push(frame.clone()).is_ok() {
            self.sent.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for PayloadBranch {
    fn drop(&mut self) {
        if let Some(peer) = self.pad.peer() {
            let _already_unlinked = self.pad.unlink(&peer);
        }
        let _was_active = self.pad.set_active(false);
    }
}

fn lock(asks: &Mutex<KeyFrameRequests>) -> MutexGuard<'_, KeyFrameRequests> {
    asks.lock().unwrap_or_else(PoisonError::into_inner)
}
