//! One sent stream: encoded once, its frames shared by the lines of all legs that carry it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acscall::model::Kind;
use gst::glib;
use gst::prelude::*;

use crate::call::CAT;

use super::codec::Codec;
use super::encoder_chain::{self, Rate};
use super::payload_branch::PayloadBranch;

/// The least time between two key frames that receivers asked for: a burst of requests (several
/// receivers that lost the same packet) costs one. A line that starts does not wait for it. What
/// each receiver may ask for is less ([`KeyFrameRequests`](super::key_frame_requests::KeyFrameRequests)).
const KEY_FRAME_INTERVAL: gst::ClockTime = gst::ClockTime::from_mseconds(300);
/// Raw video that may wait for the encoder: what is older than the frame that waits is stale.
const VIDEO_QUEUE: u64 = 2;
/// Raw audio that may wait for the encoder.
const AUDIO_QUEUE: gst::ClockTime = gst::ClockTime::from_mseconds(200);
/// Marks, in the encoder's input, the end of what [`Encoder::drain`] waits for.
const DRAINED: &str = "acscall-drained";

/// The encoder of one sent stream.
#[derive(Debug)]
pub(in crate::call) struct Encoder {
    kind: Kind,
    codec: Codec,
    bin: gst::Bin,
    source: gst_app::AppSrc,
    last_pts: Mutex<Option<gst::ClockTime>>,
    output: Arc<Output>,
    rate_control: Arc<RateControl>,
    /// Nothing else holds it: it has no parent.
    encoded: gst::Pad,
    drained: Arc<(Mutex<u64>, Condvar)>,
}

impl Encoder {
    /// Makes the encoder and starts it in `pipeline`.
    pub(super) fn start(
        kind: Kind,
        codec: Codec,
        rate: Rate,
        pipeline: &gst::Pipeline,
        lines: Vec<Arc<PayloadBranch>>,
    ) -> Result<Arc<Encoder>, glib::BoolError> {
        let source = gst_app::AppSrc::builder()
            .format(gst::Format::Time)
            .is_live(true)
            .max_bytes(0)
            .leaky_type(gst_app::AppLeakyType::Downstream)
            .build();
        match kind {
            Kind::Audio => source.set_max_time(AUDIO_QUEUE),
            Kind::Video | Kind::Screen => source.set_max_buffers(VIDEO_QUEUE),
        }
        let bin = gst::Bin::with_name(&format!("encoder-{kind}"));
        bin.add(&source)?;
        let chain =
            encoder_chain::chain(codec).map_err(|missing| glib::bool_error!("{missing}"))?;
        let elements = &chain.elements;
        bin.add_many(elements)?;
        gst::Element::link_many(std::iter::once(source.upcast_ref()).chain(elements))?;
        let rate_control = Arc::new(RateControl::new(rate));
        rate_control.keep(&chain.encoder);

        let last = elements.last().expect("an encoder has elements");
        let encoded = last.static_pad("src").expect("an encoder has a source pad");
        let output = Arc::new(Output {
            encoder: last.downgrade(),
            lines: Mutex::new(lines.into()),
            last_key_request: Mutex::new(None),
            encoded: AtomicU64::new(0),
        });
        let sink = output.sink_pad(&codec.encoded())?;
        sink.set_active(true)?;
        encoded
            .link(&sink)
            .map_err(|error| glib::bool_error!("{error}"))?;

        let drained = Arc::new((Mutex::new(0u64), Condvar::new()));
        notice_drained(&source, drained.clone());
        pipeline.add(&bin)?;
        bin.sync_state_with_parent()?;
        Ok(Arc::new(Encoder {
            kind,
            codec,
            bin,
            source,
            last_pts: Mutex::new(None),
            output,
            rate_control,
            encoded: sink,
            drained,
        }))
    }

    /// Takes a raw buffer; its PTS is the time of the system clock. Never waits.
    pub(in crate::call) fn push(&self, caps: &gst::Caps, mut buffer: gst::Buffer) {
        let Some(base) = self.bin.base_time() else {
            return;
        };
        let due = buffer.pts().unwrap_or(base).saturating_sub(base);
        let mut last = self.last_pts.lock().unwrap_or_else(PoisonError::into_inner);
        // An encoder takes no time twice. Sources that replace one another may overlap.
        let pts = match *last {
            Some(last) if due <= last => last + gst::ClockTime::MSECOND,
            _ => due,
        };
        *last = Some(pts);
        {
            let buffer = buffer.make_mut();
            buffer.set_pts(pts);
            buffer.set_dts(gst::ClockTime::NONE);
        }
        if self.kind != Kind::Audio {
            self.output.request_key_frame_if_due(pts);
        }
        // Still under the lock of `last_pts`, so that times and buffers stay in order. The queue
        // is leaky: this does not wait.
        let sample = gst::Sample::builder().caps(caps).buffer(&buffer).build();
        if let Err(error) = self.source.push_sample(&sample) {
            gst::debug!(CAT, "{} takes no buffer: {error}", self.bin.name());
        }
    }

    /// Encodes at this rate from the next frame on. Never waits.
    pub(in crate::call) fn set_rate(&self, rate: Rate) {
        self.rate_control.set(rate);
    }

    /// Replaces the lines that the frames go to. New ones begin with a key frame.
    pub(super) fn set_lines(&self, lines: Vec<Arc<PayloadBranch>>) {
        *self.output.lock_lines() = lines.into();
    }

    /// Waits until all that was pushed has been encoded and sent, at most for `timeout`.
    pub(in crate::call) fn drain(&self, timeout: Duration) {
        let (count, changed) = &*self.drained;
        let target = *count.lock().unwrap_or_else(PoisonError::into_inner) + 1;
        let marker = gst::event::CustomDownstream::new(gst::Structure::new_empty(DRAINED));
        if !self.source.send_event(marker) {
            return;
        }
        let count = count.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            changed
                .wait_timeout_while(count, timeout, |count| *count < target)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// What comes out of it.
    pub(in crate::call) fn codec(&self) -> Codec {
        self.codec
    }

    /// Frames encoded so far.
    pub(in crate::call) fn encoded(&self) -> u64 {
        self.output.encoded.load(Ordering::Relaxed)
    }

    /// Whether `object` is part of this encoder.
    pub(super) fn owns(&self, object: &gst::Object) -> bool {
        object.has_as_ancestor(&self.bin) || object == self.bin.upcast_ref::<gst::Object>()
    }

    /// Stops the encoder and takes it out of its pipeline.
    pub(super) fn stop(&self) {
        *self.output.lock_lines() = Vec::new().into();
        super::dispose_with(&self.bin, self.encoded.clone());
    }
}

/// Counts the markers of [`Encoder::drain`] as they leave the queue: the encoders work in the
/// queue's own thread, so all before a marker has been encoded and sent by then.
fn notice_drained(source: &gst_app::AppSrc, drained: Arc<(Mutex<u64>, Condvar)>) {
    let pad = source
        .static_pad("src")
        .expect("an appsrc has a source pad");
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let is_marker = info
            .event()
            .and_then(|event| event.structure())
            .is_some_and(|structure| structure.name() == DRAINED);
        if !is_marker {
            return gst::PadProbeReturn::Ok;
        }
        let (count, changed) = &*drained;
        *count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        changed.notify_all();
        gst::PadProbeReturn::Handled
    });
}

/// How fast an encoder works. Its properties wait for the frame that is being encoded: so they
/// are set in between, on the encoder's own thread.
#[derive(Debug)]
struct RateControl {
    rate: Mutex<Rate>,
    changed: AtomicBool,
}

impl RateControl {
    fn new(rate: Rate) -> RateControl {
        RateControl {
            rate: Mutex::new(rate),
            changed: AtomicBool::new(false),
        }
    }

    fn set(&self, rate: Rate) {
        *self.rate.lock().unwrap_or_else(PoisonError::into_inner) = rate;
        self.changed.store(true, Ordering::Release);
    }

    fn get(&self) -> Rate {
        *self.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the encoder now, and before each frame where it has changed.
    fn keep(self: &Arc<Self>, encoder: &gst::Element) {
        encoder_chain::set_rate(encoder, self.get());
        let (rate_control, weak) = (self.clone(), encoder.downgrade());
        if let Some(pad) = encoder.static_pad("sink") {
            pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
                if rate_control.changed.swap(false, Ordering::AcqRel)
                    && let Some(encoder) = weak.upgrade()
                {
                    encoder_chain::set_rate(&encoder, rate_control.get());
                }
                gst::PadProbeReturn::Ok
            });
        }
    }
}

/// Where encoded frames leave the encoder.
#[derive(Debug)]
pub(super) struct Output {
    encoder: glib::WeakRef<gst::Element>,
    lines: Mutex<Arc<[Arc<PayloadBranch>]>>,
    last_key_request: Mutex<Option<gst::ClockTime>>,
    encoded: AtomicU64,
}

impl Output {
    /// The pad that takes the encoder's frames.
    fn sink_pad(self: &Arc<Self>, caps: &gst::Caps) -> Result<gst::Pad, glib::BoolError> {
        let output = Arc::downgrade(self);
        let pad = super::loose_sink_pad(caps)?
            .name("encoded")
            .chain_function(move |pad, _, frame| {
                if let Some(output) = output.upgrade() {
                    output.share(pad, frame);
                }
                // A line that takes no frame is its leg's trouble, not the encoder's.
                Ok(gst::FlowSuccess::Ok)
            })
            .event_function(|_, _, _| true)
            .build();
        Ok(pad)
    }

    fn share(&self, pad: &gst::Pad, mut frame: gst::Buffer) {
        self.encoded.fetch_add(1, Ordering::Relaxed);
        let segment = pad.sticky_event::<gst::event::Segment>(0);
        let (Some(caps), Some(segment)) = (pad.current_caps(), segment) else {
            return;
        };
        // The lines' segments begin at 0. That of x264enc begins at 1000 hours.
        let running = segment
            .segment()
            .downcast_ref::<gst::ClockTime>()
            .and_then(|segment| segment.to_running_time(frame.pts()));
        if running != frame.pts() || frame.dts().is_some() {
            let frame = frame.make_mut();
            frame.set_pts(running);
            frame.set_dts(None);
        }
        for line in self.lines().iter() {
            line.push(&caps, &frame);
        }
    }

    /// KeyFrameRequests the encoder, before it gets the frame of time `now`, if any line asks for it.
    fn request_key_frame_if_due(&self, now: gst::ClockTime) {
        let lines = self.lines();
        let asking = || lines.iter().filter(|line| line.asks_for_key_frame(now));
        if asking().next().is_none() {
            return;
        }
        {
            let starts = asking().any(|line| line.needs_key_frame());
            let mut last = self
                .last_key_request
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if !starts && last.is_some_and(|last| now < last + KEY_FRAME_INTERVAL) {
                return;
            }
            *last = Some(now);
        }
        for line in lines.iter() {
            line.gets_key_frame(now);
        }
        if let Some(pad) = self
            .encoder
            .upgrade()
            .and_then(|encoder| encoder.static_pad("src"))
        {
            pad.send_event(
                gst_video::UpstreamForceKeyUnitEvent::builder()
                    .all_headers(true)
                    .build(),
            );
        }
    }

    fn lines(&self) -> Arc<[Arc<PayloadBranch>]> {
        self.lock_lines().clone()
    }

    fn lock_lines(&self) -> MutexGuard<'_, Arc<[Arc<PayloadBranch>]>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
