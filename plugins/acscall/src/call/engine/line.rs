//! One leg's share in a sent stream.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use acscall::signalling::message::Kind;
use gst::glib;
use gst::prelude::*;

use super::encode::{KEY_FRAME_INTERVAL, Output};

/// See the module.
#[derive(Debug)]
pub(super) struct Line {
    pad: gst::Pad,
    needs_key_frame: AtomicBool,
    started: Mutex<Option<gst::ClockTime>>,
    output: Arc<Mutex<Weak<Output>>>,
    sent: AtomicU64,
}

impl Line {
    /// A line that pushes into `sink`, from the encoder's own thread.
    pub(super) fn new(kind: Kind, sink: &gst::Pad) -> Result<Arc<Line>, glib::BoolError> {
        let output: Arc<Mutex<Weak<Output>>> = Arc::default();
        let pad = gst::Pad::builder(gst::PadDirection::Src)
            .name(format!("line-{kind}"))
            .event_function({
                let output = output.clone();
                move |_, _, event| {
                    if gst_video::UpstreamForceKeyUnitEvent::parse(&event).is_ok() {
                        let output = output
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .upgrade();
                        if let Some(output) = output {
                            output.request_key_frame();
                        }
                    }
                    true
                }
            })
            .build();
        pad.set_active(true)?;
        pad.link(sink)
            .map_err(|error| glib::bool_error!("{error}"))?;
        pad.push_event(gst::event::StreamStart::new(&format!("acscall/{kind}")));
        Ok(Arc::new(Line {
            pad,
            needs_key_frame: AtomicBool::new(true),
            started: Mutex::new(None),
            output,
            sent: AtomicU64::new(0),
        }))
    }

    /// The line gets frames (again): the first will be a key frame.
    pub(super) fn restart(&self) {
        self.needs_key_frame.store(true, Ordering::Release);
    }

    /// Whether only a key frame can come next.
    pub(super) fn needs_key_frame(&self) -> bool {
        self.needs_key_frame.load(Ordering::Acquire)
    }

    /// Frames put on the leg so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn may_start_at_once(&self, now: gst::ClockTime) -> bool {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let may = started.is_none_or(|started| now >= started + KEY_FRAME_INTERVAL);
        if may {
            *started = Some(now);
        }
        may
    }

    pub(super) fn attach(&self, output: &Arc<Output>) {
        *self.output.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(output);
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

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(peer) = self.pad.peer() {
            let _already_unlinked = self.pad.unlink(&peer);
        }
        let _was_active = self.pad.set_active(false);
    }
}
