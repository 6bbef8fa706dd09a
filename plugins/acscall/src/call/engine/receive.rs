//! One received stream: decoded once, its frames shared by all who read it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acscall::call::ReaderId;
use gst::glib;
use gst::prelude::*;

use super::colorimetry::Colours;
use super::decoder_chain::{self, DecoderError};
use crate::call::reader::{Item, ReaderQueue};

/// Takes decoded media. Never waits.
pub(super) trait FrameSink: Send + Sync {
    /// A frame or block; its PTS is the running time of the call's pipeline, `base` that
    /// pipeline's base time.
    fn take(&self, caps: &gst::Caps, buffer: &gst::Buffer, base: gst::ClockTime);
}

impl FrameSink for ReaderQueue {
    fn take(&self, caps: &gst::Caps, buffer: &gst::Buffer, base: gst::ClockTime) {
        // Only the description is copied, the memory is shared.
        let mut buffer = buffer.copy();
        if let Some(pts) = buffer.pts() {
            buffer.make_mut().set_pts(pts + base);
        }
        self.push(Item::Media(caps.clone(), buffer));
    }
}

/// Where a stream's decoder meets its readers. Outlives legs: a stream that comes back over a
/// new one finds its readers here.
#[derive(Default)]
pub(super) struct Fanout {
    readers: Mutex<Vec<(ReaderId, Arc<dyn FrameSink>)>>,
}

impl Fanout {
    pub(super) fn add(&self, id: ReaderId, reader: Arc<dyn FrameSink>) {
        self.lock().push((id, reader));
    }

    pub(super) fn remove(&self, id: ReaderId) {
        self.lock().retain(|(other, _)| *other != id);
    }

    pub(super) fn is_read(&self) -> bool {
        !self.lock().is_empty()
    }

    pub(super) fn deliver(&self, caps: &gst::Caps, buffer: &gst::Buffer, base: gst::ClockTime) {
        // Held over the calls: taking never waits, and the list is short.
        for (_, reader) in self.lock().iter() {
            reader.take(caps, buffer, base);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(ReaderId, Arc<dyn FrameSink>)>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The decoder of one line of one leg.
pub(super) struct Decoder {
    bin: gst::Bin,
    /// Nothing else holds it: it has no parent.
    decoded: gst::Pad,
}

impl Decoder {
    /// Makes a decoder for what comes out of `pad` and starts it in `pipeline`.
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
        let colours = Colours::watch(&caps, &first, &frames.expect("a decoder has a sink pad"));
        let decoded = chain.last().and_then(|element| element.static_pad("src"));
        let sink = sink_pad(fanout.clone(), move |caps| colours.label(caps))?;
        sink.set_active(true)?;
        let decoded = decoded.expect("a decoder has a source pad");
        decoded
            .link(&sink)
            .map_err(|error| glib::bool_error!("{error}"))?;

        pipeline.add(&bin)?;
        bin.sync_state_with_parent()?;
        pad.link(&entry)
            .map_err(|error| glib::bool_error!("{error}"))?;
        // What nobody reads is not decoded. The sender stops it too, a moment later.
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

    /// Stops the decoder and takes it out of its pipeline.
    pub(super) fn stop(self) {
        super::dispose_with(&self.bin, self.decoded);
    }
}

/// The pad that takes raw media for the readers of `fanout`, who are told the caps that `label` gives.
pub(super) fn sink_pad(
    fanout: Arc<Fanout>,
    label: impl Fn(gst::Caps) -> gst::Caps + Send + Sync + 'static,
) -> Result<gst::Pad, glib::BoolError> {
    let pad = super::loose_sink_pad(&gst::Caps::new_any())?
        .name("decoded")
        .chain_function(move |pad, _, mut buffer| {
            let base = pad
                .peer()
                .and_then(|peer| peer.parent_element())
                .and_then(|element| element.base_time());
            let segment = pad.sticky_event::<gst::event::Segment>(0);
            let (Some(base), Some(caps), Some(segment)) = (base, pad.current_caps(), segment)
            else {
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
        .event_function(|_, _, _| true)
        .build();
    Ok(pad)
}

/// Why a decoder could not be started.
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

    #[test]
    fn the_pad_behind_a_decoder_is_there_until_the_decoder_is_out_of_its_pipeline() {
        let timeout = Duration::from_secs(20);
        gst::init().unwrap();
        let caps = gst::Caps::builder("application/x-rtp")
            .field("media", "audio")
            .field("encoding-name", "OPUS")
            .field("clock-rate", 48_000)
            .field("payload", 96)
            .build();
        let (source, always) = (gst::PadDirection::Src, gst::PadPresence::Always);
        let template = gst::PadTemplate::new("src", source, always, &caps).unwrap();
        let source = gst::Pad::from_template(&template);
        let pipeline = gst::Pipeline::new();
        pipeline.set_state(gst::State::Playing).unwrap();
        let decoder = Decoder::start("decoder", &source, &pipeline, Arc::default()).unwrap();
        let pad = decoder.decoded.downgrade();
        let (gone_in, gone) = channel();
        let (seen_in, seen) = channel();
        let gone = Mutex::new(gone);
        pipeline.connect_element_removed(move |_, _| {
            gone.lock().unwrap().recv_timeout(timeout).unwrap();
            seen_in.send(pad.upgrade().is_some()).unwrap();
        });
        decoder.stop();
        gone_in.send(()).unwrap();
        assert!(seen.recv_timeout(timeout).unwrap());
        pipeline.set_state(gst::State::Null).unwrap();
    }
}
