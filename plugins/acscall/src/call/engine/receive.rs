//! A received stream: decoded once, its frames shared by all readers.

use std::sync::Arc;

use acscall::call::ReaderId;
use gst::glib;
use gst::prelude::*;
use parking_lot::Mutex;

use super::colorimetry::ColorimetryTracker;
use super::decoder_chain::{self, DecoderError};
use super::lifecycle;
use super::loose_pad::loose_sink_pad;
use crate::call::reader::{Item, ReaderQueue};

/// Receives decoded media. Never waits.
pub(super) trait FrameSink: Send + Sync {
    /// Takes a frame or block of samples. Its PTS is the running time of the call's pipeline,
    /// `base` that pipeline's base time.
    fn take(&self, caps: &gst::Caps, buffer: &gst::Buffer, base: gst::ClockTime);
}

impl FrameSink for ReaderQueue {
    fn take(&self, caps: &gst::Caps, buffer: &gst::Buffer, base: gst::ClockTime) {
        // Copies the metadata; the memory is shared.
        let mut buffer = buffer.copy();
        if let Some(pts) = buffer.pts() {
            buffer.make_mut().set_pts(pts + base);
        }
        self.push(Item::Media(caps.clone(), buffer));
    }
}

/// Delivers a stream's decoded media to its readers. Outlives legs: a stream that continues over a
/// new leg keeps its readers.
#[derive(Default)]
pub(super) struct Fanout {
    readers: Mutex<Vec<(ReaderId, Arc<dyn FrameSink>)>>,
}

impl Fanout {
    pub(super) fn add(&self, id: ReaderId, reader: Arc<dyn FrameSink>) {
        self.readers.lock().push((id, reader));
    }

    pub(super) fn remove(&self, id: ReaderId) {
        self.readers.lock().retain(|(other, _)| *other != id);
    }

    pub(super) fn is_read(&self) -> bool {
        !self.readers.lock().is_empty()
    }

    pub(super) fn deliver(&self, caps: &gst::Caps, buffer: &gst::Buffer, base: gst::ClockTime) {
        // Holding the lock is safe: taking never waits, and the list is short.
        for (_, reader) in self.readers.lock().iter() {
            reader.take(caps, buffer, base);
        }
    }
}

/// The decoder of one track of a leg.
pub(super) struct Decoder {
    bin: gst::Bin,
    /// The pad that takes the decoded media. This is its only reference.
    decoded: gst::Pad,
}

impl Decoder {
    /// Makes a decoder for the RTP of `pad` and starts it in `pipeline`. On failure, nothing is
    /// left in the pipeline.
    pub(super) fn start(
        name: &str,
        pad: &gst::Pad,
        pipeline: &gst::Pipeline,
        fanout: Arc<Fanout>,
    ) -> Result<Decoder, DecoderStartError> {
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let chain = decoder_chain::chain(&caps)?;
        let bin = gst::Bin::with_name(name);
        bin.add_many(&chain)?;
        gst::Element::link_many(&chain)?;
        let first = chain.first().and_then(|element| element.static_pad("sink"));
        let first = first.expect("a depayloader has a sink pad");
        let entry = gst::GhostPad::with_target(&first)?;
        bin.add_pad(&entry)?;
        let frames = chain.last().and_then(|element| element.static_pad("sink"));
        let frames = frames.expect("a decoder has a sink pad");
        let colorimetry = ColorimetryTracker::watch(&caps, &first, &frames);
        let decoded = chain.last().and_then(|element| element.static_pad("src"));
        let sink = sink_pad(fanout.clone(), move |caps| colorimetry.label(caps))?;
        let decoded = decoded.expect("a decoder has a source pad");
        decoded
            .link(&sink)
            .map_err(|error| glib::bool_error!("{error}"))?;

        lifecycle::start(&bin, pipeline, &sink)?;
        if let Err(error) = pad.link(&entry) {
            lifecycle::dispose(&bin, sink);
            return Err(glib::bool_error!("{error}").into());
        }
        // A stream without readers is not decoded. Its sender stops sending it a moment later.
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            if fanout.is_read() {
                gst::PadProbeReturn::Ok
            } else {
                gst::PadProbeReturn::Handled
            }
        });
        Ok(Decoder { bin, decoded: sink })
    }

    /// Whether `object` is part of this decoder.
    pub(super) fn owns(&self, object: &gst::Object) -> bool {
        object.has_as_ancestor(&self.bin) || object == self.bin.upcast_ref::<gst::Object>()
    }

    /// Stops the decoder and removes it from its pipeline.
    pub(super) fn stop(self) {
        lifecycle::dispose(&self.bin, self.decoded);
    }
}

/// Makes the pad that takes raw media and delivers it to the readers of `fanout`, with the caps
/// that `label` returns.
pub(super) fn sink_pad(
    fanout: Arc<Fanout>,
    label: impl Fn(gst::Caps) -> gst::Caps + Send + Sync + 'static,
) -> Result<gst::Pad, glib::BoolError> {
    loose_sink_pad("decoded", &gst::Caps::new_any(), move |pad, mut buffer| {
        let base = pad
            .peer()
            .and_then(|peer| peer.parent_element())
            .and_then(|element| element.base_time());
        let segment = pad.sticky_event::<gst::event::Segment>(0);
        let (Some(base), Some(caps), Some(segment)) = (base, pad.current_caps(), segment) else {
            return Ok(gst::FlowSuccess::Ok);
        };
        let running = segment
            .segment()
            .downcast_ref::<gst::ClockTime>()
            .and_then(|segment| segment.to_running_time(buffer.pts()));
        if let Some(running) = running {
            if buffer.pts() != Some(running) {
                buffer.make_mut().set_pts(running);
            }
            fanout.deliver(&label(caps), &buffer, base);
        }
        Ok(gst::FlowSuccess::Ok)
    })
}

/// The reason why a decoder could not be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecoderStartError {
    #[error(transparent)]
    Decoder(#[from] DecoderError),
    #[error(transparent)]
    Pipeline(#[from] glib::BoolError),
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(20);

    /// A pad that the RTP of an Opus track comes out of, and a pipeline.
    fn opus_track() -> (gst::Pad, gst::Pipeline) {
        gst::init().unwrap();
        let caps = gst::Caps::builder("application/x-rtp")
            .field("media", "audio")
            .field("encoding-name", "OPUS")
            .field("clock-rate", 48_000)
            .field("payload", 96)
            .build();
        let (source, always) = (gst::PadDirection::Src, gst::PadPresence::Always);
        let template = gst::PadTemplate::new("src", source, always, &caps).unwrap();
        let pipeline = gst::Pipeline::new();
        pipeline.set_state(gst::State::Playing).unwrap();
        (gst::Pad::from_template(&template), pipeline)
    }

    #[test]
    fn the_pad_behind_a_decoder_is_there_until_the_decoder_is_out_of_its_pipeline() {
        let (source, pipeline) = opus_track();
        let decoder = Decoder::start("decoder", &source, &pipeline, Arc::default()).unwrap();
        let pad = decoder.decoded.downgrade();
        let (gone_in, gone) = channel();
        let (seen_in, seen) = channel();
        let gone = Mutex::new(gone);
        pipeline.connect_element_removed(move |_, _| {
            gone.lock().recv_timeout(TIMEOUT).unwrap();
            seen_in.send(pad.upgrade().is_some()).unwrap();
        });
        decoder.stop();
        gone_in.send(()).unwrap();
        assert!(seen.recv_timeout(TIMEOUT).unwrap());
        pipeline.set_state(gst::State::Null).unwrap();
    }

    #[test]
    fn a_decoder_that_cannot_be_linked_is_removed_from_the_pipeline() {
        let (source, pipeline) = opus_track();
        let other = gst::Pad::new(gst::PadDirection::Sink);
        source.link(&other).unwrap();
        let (sender, removed) = channel();
        pipeline.connect_element_removed(move |_, _| {
            let _the_test_is_over = sender.send(());
        });
        let refused = Decoder::start("decoder", &source, &pipeline, Arc::default());
        assert!(matches!(refused, Err(DecoderStartError::Pipeline(_))));
        removed.recv_timeout(TIMEOUT).unwrap();
        assert!(pipeline.children().is_empty());
        source.unlink(&other).unwrap();
        let decoder = Decoder::start("decoder", &source, &pipeline, Arc::default()).unwrap();
        decoder.stop();
        removed.recv_timeout(TIMEOUT).unwrap();
        pipeline.set_state(gst::State::Null).unwrap();
    }
}
