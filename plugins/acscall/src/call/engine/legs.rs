//! The legs of a call's pipeline: opened, verified, fed, closed.

use std::collections::BTreeMap;
use std::sync::Arc;

use acscall::call::{Direction, LegFailure, LegId};
use acscall::model::{Candidate, IceServer, Kind, Kinds, ParticipantId};
use gst::glib;
use gst::prelude::*;

use super::leg::Leg;
use super::payload_branch::PayloadBranch;
use super::receive::Decoder;
use super::{Engine, EngineOutput};

/// A leg, and what hangs on it.
pub(super) struct OpenLeg {
    pub(super) leg: Box<dyn Leg>,
    /// Sending: what can be put on it.
    pub(super) lines: BTreeMap<Kind, Arc<PayloadBranch>>,
    /// Sending: the kinds that are put on it.
    pub(super) fed: Kinds,
    /// Receiving: what comes off it.
    pub(super) decoders: BTreeMap<Kind, Decoder>,
    pub(super) verified: bool,
    /// Streams that arrived before the peer was verified.
    held: Vec<(Kind, gst::Pad, gst::PadProbeId)>,
}

impl Engine {
    /// Makes a leg.
    pub(in crate::call) fn open_leg(
        &mut self,
        id: &LegId,
        ice: &[IceServer],
    ) -> Result<(), LegFailure> {
        let output = {
            let (output, id) = (self.output.clone(), id.clone());
            Arc::new(move |told| output(EngineOutput::Leg(id.clone(), told)))
        };
        let leg = self.maker.open(id, &self.codecs, ice, output)?;
        let lines = match leg.direction() {
            Direction::Send => lines(&*leg).map_err(|e| LegFailure::Connection(e.to_string()))?,
            Direction::Receive => BTreeMap::new(),
        };
        let open = OpenLeg {
            leg,
            lines,
            fed: Kinds::new(),
            decoders: BTreeMap::new(),
            verified: false,
            held: Vec::new(),
        };
        self.legs.insert(id.clone(), open);
        Ok(())
    }

    /// Gives the leg its peer's offer or answer.
    pub(in crate::call) fn set_remote_description(
        &mut self,
        id: &LegId,
        sdp: &str,
    ) -> Result<(), LegFailure> {
        match self.legs.get_mut(id) {
            Some(open) => open.leg.set_remote_description(sdp),
            None => Ok(()),
        }
    }

    /// Gives the leg one of its peer's candidates.
    pub(in crate::call) fn add_candidate(&self, id: &LegId, candidate: &Candidate) {
        if let Some(open) = self.legs.get(id) {
            open.leg.add_candidate(candidate);
        }
    }

    /// Compares the peer's certificate with its description; what it sent meanwhile is let in.
    pub(in crate::call) fn verify(&mut self, id: &LegId) -> Result<(), LegFailure> {
        let Some(open) = self.legs.get_mut(id) else {
            return Ok(());
        };
        open.leg.verify()?;
        open.verified = true;
        // Without it the sender reports, by which receivers align audio and video, have no time.
        let _no_sink_answered = self.pipeline.recalculate_latency();
        for (kind, pad, gate) in std::mem::take(&mut open.held) {
            self.receive(id, kind, &pad, gate)?;
        }
        Ok(())
    }

    /// Those who get what is sent.
    pub(in crate::call) fn reached(&self) -> impl Iterator<Item = &ParticipantId> {
        let verified = self.legs.iter().filter(|(_, open)| open.verified);
        verified
            .filter(|(id, _)| id.direction == Direction::Send)
            .map(|(id, _)| &id.peer)
    }

    /// Takes the stream that began to arrive, as soon as its sender is verified.
    pub(in crate::call) fn stream_arrived(
        &mut self,
        id: &LegId,
        kind: Kind,
        pad: gst::Pad,
        gate: gst::PadProbeId,
    ) -> Result<(), LegFailure> {
        match self.legs.get_mut(id) {
            Some(open) if open.verified => self.receive(id, kind, &pad, gate),
            Some(open) => {
                open.held.push((kind, pad, gate));
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn receive(
        &mut self,
        id: &LegId,
        kind: Kind,
        pad: &gst::Pad,
        gate: gst::PadProbeId,
    ) -> Result<(), LegFailure> {
        let fanout = self.fanout(&id.peer, kind);
        let name = format!("decoder-{kind}-{}-{}", id.peer, id.number);
        let decoder = Decoder::start(&name, pad, &self.pipeline, fanout)
            .map_err(|error| LegFailure::Connection(error.to_string()))?;
        if let Some(open) = self.legs.get_mut(id) {
            open.decoders.insert(kind, decoder);
        }
        pad.remove_probe(gate);
        Ok(())
    }

    /// Drops the leg.
    pub(in crate::call) fn close_leg(&mut self, id: &LegId) {
        let Some(open) = self.legs.remove(id) else {
            return;
        };
        for kind in open.lines.keys() {
            self.share_lines(*kind);
        }
        // The leg first: with it stopped nothing comes into the decoders any more.
        open.leg.close();
        for decoder in open.decoders.into_values() {
            decoder.stop();
        }
    }

    /// Puts exactly these streams on a sending leg.
    pub(in crate::call) fn feed(&mut self, id: &LegId, kinds: &Kinds) {
        let Some(open) = self.legs.get_mut(id) else {
            return;
        };
        let before = std::mem::replace(&mut open.fed, kinds.clone());
        for kind in kinds.difference(&before) {
            if let Some(line) = open.lines.get(kind) {
                line.restart();
            }
        }
        let changed: Vec<Kind> = before.symmetric_difference(kinds).copied().collect();
        for kind in changed {
            self.share_lines(kind);
        }
    }

    /// Tells a stream's slot and encoder which legs carry it now.
    fn share_lines(&self, kind: Kind) {
        let Some(slot) = self.slots.get(&kind) else {
            return;
        };
        let lines = self.fed_lines(kind);
        slot.set_wanted(!lines.is_empty());
        if let Some(encoder) = slot.encoder() {
            encoder.set_lines(lines);
        }
    }

    pub(super) fn fed_lines(&self, kind: Kind) -> Vec<Arc<PayloadBranch>> {
        self.legs
            .values()
            .filter(|open| open.fed.contains(&kind))
            .filter_map(|open| open.lines.get(&kind).cloned())
            .collect()
    }
}

fn lines(leg: &dyn Leg) -> Result<BTreeMap<Kind, Arc<PayloadBranch>>, glib::BoolError> {
    Kind::ALL
        .into_iter()
        .filter_map(|kind| leg.line(kind).map(|sink| (kind, sink)))
        .map(|(kind, sink)| Ok((kind, PayloadBranch::new(kind, &sink)?)))
        .collect()
}
