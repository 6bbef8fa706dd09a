//! The audio of all participants as one stream, continuous from the start.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use acscall::call::ReaderId;
use acscall::model::ParticipantId;
use gst::glib;
use gst::prelude::*;
use parking_lot::Mutex;

use crate::call::CAT;

use super::codec::{make, raw_audio};
use super::lifecycle;
use super::receive::{Fanout, FrameSink};

/// The number of samples in a block of the mix: 10 ms at 48 kHz.
const BLOCK: i32 = 480;
/// The latency that the mixer adds to a participant's audio: one block, and the delay of the
/// streams' 20 ms blocks and of the threads in between.
pub(in crate::call) const MIX_LATENCY: gst::ClockTime = gst::ClockTime::from_mseconds(30);
/// The length of one participant's audio that may wait for the mixer.
const QUEUE: gst::ClockTime = gst::ClockTime::from_mseconds(200);

/// The mixer. One of its inputs is silence, so it never waits for a participant.
pub(super) struct Mixer {
    pipeline: gst::Pipeline,
    bin: gst::Bin,
    mixer: gst::Element,
    /// The pad that takes the mix. This is its only reference.
    _mixed: gst::Pad,
    /// The pads to release, see [`release_between_blocks`].
    leaving: Leaving,
    /// The inputs of the mixer, by participant.
    inputs: BTreeMap<ParticipantId, (ReaderId, Arc<Fanout>, gst_app::AppSrc)>,
    latency: gst::ClockTime,
}

impl Mixer {
    /// Starts mixing in `pipeline` into `output`. `latency` is the latency of the inputs.
    pub(super) fn start(
        pipeline: &gst::Pipeline,
        output: Arc<Fanout>,
        latency: gst::ClockTime,
    ) -> Result<Mixer, glib::BoolError> {
        let make = |name| make(name).map_err(|missing| glib::bool_error!("{missing}"));
        let silence = make("audiotestsrc")?;
        silence.set_property_from_str("wave", "silence");
        silence.set_property("is-live", true);
        silence.set_property("samplesperbuffer", BLOCK);
        let mixer = make("audiomixer")?;
        mixer.set_property("output-buffer-duration", gst::ClockTime::from_mseconds(10));
        mixer.set_property("latency", latency + gst::ClockTime::from_mseconds(20));
        // Otherwise the mix would begin with the silence since the start of the call, all at once.
        mixer.set_property_from_str("start-time-selection", "first");
        let silence_format = make("capsfilter")?;
        silence_format.set_property("caps", raw_audio());
        let format = make("capsfilter")?;
        format.set_property("caps", raw_audio());

        let bin = gst::Bin::with_name(&lifecycle::unique_name("mixer"));
        let leaving = release_between_blocks(&mixer);
        bin.add_many([&silence, &silence_format, &mixer, &format])?;
        gst::Element::link_many([&silence, &silence_format, &mixer, &format])?;
        let sink = super::receive::sink_pad(output, |caps| caps)?;
        let mixed = format
            .static_pad("src")
            .expect("a capsfilter has a source pad");
        mixed
            .link(&sink)
            .map_err(|error| glib::bool_error!("{error}"))?;
        lifecycle::start(&bin, pipeline, &sink)?;
        Ok(Mixer {
            pipeline: pipeline.clone(),
            bin,
            mixer,
            _mixed: sink,
            leaving,
            inputs: BTreeMap::new(),
            latency,
        })
    }

    /// Returns the participants whose audio is mixed.
    pub(super) fn participants(&self) -> impl Iterator<Item = &ParticipantId> {
        self.inputs.keys()
    }

    /// Adds a participant's audio to the mix.
    pub(super) fn add(
        &mut self,
        participant: ParticipantId,
        reader: ReaderId,
        fanout: Arc<Fanout>,
    ) -> Result<(), glib::BoolError> {
        let source = gst_app::AppSrc::builder()
            .caps(&raw_audio())
            .format(gst::Format::Time)
            .is_live(true)
            .min_latency(self.latency.nseconds() as i64)
            .max_bytes(0)
            .leaky_type(gst_app::AppLeakyType::Downstream)
            .build();
        source.set_max_time(QUEUE);
        if let Err(error) = self.link(&source) {
            self.unlink(&source);
            return Err(error);
        }
        fanout.add(
            reader,
            Arc::new(MixerInput {
                source: source.clone(),
                warned: AtomicBool::new(false),
            }),
        );
        self.inputs.insert(participant, (reader, fanout, source));
        Ok(())
    }

    /// Removes a participant's audio from the mix.
    pub(super) fn remove(&mut self, participant: &ParticipantId) {
        if let Some((reader, fanout, source)) = self.inputs.remove(participant) {
            fanout.remove(reader);
            self.unlink(&source);
        }
    }

    fn link(&self, source: &gst_app::AppSrc) -> Result<(), glib::BoolError> {
        self.bin.add(source)?;
        // A new pad: an unlinked one may be about to be released.
        let pad = self.mixer.request_pad_simple("sink_%u");
        let pad = pad.ok_or_else(|| glib::bool_error!("the mixer takes no further input"))?;
        if let Err(error) = source.link_pads(Some("src"), &self.mixer, Some(&pad.name())) {
            self.leaving.lock().push(pad);
            return Err(error);
        }
        source.sync_state_with_parent()
    }

    fn unlink(&self, source: &gst_app::AppSrc) {
        let pad = source.static_pad("src").and_then(|pad| pad.peer());
        source.set_locked_state(true);
        // Its thread may wait in the mixer, for a block at most: the silence keeps that going.
        let _already_stopped = source.set_state(gst::State::Null);
        let _already_removed = self.bin.remove(source);
        self.leaving.lock().extend(pad);
    }

    /// Stops mixing.
    pub(super) fn stop(mut self) {
        let participants: Vec<_> = self.inputs.keys().cloned().collect();
        for participant in participants {
            self.remove(&participant);
        }
        let _already_stopped = self.bin.set_state(gst::State::Null);
        let _already_removed = self.pipeline.remove(&self.bin);
    }
}

type Leaving = Arc<Mutex<Vec<gst::Pad>>>;

/// Releases the pads in the list on the mixer's own thread, between two blocks. While it mixes a
/// block, audiomixer 1.22 iterates over its pads without a lock and would use a pad that another
/// thread has freed.
fn release_between_blocks(mixer: &gst::Element) -> Leaving {
    let leaving = Leaving::default();
    let pad = mixer.static_pad("src").expect("a mixer has a source pad");
    let list = Arc::downgrade(&leaving);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
        let pads = list.upgrade().map(|list| std::mem::take(&mut *list.lock()));
        if let Some(mixer) = pad.parent_element() {
            for pad in pads.into_iter().flatten() {
                mixer.release_request_pad(&pad);
            }
        }
        gst::PadProbeReturn::Ok
    });
    leaving
}

struct MixerInput {
    source: gst_app::AppSrc,
    warned: AtomicBool,
}

impl FrameSink for MixerInput {
    fn take(&self, _caps: &gst::Caps, buffer: &gst::Buffer, _base: gst::ClockTime) {
        if let Err(error) = self.source.push_buffer(buffer.clone())
            && !self.warned.swap(true, Ordering::Relaxed)
        {
            gst::info!(CAT, obj = self.source, "buffer not accepted: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::thread;
    use std::time::Duration;

    use super::*;

    struct Times(Mutex<Sender<gst::ClockTime>>);

    impl FrameSink for Times {
        fn take(&self, _caps: &gst::Caps, buffer: &gst::Buffer, _base: gst::ClockTime) {
            let _the_test_is_over = self.0.lock().send(buffer.pts().unwrap());
        }
    }

    #[test]
    fn the_mix_begins_when_it_is_requested_however_old_the_call_is() {
        gst::init().unwrap();
        let age = gst::ClockTime::from_seconds(10);
        let pipeline = gst::Pipeline::new();
        let clock = gst::SystemClock::obtain();
        pipeline.use_clock(Some(&clock));
        pipeline.set_start_time(gst::ClockTime::NONE);
        pipeline.set_base_time(clock.time().saturating_sub(age));
        pipeline.set_state(gst::State::Playing).unwrap();
        let output = Arc::new(Fanout::default());
        let (sender, times) = channel();
        output.add(ReaderId(0), Arc::new(Times(Mutex::new(sender))));
        let mixer = Mixer::start(&pipeline, output, gst::ClockTime::ZERO).unwrap();
        let first = times.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(first >= age, "{first}");
        mixer.stop();
        pipeline.set_state(gst::State::Null).unwrap();
    }

    #[test]
    fn the_mixers_pads_are_released_by_the_thread_that_mixes() {
        gst::init().unwrap();
        let pipeline = gst::Pipeline::new();
        pipeline.set_state(gst::State::Playing).unwrap();
        let output = Arc::new(Fanout::default());
        let mut mixer = Mixer::start(&pipeline, output, gst::ClockTime::ZERO).unwrap();
        let (blocks, mixing) = channel();
        let source = mixer.mixer.static_pad("src").unwrap();
        source.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            let _the_test_is_over = blocks.send(thread::current().id());
            gst::PadProbeReturn::Ok
        });
        let (released, releases) = channel();
        mixer.mixer.connect_pad_removed(move |_, _| {
            let _the_test_is_over = released.send(thread::current().id());
        });
        let alice = ParticipantId("alice".into());
        mixer
            .add(alice.clone(), ReaderId(1), Arc::default())
            .unwrap();
        mixer.remove(&alice);
        // While the mixer still has alice's pad.
        let bob = ParticipantId("bob".into());
        mixer.add(bob.clone(), ReaderId(2), Arc::default()).unwrap();
        let timeout = Duration::from_secs(20);
        let thread = releases.recv_timeout(timeout).unwrap();
        assert_eq!(thread, mixing.recv_timeout(timeout).unwrap());
        assert_eq!(mixer.mixer.num_sink_pads(), 2, "silence and bob");
        let (_, _, source) = &mixer.inputs[&bob];
        assert!(source.static_pad("src").unwrap().is_linked());
        mixer.stop();
        pipeline.set_state(gst::State::Null).unwrap();
    }
}
