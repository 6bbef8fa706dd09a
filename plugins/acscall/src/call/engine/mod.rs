//! The call's own pipeline: legs, encoders, decoders and the mixer, on the system clock.
//!
//! The driver's thread owns it. An application's pipelines can stop, be replaced or fail without
//! affecting it.

mod audio_pause;
mod channels;
mod codec;
pub(super) mod colorimetry;
mod decoder_chain;
mod encode;
mod encoder_chain;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod key_frame_requests;
mod leg;
mod legs;
mod lifecycle;
mod loose_pad;
mod mix;
mod payload_branch;
mod rate_control;
mod receive;
mod sdp;
mod webrtc;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use acscall::call::{LegId, ReaderId};
use acscall::model::{Kind, ParticipantId};
use gst::glib;
use gst::prelude::*;

use super::publication::PublicationSlot;
use super::reader::ReaderQueue;
use super::{CAT, CallSettings, DEFAULT_LATENCY};
use codec::Codecs;
pub(crate) use codec::{Codec, MissingElement, raw_audio};
pub(super) use encode::Encoder;
pub(super) use encoder_chain::Rate;
use leg::LegMaker;
pub(super) use leg::{LegOutput, Packet};
use legs::OpenLeg;
pub(super) use mix::MIX_LATENCY;
use mix::Mixer;
use receive::Fanout;
pub(super) use webrtc::WarmUp;

/// Elements stop within milliseconds. An element that takes this long is stuck.
const DISPOSAL_TIMEOUT: Duration = Duration::from_secs(2);

/// An event of the engine, sent to the driver from any thread.
#[derive(Debug)]
pub(super) enum EngineOutput {
    /// An event of this leg.
    Leg(LegId, LegOutput),
    /// An element of the pipeline failed.
    Error(gst::Object, String),
    /// A receiver of this stream waits for a key frame.
    KeyFrameRequested(Kind),
}

/// Receives the engine's events. Never blocks.
pub(super) type EngineSink = Arc<dyn Fn(EngineOutput) + Send + Sync>;

/// See the module documentation.
pub(super) struct Engine {
    pipeline: gst::Pipeline,
    maker: Box<dyn LegMaker>,
    output: EngineSink,
    slots: BTreeMap<Kind, Arc<PublicationSlot>>,
    codecs: Codecs,
    legs: BTreeMap<LegId, OpenLeg>,
    fanouts: BTreeMap<(ParticipantId, Kind), Arc<Fanout>>,
    bound: BTreeMap<ReaderId, Arc<Fanout>>,
    mix: Option<Mix>,
    /// The length of the jitter buffers, in ms.
    latency: Arc<OnceLock<u32>>,
    /// The id of the mixer's next reader. The ids of applications' readers count up from 0, these
    /// count down.
    next_mix_reader: u64,
}

struct Mix {
    mixer: Mixer,
    output: Arc<Fanout>,
    readers: BTreeSet<ReaderId>,
}

/// Returns an element that every call needs and that is not installed.
pub(crate) fn missing_element() -> Option<MissingElement> {
    let elements = [
        "audioconvert",
        "audiomixer",
        "audioresample",
        "audiotestsrc",
        "videoconvert",
    ];
    codec::first_missing(&[], &[&webrtc::ELEMENTS[..], &elements].concat())
}

impl Engine {
    /// Starts an empty pipeline.
    pub(super) fn new(
        settings: &CallSettings,
        latency: Arc<OnceLock<u32>>,
        slots: BTreeMap<Kind, Arc<PublicationSlot>>,
        output: EngineSink,
    ) -> Result<Engine, glib::BoolError> {
        let pipeline = gst::Pipeline::with_name(&format!("acscall-{}", settings.user));
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        watch_errors(&pipeline, &output)?;
        pipeline
            .set_state(gst::State::Playing)
            .map_err(|error| glib::bool_error!("{error}"))?;
        let maker = webrtc::WebRtc {
            pipeline: pipeline.clone(),
            latency: latency.clone(),
            stun_server: settings.stun_server.clone(),
            turn_servers: settings.turn_servers.clone(),
        };
        Ok(Engine {
            pipeline,
            maker: Box::new(maker),
            output,
            slots,
            codecs: codec::default_codecs(),
            legs: BTreeMap::new(),
            fanouts: BTreeMap::new(),
            bound: BTreeMap::new(),
            mix: None,
            latency,
            next_mix_reader: u64::MAX,
        })
    }

    /// Starts the encoder of a wanted stream whose first buffer has come, unless it runs already.
    /// After an error, nothing is left of the encoder, and the call can be repeated.
    pub(super) fn make_encoder(&self, kind: Kind) -> Result<(), glib::BoolError> {
        if let (Some(slot), Some(codec)) = (self.slots.get(&kind), self.codecs.get(&kind))
            && slot.encoder().is_none()
        {
            let branches = self.fed_branches(kind);
            let encoder = Encoder::start(kind, *codec, slot.rate(), &self.pipeline, branches)?;
            slot.set_encoder(encoder);
        }
        Ok(())
    }

    /// Sets the codec that new legs offer. Returns whether it has changed.
    pub(super) fn set_codec(&mut self, kind: Kind, codec: Codec) -> bool {
        if self.codecs.insert(kind, codec) == Some(codec) {
            return false;
        }
        // The next buffer starts another.
        if let Some(encoder) = self.slots.get(&kind).and_then(|slot| slot.take_encoder()) {
            encoder.stop();
        }
        true
    }

    /// Sets the rate at which a stream is encoded.
    pub(super) fn set_rate(&self, kind: Kind, rate: Rate) {
        if let Some(slot) = self.slots.get(&kind) {
            slot.set_rate(rate);
        }
    }

    /// Binds a reader to a stream, or unbinds it.
    pub(super) fn bind(
        &mut self,
        reader: ReaderId,
        queue: &Arc<ReaderQueue>,
        to: Option<(ParticipantId, Kind)>,
    ) {
        if let Some(fanout) = self.bound.remove(&reader) {
            fanout.remove(reader);
        }
        if let Some((participant, kind)) = to {
            let fanout = self.fanout(&participant, kind);
            fanout.add(reader, queue.clone());
            self.bound.insert(reader, fanout);
        }
    }

    /// Adds a reader of the mix. The first one starts the mixer.
    pub(super) fn read_mix(
        &mut self,
        reader: ReaderId,
        queue: &Arc<ReaderQueue>,
    ) -> Result<(), glib::BoolError> {
        if self.mix.is_none() {
            let output = Arc::new(Fanout::default());
            let latency = u64::from(*self.latency.get_or_init(|| DEFAULT_LATENCY));
            let latency = gst::ClockTime::from_mseconds(latency);
            let mixer = Mixer::start(&self.pipeline, output.clone(), latency)?;
            self.mix = Some(Mix {
                mixer,
                output,
                readers: BTreeSet::new(),
            });
        }
        if let Some(mix) = &mut self.mix {
            mix.output.add(reader, queue.clone());
            mix.readers.insert(reader);
        }
        Ok(())
    }

    /// Removes a reader that [`Engine::bind`] or [`Engine::read_mix`] added. The mixer stops with its
    /// last reader.
    pub(super) fn remove_reader(&mut self, reader: ReaderId) {
        if let Some(fanout) = self.bound.remove(&reader) {
            fanout.remove(reader);
        }
        if let Some(mut mix) = self.mix.take() {
            mix.output.remove(reader);
            mix.readers.remove(&reader);
            if mix.readers.is_empty() {
                mix.mixer.stop();
            } else {
                self.mix = Some(mix);
            }
        }
    }

    /// Mixes exactly these participants' audio.
    pub(super) fn mix(&mut self, wanted: &BTreeSet<ParticipantId>) -> Result<(), glib::BoolError> {
        let fanouts: Vec<_> = wanted
            .iter()
            .map(|id| (id.clone(), self.fanout(id, Kind::Audio)))
            .collect();
        let Some(mix) = &mut self.mix else {
            return Ok(());
        };
        let gone: Vec<_> = mix
            .mixer
            .participants()
            .filter(|id| !wanted.contains(*id))
            .cloned()
            .collect();
        for id in gone {
            mix.mixer.remove(&id);
        }
        let new = fanouts
            .into_iter()
            .filter(|(id, _)| !mix.mixer.participants().any(|p| p == id));
        for (id, fanout) in new.collect::<Vec<_>>() {
            let reader = ReaderId(self.next_mix_reader);
            self.next_mix_reader -= 1;
            mix.mixer.add(id, reader, fanout)?;
        }
        Ok(())
    }

    /// Frees the resources of a participant that has left.
    pub(super) fn forget(&mut self, participant: &ParticipantId) {
        self.fanouts.retain(|(id, _), _| id != participant);
    }

    /// Handles the failure of an element. Returns the leg that the element belongs to. A failed
    /// encoder is stopped; the next buffer starts another.
    pub(super) fn failed(&mut self, object: &gst::Object) -> Option<LegId> {
        for slot in self.slots.values() {
            if slot.encoder().is_some_and(|encoder| encoder.owns(object)) {
                if let Some(encoder) = slot.take_failed_encoder() {
                    encoder.stop();
                }
                return None;
            }
        }
        self.legs
            .iter()
            .find(|(_, open)| {
                open.leg.owns(object) || open.decoders.values().any(|decoder| decoder.owns(object))
            })
            .map(|(id, _)| id.clone())
    }

    /// Returns the engine's part of the property `stats`.
    pub(super) fn stats(&self, estimates: &BTreeMap<LegId, u32>) -> gst::Structure {
        let mut stats = gst::Structure::builder("application/x-acscall-stats")
            .field("legs", self.legs.len() as u32)
            .field(
                "connected-legs",
                self.legs.values().filter(|open| open.verified).count() as u32,
            )
            .field(
                "encoders",
                self.slots
                    .values()
                    .filter(|slot| slot.encoder().is_some())
                    .count() as u32,
            );
        for (id, open) in &self.legs {
            let mut leg = open.leg.stats();
            leg.set("peer", id.peer.to_string());
            leg.set("direction", format!("{:?}", id.direction).to_lowercase());
            leg.set("verified", open.verified);
            if let Some(estimate) = estimates.get(id) {
                leg.set("estimate", estimate / 1000);
            }
            for (kind, branch) in &open.branches {
                leg.set(format!("{kind}-sent"), branch.sent());
            }
            stats = stats.field(format!("leg-{}-{}", id.peer, id.number), leg);
        }
        stats.build()
    }

    /// Stops everything.
    pub(super) fn stop(mut self) {
        if let Some(mix) = self.mix.take() {
            mix.mixer.stop();
        }
        for id in self.legs.keys().cloned().collect::<Vec<_>>() {
            self.close_leg(&id);
        }
        for slot in self.slots.values() {
            if let Some(encoder) = slot.take_encoder() {
                encoder.stop();
            }
        }
        if let Some(bus) = self.pipeline.bus() {
            bus.unset_sync_handler();
        }
        self.wait_until_empty();
        let _already_stopped = self.pipeline.set_state(gst::State::Null);
    }

    /// Waits for the elements that [`lifecycle::dispose`] stops on other threads, so that nothing
    /// remains of a call that has been left.
    fn wait_until_empty(&self) {
        let (sender, removed) = std::sync::mpsc::channel();
        self.pipeline.connect_element_removed(move |_, _| {
            let _nobody_waits_any_more = sender.send(());
        });
        while !self.pipeline.children().is_empty() {
            if removed.recv_timeout(DISPOSAL_TIMEOUT).is_err() {
                gst::warning!(CAT, obj = self.pipeline, "some elements do not stop");
                return;
            }
        }
    }

    fn fanout(&mut self, participant: &ParticipantId, kind: Kind) -> Arc<Fanout> {
        self.fanouts
            .entry((participant.clone(), kind))
            .or_default()
            .clone()
    }
}

fn watch_errors(pipeline: &gst::Pipeline, output: &EngineSink) -> Result<(), glib::BoolError> {
    let bus = pipeline
        .bus()
        .ok_or_else(|| glib::bool_error!("a pipeline has a bus"))?;
    let output = output.clone();
    bus.set_sync_handler(move |_, message| {
        if let gst::MessageView::Error(error) = message.view()
            && let Some(source) = message.src()
        {
            let text = format!("{} ({})", error.error(), error.debug().unwrap_or_default());
            output(EngineOutput::Error(source.clone(), text));
        }
        gst::BusSyncReply::Drop
    });
    Ok(())
}
