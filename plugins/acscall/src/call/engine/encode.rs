//! A sent stream: encoded once, its frames shared by the branches of all legs that carry it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use acscall::model::Kind;
use gst::glib;
use gst::prelude::*;
use parking_lot::{Condvar, Mutex};

use crate::call::CAT;

use super::audio_pause;
use super::codec::Codec;
use super::encoder_chain::{self, Rate};
use super::lifecycle::{self, unique_name};
use super::loose_pad::loose_sink_pad;
use super::payload_branch::PayloadBranch;
use super::rate_control::RateControl;

/// The minimum time between two key frames that receivers request: a burst of requests, such as
/// from several receivers that lost the same packet, costs one key frame. A branch that starts
/// does not wait for it. Each receiver's own limit is lower, see
/// [`KeyFrameRequests`](super::key_frame_requests::KeyFrameRequests).
const KEY_FRAME_INTERVAL: gst::ClockTime = gst::ClockTime::from_mseconds(300);
/// The number of raw frames that wait for the encoder. Older ones are stale.
const VIDEO_QUEUE: u64 = 2;
/// The length of raw audio that waits for the encoder.
const AUDIO_QUEUE: gst::ClockTime = gst::ClockTime::from_mseconds(200);
/// The name of the event that [`Encoder::drain`] puts behind the waiting buffers.
const DRAINED: &str = "acscall-drained";

/// The encoder of a sent stream.
#[derive(Debug)]
pub(in crate::call) struct Encoder {
    kind: Kind,
    codec: Codec,
    bin: gst::Bin,
    source: gst_app::AppSrc,
    input: Mutex<Input>,
    output: Arc<Output>,
    rate_control: Arc<RateControl>,
    /// The pad that takes the encoded frames. This is its only reference.
    encoded: gst::Pad,
    /// The number of [`DRAINED`] events that have left the queue.
    drained: Arc<(Mutex<u64>, Condvar)>,
    /// The numbers of buffers that have entered the queue and that have left it for the encoder.
    queued: AtomicU64,
    taken: Arc<AtomicU64>,
    /// An image-orientation tag that is to precede the next picture.
    orientation: Mutex<Option<Arc<str>>>,
}

/// The buffers on their way to the encoder's queue, in the order of their times.
#[derive(Debug, Default)]
struct Input {
    last_pts: Option<gst::ClockTime>,
    /// The end of the last buffer, if it had a duration.
    end: Option<gst::ClockTime>,
    waiting: VecDeque<gst::Sample>,
    /// Whether a thread is pushing the waiting buffers.
    is_pushing: bool,
}

impl Encoder {
    /// Makes an encoder and starts it in `pipeline`. On failure, nothing is left in the pipeline.
    pub(super) fn start(
        kind: Kind,
        codec: Codec,
        rate: Rate,
        pipeline: &gst::Pipeline,
        branches: Vec<Arc<PayloadBranch>>,
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
        let bin = gst::Bin::with_name(&unique_name(&format!("encoder-{kind}")));
        bin.add(&source)?;
        let chain =
            encoder_chain::chain(codec).map_err(|missing| glib::bool_error!("{missing}"))?;
        let elements = &chain.elements;
        bin.add_many(elements)?;
        gst::Element::link_many(std::iter::once(source.upcast_ref()).chain(elements))?;
        let rate_control = Arc::new(RateControl::new(rate));
        rate_control.apply_between_frames(&chain.encoder);

        let last = elements.last().expect("an encoder has elements");
        let encoded = last.static_pad("src").expect("an encoder has a source pad");
        let is_dropping = audio_pause::watch(&source_pad(&source));
        let output = Arc::new(Output {
            encoder: last.downgrade(),
            branches: Mutex::new(branches.into()),
            last_key_request: Mutex::new(None),
            encoded: AtomicU64::new(0),
            is_dropping,
        });
        let sink = output.sink_pad(&codec.encoded())?;
        encoded
            .link(&sink)
            .map_err(|error| glib::bool_error!("{error}"))?;

        let drained = Arc::new((Mutex::new(0u64), Condvar::new()));
        count_drained(&source, drained.clone());
        let taken = count_taken(&source);
        lifecycle::start(&bin, pipeline, &sink)?;
        Ok(Arc::new(Encoder {
            kind,
            codec,
            bin,
            source,
            input: Mutex::default(),
            output,
            rate_control,
            encoded: sink,
            drained,
            queued: AtomicU64::new(0),
            taken,
            orientation: Mutex::default(),
        }))
    }

    /// Encodes a raw buffer whose PTS is the time of the system clock. Never waits.
    pub(in crate::call) fn push(&self, caps: &gst::Caps, buffer: gst::Buffer) {
        let Some(base) = self.bin.base_time() else {
            return;
        };
        if self.enqueue(caps, buffer, base) {
            while let Some(sample) = self.next_sample() {
                self.push_sample(&sample);
            }
        }
    }

    /// Adds a buffer to the waiting ones. Returns whether the caller has to push them; otherwise
    /// another thread does.
    fn enqueue(&self, caps: &gst::Caps, mut buffer: gst::Buffer, base: gst::ClockTime) -> bool {
        let due = buffer.pts().unwrap_or(base).saturating_sub(base);
        let mut input = self.input.lock();
        // Encoders refuse a time that does not increase. Sources that replace one another may
        // overlap.
        let pts = match input.last_pts {
            Some(last) if due <= last => last + gst::ClockTime::MSECOND,
            _ => due,
        };
        let is_after_pause = input.end.is_some_and(|end| pts > end + audio_pause::PAUSE);
        input.last_pts = Some(pts);
        input.end = buffer.duration().map(|duration| pts + duration);
        {
            let buffer = buffer.make_mut();
            buffer.set_pts(pts);
            buffer.set_dts(gst::ClockTime::NONE);
            if self.kind == Kind::Audio {
                // Marks the first buffer after a pause, and no other.
                buffer.unset_flags(gst::BufferFlags::DISCONT);
                if is_after_pause {
                    buffer.set_flags(gst::BufferFlags::DISCONT);
                }
            }
        }
        let sample = gst::Sample::builder().caps(caps).buffer(&buffer).build();
        input.waiting.push_back(sample);
        !std::mem::replace(&mut input.is_pushing, true)
    }

    fn next_sample(&self) -> Option<gst::Sample> {
        let mut input = self.input.lock();
        let sample = input.waiting.pop_front();
        input.is_pushing = sample.is_some();
        sample
    }

    fn push_sample(&self, sample: &gst::Sample) {
        if self.kind != Kind::Audio
            && let Some(pts) = sample.buffer().and_then(|buffer| buffer.pts())
        {
            self.output.request_key_frame_if_due(pts);
        }
        if self.kind == Kind::Audio
            && sample
                .buffer()
                .is_some_and(|buffer| buffer.flags().contains(gst::BufferFlags::DISCONT))
        {
            let _is_stopping = self.source.send_event(audio_pause::resumed());
        }
        let orientation = self.orientation.lock().take();
        if let Some(orientation) = orientation {
            self.push_orientation(sample.caps(), &orientation);
        }
        // The queue is leaky: this does not wait.
        match self.source.push_sample(sample) {
            Ok(_) => drop(self.queued.fetch_add(1, Ordering::Relaxed)),
            Err(error) => gst::debug!(CAT, obj = self.bin, "buffer not accepted: {error}"),
        }
    }

    /// Turns the pictures from the next one on as an image-orientation tag says. Never waits.
    pub(in crate::call) fn set_orientation(&self, orientation: Arc<str>) {
        *self.orientation.lock() = Some(orientation);
    }

    /// Puts a tag in front of the next picture.
    fn push_orientation(&self, caps: Option<&gst::CapsRef>, orientation: &str) {
        let mut tags = gst::TagList::new();
        if let Some(tags) = tags.get_mut() {
            tags.add::<gst::tags::ImageOrientation>(&orientation, gst::TagMergeMode::Replace);
        }
        // A tag must not precede the first caps.
        self.source.set_caps(caps.map(ToOwned::to_owned).as_ref());
        self.source.send_event(gst::event::Tag::new(tags));
    }

    /// Sets the rate from the next frame on. Never waits.
    pub(in crate::call) fn set_rate(&self, rate: Rate) {
        self.rate_control.set(rate);
    }

    /// Replaces the branches that get the frames. New branches begin with a key frame.
    pub(super) fn set_branches(&self, branches: Vec<Arc<PayloadBranch>>) {
        *self.output.branches.lock() = branches.into();
    }

    /// Waits until all pushed buffers have been encoded and sent, at most for `timeout`.
    pub(in crate::call) fn drain(&self, timeout: Duration) {
        let (count, changed) = &*self.drained;
        let target = *count.lock() + 1;
        let marker = gst::event::CustomDownstream::new(gst::Structure::new_empty(DRAINED));
        if !self.source.send_event(marker) {
            return;
        }
        let mut count = count.lock();
        changed.wait_while_for(&mut count, |count| *count < target, timeout);
    }

    /// Returns the codec of the encoded frames.
    pub(in crate::call) fn codec(&self) -> Codec {
        self.codec
    }

    /// Returns the number of frames encoded so far.
    pub(in crate::call) fn encoded(&self) -> u64 {
        self.output.encoded.load(Ordering::Relaxed)
    }

    /// Returns the number of buffers that the queue has dropped because the encoder was too slow.
    pub(in crate::call) fn dropped(&self) -> u64 {
        let queued = self.queued.load(Ordering::Relaxed);
        let waiting = self.source.current_level_buffers();
        queued.saturating_sub(self.taken.load(Ordering::Relaxed) + waiting)
    }

    /// Whether `object` is part of this encoder.
    pub(super) fn owns(&self, object: &gst::Object) -> bool {
        object.has_as_ancestor(&self.bin) || object == self.bin.upcast_ref::<gst::Object>()
    }

    /// Stops the encoder and removes it from its pipeline.
    pub(super) fn stop(&self) {
        self.set_branches(Vec::new());
        lifecycle::dispose(&self.bin, self.encoded.clone());
    }
}

fn source_pad(source: &gst_app::AppSrc) -> gst::Pad {
    let pad = source.static_pad("src");
    pad.expect("an appsrc has a source pad")
}

/// Counts the markers of [`Encoder::drain`] as they leave the queue. The encoders work in the
/// queue's own thread, so all buffers before a marker have been encoded and sent by then.
fn count_drained(source: &gst_app::AppSrc, drained: Arc<(Mutex<u64>, Condvar)>) {
    let pad = source_pad(source);
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let is_marker = info
            .event()
            .and_then(|event| event.structure())
            .is_some_and(|structure| structure.name() == DRAINED);
        if !is_marker {
            return gst::PadProbeReturn::Ok;
        }
        let (count, changed) = &*drained;
        *count.lock() += 1;
        changed.notify_all();
        gst::PadProbeReturn::Handled
    });
}

/// Counts the buffers that leave the queue.
fn count_taken(source: &gst_app::AppSrc) -> Arc<AtomicU64> {
    let taken: Arc<AtomicU64> = Arc::default();
    let pad = source
        .static_pad("src")
        .expect("an appsrc has a source pad");
    let counter = taken.clone();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        counter.fetch_add(1, Ordering::Relaxed);
        gst::PadProbeReturn::Ok
    });
    taken
}

/// The output of an encoder: passes its frames to the branches, and their requests to it.
#[derive(Debug)]
struct Output {
    encoder: glib::WeakRef<gst::Element>,
    branches: Mutex<Arc<[Arc<PayloadBranch>]>>,
    last_key_request: Mutex<Option<gst::ClockTime>>,
    encoded: AtomicU64,
    /// See [`audio_pause::watch`].
    is_dropping: Arc<AtomicBool>,
}

impl Output {
    /// Makes the pad that takes the encoder's frames.
    fn sink_pad(self: &Arc<Self>, caps: &gst::Caps) -> Result<gst::Pad, glib::BoolError> {
        let output = Arc::downgrade(self);
        loose_sink_pad("encoded", caps, move |pad, frame| {
            if let Some(output) = output.upgrade() {
                output.share(pad, frame);
            }
            // A branch that refuses a frame must not stop the encoder: its leg fails by itself.
            Ok(gst::FlowSuccess::Ok)
        })
    }

    fn share(&self, pad: &gst::Pad, mut frame: gst::Buffer) {
        if self.is_dropping.load(Ordering::Acquire) {
            return;
        }
        self.encoded.fetch_add(1, Ordering::Relaxed);
        let segment = pad.sticky_event::<gst::event::Segment>(0);
        let (Some(caps), Some(segment)) = (pad.current_caps(), segment) else {
            return;
        };
        // The branches' segments begin at 0, x264enc's at 1000 hours.
        let running = segment
            .segment()
            .downcast_ref::<gst::ClockTime>()
            .and_then(|segment| segment.to_running_time(frame.pts()));
        if running != frame.pts() || frame.dts().is_some() {
            let frame = frame.make_mut();
            frame.set_pts(running);
            frame.set_dts(None);
        }
        for branch in self.branches().iter() {
            branch.push(&caps, &frame);
        }
    }

    /// Requests a key frame if a branch needs one. Called before the encoder gets the frame of
    /// time `now`.
    fn request_key_frame_if_due(&self, now: gst::ClockTime) {
        let branches = self.branches();
        let due = || {
            branches
                .iter()
                .filter(|branch| branch.is_key_frame_due(now))
        };
        if due().next().is_none() {
            return;
        }
        {
            let is_starting = due().any(|branch| branch.needs_key_frame());
            let mut last = self.last_key_request.lock();
            if !is_starting && last.is_some_and(|last| now < last + KEY_FRAME_INTERVAL) {
                return;
            }
            *last = Some(now);
        }
        for branch in branches.iter() {
            branch.key_frame_requested(now);
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

    fn branches(&self) -> Arc<[Arc<PayloadBranch>]> {
        self.branches.lock().clone()
    }
}
