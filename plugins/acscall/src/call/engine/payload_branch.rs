//! The branch of a sent stream that feeds one leg.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use acscall::model::Kind;
use gst::glib;
use gst::prelude::*;
use parking_lot::Mutex;

use super::key_frame_requests::KeyFrameRequests;
use super::loose_pad::catch_panic_pad_function;

/// Pushes the frames of an encoder into the payloader of one leg, on the encoder's own thread.
#[derive(Debug)]
pub(super) struct PayloadBranch {
    pad: gst::Pad,
    needs_key_frame: AtomicBool,
    requests: Arc<Mutex<KeyFrameRequests>>,
    sent: AtomicU64,
}

impl PayloadBranch {
    /// Makes a branch that pushes into `sink`. It begins with a key frame. `requested` is called
    /// when the receiver requests another one.
    pub(super) fn new(
        kind: Kind,
        sink: &gst::Pad,
        requested: impl Fn() + Send + Sync + 'static,
    ) -> Result<Arc<PayloadBranch>, glib::BoolError> {
        let requests: Arc<Mutex<KeyFrameRequests>> = Arc::default();
        requests.lock().request();
        let pad = gst::Pad::builder(gst::PadDirection::Src)
            .name(format!("branch-{kind}"))
            .event_function({
                let requests = requests.clone();
                move |pad, _, event| {
                    catch_panic_pad_function(pad, false, || {
                        if gst_video::UpstreamForceKeyUnitEvent::parse(&event).is_ok()
                            && requests.lock().request()
                        {
                            requested();
                        }
                        true
                    })
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
            requests,
            sent: AtomicU64::new(0),
        }))
    }

    /// Restarts the branch before it is fed again: its next frame will be a key frame.
    pub(super) fn restart(&self) {
        self.needs_key_frame.store(true, Ordering::Release);
        self.requests.lock().request();
    }

    /// Whether the next frame has to be a key frame.
    pub(super) fn needs_key_frame(&self) -> bool {
        self.needs_key_frame.load(Ordering::Acquire)
    }

    /// Whether the receiver waits for a key frame.
    pub(super) fn awaits_key_frame(&self) -> bool {
        self.requests.lock().is_pending()
    }

    /// Whether the frame of time `now` should be a key frame.
    pub(super) fn is_key_frame_due(&self, now: gst::ClockTime) -> bool {
        self.requests.lock().is_due(now)
    }

    /// Notes that the frame of time `now` will be a key frame.
    pub(super) fn key_frame_requested(&self, now: gst::ClockTime) {
        self.requests.lock().serve(now);
    }

    /// Returns the number of frames sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Pushes a frame into the leg, on the encoder's own thread.
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
