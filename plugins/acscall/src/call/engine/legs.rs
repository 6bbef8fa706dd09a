//! The legs of a call's pipeline: opened, verified, fed, closed.

use std::collections::BTreeMap;
use std::sync::Arc;

use acscall::call::{Direction, LegFailure, LegId};
use acscall::model::{Candidate, IceServer, Kind, Kinds, ParticipantId};
use gst::glib;
use gst::prelude::*;

use super::leg::{Leg, LegConfig, Mid, Offer, ReceivedStream, Track};
use super::lifecycle::unique_name;
use super::payload_branch::PayloadBranch;
use super::receive::Decoder;
use super::{Engine, EngineOutput, EngineSink};

/// A leg and the elements and pads linked to it.
pub(super) struct OpenLeg {
    pub(super) leg: Box<dyn Leg>,
    /// Sending: a branch for each kind that the leg can carry.
    pub(super) branches: BTreeMap<Kind, Arc<PayloadBranch>>,
    /// Sending: the kinds that the leg carries now.
    pub(super) fed: Kinds,
    /// Receiving: the stream that each track carries.
    streams: BTreeMap<Mid, (ParticipantId, Kind)>,
    /// Receiving: the decoder of each track that has begun.
    pub(super) decoders: BTreeMap<Mid, Decoder>,
    pub(super) verified: bool,
    /// Tracks that began before the peer was verified.
    held: Vec<ReceivedStream>,
}

impl Engine {
    /// Opens a leg. The sender offers one track of each kind.
    pub(in crate::call) fn open_leg(
        &mut self,
        id: &LegId,
        ice_servers: &[IceServer],
    ) -> Result<(), LegFailure> {
        let output = {
            let (output, id) = (self.output.clone(), id.clone());
            Arc::new(move |event| output(EngineOutput::Leg(id.clone(), event)))
        };
        let config = LegConfig {
            direction: id.direction,
            offer: match id.direction {
                Direction::Send => Offer::Local(self.offered_tracks()),
                Direction::Receive => Offer::Remote(Kind::ALL.into()),
            },
            ice_servers,
        };
        let leg = self.maker.open(config, output)?;
        let branches = match leg.direction() {
            Direction::Send => branches(&*leg, &self.output),
            Direction::Receive => Ok(BTreeMap::new()),
        };
        let branches = match branches {
            Ok(branches) => branches,
            Err(error) => {
                leg.close();
                return Err(LegFailure::Connection(error.to_string()));
            }
        };
        let open = OpenLeg {
            leg,
            branches,
            fed: Kinds::new(),
            streams: BTreeMap::new(),
            decoders: BTreeMap::new(),
            verified: false,
            held: Vec::new(),
        };
        self.legs.insert(id.clone(), open);
        Ok(())
    }

    /// Returns the tracks of an offer, with the mids that webrtcbin gives to them by default.
    fn offered_tracks(&self) -> Vec<Track> {
        let codecs = self.codecs.iter().enumerate();
        let tracks = codecs.map(|(line, (kind, codec))| Track {
            mid: Mid(format!("{}{line}", codec.media())),
            kind: *kind,
            codec: *codec,
        });
        tracks.collect()
    }

    /// Sets the peer's offer or answer.
    pub(in crate::call) fn set_remote_description(
        &mut self,
        id: &LegId,
        sdp: &str,
    ) -> Result<(), LegFailure> {
        let Some(open) = self.legs.get_mut(id) else {
            return Ok(());
        };
        open.leg.set_remote_description(sdp)?;
        if open.leg.direction() == Direction::Receive {
            let tracks = open.leg.tracks().into_iter();
            open.streams = tracks
                .map(|(mid, kind)| (mid, (id.peer.clone(), kind)))
                .collect();
        }
        Ok(())
    }

    /// Adds one of the peer's candidates.
    pub(in crate::call) fn add_candidate(&self, id: &LegId, candidate: &Candidate) {
        if let Some(open) = self.legs.get(id) {
            open.leg.add_candidate(candidate);
        }
    }

    /// Compares the peer's certificate with its description. If they match, starts to receive the
    /// tracks that have begun meanwhile.
    pub(in crate::call) fn verify(&mut self, id: &LegId) -> Result<(), LegFailure> {
        let Some(open) = self.legs.get_mut(id) else {
            return Ok(());
        };
        open.leg.verify()?;
        open.verified = true;
        // Without it, RTCP sender reports have no time, and receivers cannot align audio and video.
        let _no_sink_answered = self.pipeline.recalculate_latency();
        for stream in std::mem::take(&mut open.held) {
            self.receive(id, stream)?;
        }
        Ok(())
    }

    /// Returns the participants that receive what is sent.
    pub(in crate::call) fn reached(&self) -> impl Iterator<Item = &ParticipantId> {
        let verified = self.legs.iter().filter(|(_, open)| open.verified);
        verified
            .filter(|(id, _)| id.direction == Direction::Send)
            .map(|(id, _)| &id.peer)
    }

    /// Receives a track that has begun, as soon as its sender is verified.
    pub(in crate::call) fn stream_arrived(
        &mut self,
        id: &LegId,
        stream: ReceivedStream,
    ) -> Result<(), LegFailure> {
        match self.legs.get_mut(id) {
            Some(open) if open.verified => self.receive(id, stream),
            Some(open) => {
                open.held.push(stream);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn receive(&mut self, id: &LegId, stream: ReceivedStream) -> Result<(), LegFailure> {
        let ReceivedStream { mid, pad, gate } = stream;
        let failed = |text: String| LegFailure::Connection(format!("track {}: {text}", mid.0));
        let open = self.legs.get(id);
        let Some((participant, kind)) = open.and_then(|open| open.streams.get(&mid)) else {
            return Err(failed("media of an unknown track arrived".into()));
        };
        if open.is_some_and(|open| open.decoders.contains_key(&mid)) {
            return Err(failed("a second stream arrived".into()));
        }
        let (participant, kind) = (participant.clone(), *kind);
        let fanout = self.fanout(&participant, kind);
        let name = unique_name(&format!("decoder-{kind}-{participant}"));
        let decoder = Decoder::start(&name, &pad, &self.pipeline, fanout)
            .map_err(|error| failed(error.to_string()))?;
        if let Some(open) = self.legs.get_mut(id) {
            open.decoders.insert(mid, decoder);
        }
        pad.remove_probe(gate);
        Ok(())
    }

    /// Closes the leg.
    pub(in crate::call) fn close_leg(&mut self, id: &LegId) {
        let Some(open) = self.legs.remove(id) else {
            return;
        };
        for kind in open.branches.keys() {
            self.update_branches(*kind);
        }
        // The leg first: once it has stopped, nothing enters the decoders any more.
        open.leg.close();
        for decoder in open.decoders.into_values() {
            decoder.stop();
        }
    }

    /// Sends exactly these kinds over a sending leg.
    pub(in crate::call) fn feed(&mut self, id: &LegId, kinds: &Kinds) {
        let Some(open) = self.legs.get_mut(id) else {
            return;
        };
        let before = std::mem::replace(&mut open.fed, kinds.clone());
        for kind in kinds.difference(&before) {
            if let Some(branch) = open.branches.get(kind) {
                branch.restart();
                (self.output)(EngineOutput::KeyFrameRequested(*kind));
            }
        }
        let changed: Vec<Kind> = before.symmetric_difference(kinds).copied().collect();
        for kind in changed {
            self.update_branches(kind);
        }
    }

    /// Whether a receiver of the stream waits for a key frame.
    pub(in crate::call) fn awaits_key_frame(&self, kind: Kind) -> bool {
        let branches = self.fed_branches(kind);
        branches.iter().any(|branch| branch.awaits_key_frame())
    }

    /// Updates the branches that a stream's encoder feeds, and whether the stream is wanted.
    fn update_branches(&self, kind: Kind) {
        let Some(slot) = self.slots.get(&kind) else {
            return;
        };
        let branches = self.fed_branches(kind);
        slot.set_wanted(!branches.is_empty());
        if let Some(encoder) = slot.encoder() {
            encoder.set_branches(branches);
        }
    }

    pub(super) fn fed_branches(&self, kind: Kind) -> Vec<Arc<PayloadBranch>> {
        self.legs
            .values()
            .filter(|open| open.fed.contains(&kind))
            .filter_map(|open| open.branches.get(&kind).cloned())
            .collect()
    }
}

fn branches(
    leg: &dyn Leg,
    output: &EngineSink,
) -> Result<BTreeMap<Kind, Arc<PayloadBranch>>, glib::BoolError> {
    leg.tracks()
        .into_iter()
        .filter_map(|(mid, kind)| leg.sink_pad(&mid).map(|sink| (kind, sink)))
        .map(|(kind, sink)| {
            let output = output.clone();
            let requested = move || output(EngineOutput::KeyFrameRequested(kind));
            Ok((kind, PayloadBranch::new(kind, &sink, requested)?))
        })
        .collect()
}
