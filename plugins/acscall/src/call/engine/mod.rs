//! The call's own pipeline: legs, encoders, decoders and the mixer, on the system clock.
//!
//! Owned by the driver's thread. An application's pipelines can stop, be replaced or break
//! without touching it.

mod codec;
mod colorimetry;
mod decoder_chain;
mod encode;
mod encoder_chain;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod key_frame_requests;
mod leg;
mod legs;
mod mix;
mod payload_branch;
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
pub(crate) use codec::{Codec, MissingElement};
pub(super) use encode::Encoder;
pub(super) use encoder_chain::Rate;
use leg::LegMaker;
pub(super) use leg::{LegOutput, Packet};
use legs::OpenLeg;
pub(super) use mix::MIX_LATENCY;
use mix::Mixer;
use receive::Fanout;
pub(super) use webrtc::WarmUp;

/// Elements stop within some milliseconds; one that takes this long is stuck.
const DISPOSAL_TIMEOUT: Duration = Duration::from_secs(2);

/// What the engine tells its driver, from any thread.
#[derive(Debug)]
pub(super) enum EngineOutput {
    /// Of one leg.
    Leg(LegId, LegOutput),
    /// An element of the pipeline failed.
    Error(gst::Object, String),
}

/// Takes what the engine tells. Never blocks.
pub(super) type EngineSink = Arc<dyn Fn(EngineOutput) + Send + Sync>;

/// See the module.
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
    latency: Arc<OnceLock<u32>>,
    /// Names the mixer's own readings; application readers count up from 0.
    next_mix_reader: u64,
}

struct Mix {
    mixer: Mixer,
    output: Arc<Fanout>,
    readers: BTreeSet<ReaderId>,
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

    /// Makes the encoder of a stream that somebody wants and whose first buffer is there.
    pub(super) fn make_encoder(&self, kind: Kind) -> Result<(), glib::BoolError> {
        if let (Some(slot), Some(codec)) = (self.slots.get(&kind), self.codecs.get(&kind)) {
            let lines = self.fed_lines(kind);
            let encoder = Encoder::start(kind, *codec, slot.rate(), &self.pipeline, lines)?;
            slot.set_encoder(encoder);
        }
        Ok(())
    }

    /// Lets legs made from now on offer this codec; true where it is another than before.
    pub(super) fn set_codec(&mut self, kind: Kind, codec: Codec) -> bool {
        if self.codecs.insert(kind, codec) == Some(codec) {
            return false;
        }
        // The next buffer makes another.
        if let Some(encoder) = self.slots.get(&kind).and_then(|slot| slot.take_encoder()) {
            encoder.stop();
        }
        true
    }

    /// Sets how fast a stream is encoded, from now on.
    pub(super) fn set_rate(&self, kind: Kind, rate: Rate) {
        if let Some(slot) = self.slots.get(&kind) {
            slot.set_rate(rate);
        }
    }

    /// Binds a reader to a stream, or to none.
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

    /// Gives a reader the mix, which starts with the first one.
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

    /// Ends what [`Engine::bind`] and [`Engine::read_mix`] began. The mix stops with its last.
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

    /// Frees what was kept for a participant that is gone.
    pub(super) fn forget(&mut self, participant: &ParticipantId) {
        self.fanouts.retain(|(id, _), _| id != participant);
    }

    /// What an element's failure means: the leg that it ends, if any. A failed encoder is
    /// dropped; the next buffer makes another.
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

    /// The engine's part of the property `stats`.
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
                    .filter(|p| p.encoder().is_some())
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
            for (kind, line) in &open.lines {
                leg.set(format!("{kind}-sent"), line.sent());
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

    /// Waits for what [`dispose`] stops on other threads: when a call is left nothing of it is.
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

/// A sink pad without a parent, as a test harness has them: it needs neither states nor a thread
/// of its own. Whoever makes it has to hold it. Without a template, a pad would refuse caps
/// other than its first.
fn loose_sink_pad(caps: &gst::Caps) -> Result<gst::PadBuilder<gst::Pad>, glib::BoolError> {
    let (sink, always) = (gst::PadDirection::Sink, gst::PadPresence::Always);
    let template = gst::PadTemplate::new("sink", sink, always, caps)?;
    Ok(gst::Pad::builder_from_template(&template))
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

/// Stops an element off this thread, then takes it out of its pipeline: stopping waits for the
/// element's streaming threads.
fn dispose(element: &impl IsA<gst::Element>) {
    dispose_with(element, None);
}

/// The same of one that is linked to a pad without a parent. The pad is kept until it is done: it
/// would be unlinked when it is freed, which posts two messages, and a bin that is freed in
/// between keeps the first for ever.
fn dispose_with(element: &impl IsA<gst::Element>, linked: impl Into<Option<gst::Pad>>) {
    let element = element.upcast_ref::<gst::Element>();
    let linked = linked.into();
    element.set_locked_state(true);
    element.call_async(move |element| {
        stop_and_remove(element);
        drop(linked);
    });
}

/// Waits for the element's streaming threads: not on one of them, and in
/// `call_async`, since another one within that may wait for this thread for ever.
fn stop_and_remove(element: &gst::Element) {
    let _already_stopped = element.set_state(gst::State::Null);
    if let Some(pipeline) = element.parent().and_downcast::<gst::Bin>() {
        let _already_removed = pipeline.remove(element);
    }
}
