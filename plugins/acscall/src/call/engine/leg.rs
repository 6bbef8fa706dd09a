//! The seam between the engine and what carries a leg's media.
//!
//! webrtcbin is the only carrier today ([`super::webrtc`]); others (WHIP and WHEP, Janus,
//! LiveKit) are one-way too and plug in here.

use std::sync::Arc;

use acscall::call::{Direction, LegFailure, LegId};
use acscall::model::{Candidate, IceServer, Kind};

use super::codec::Codecs;

/// Makes legs.
pub(super) trait LegMaker: Send {
    /// Makes a leg. A sending one offers these codecs. It goes on to make its offer, a receiving one waits for it.
    fn open(
        &self,
        id: &LegId,
        codecs: &Codecs,
        ice_servers: &[IceServer],
        output: LegSink,
    ) -> Result<Box<dyn Leg>, LegFailure>;
}

/// One one-way connection to a peer.
pub(super) trait Leg: Send {
    /// Which way media goes.
    fn direction(&self) -> Direction;

    /// Takes the peer's offer or answer.
    fn set_remote_description(&mut self, sdp: &str) -> Result<(), LegFailure>;

    /// Takes one of the peer's candidates.
    fn add_candidate(&self, candidate: &Candidate);

    /// Tells, once connected, whether the peer is the one that its description names.
    fn verify(&self) -> Result<(), LegFailure>;

    /// The sink pad that takes the encoded frames of this kind, on a sending leg.
    fn line(&self, kind: Kind) -> Option<gst::Pad>;

    /// Whether `object` is part of this leg.
    fn owns(&self, object: &gst::Object) -> bool;

    /// For people and programs that look for faults.
    fn stats(&self) -> gst::Structure;

    /// Stops and frees everything, off the calling thread where that takes time.
    fn close(self: Box<Self>);
}

/// What a leg tells, from any thread.
#[derive(Debug)]
pub(in crate::call) enum LegOutput {
    /// This end's offer or answer.
    Description(String),
    /// A candidate of this end.
    Candidate(Candidate),
    /// One of the ends cannot take this kind. Says why.
    Rejected(Kind, String),
    /// The receiver of a sending leg reported these packets.
    Report(Vec<Packet>),
    /// The transport is up; [`Leg::verify`] can answer.
    Connected,
    /// The leg is of no use any more.
    Failed(LegFailure),
    /// The RTP of a line began to arrive. It is held by the probe until that is removed.
    Stream {
        /// Which line.
        kind: Kind,
        /// The pad it comes out of.
        pad: gst::Pad,
        /// The blocking probe on `pad`.
        gate: gst::PadProbeId,
    },
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::call) struct Packet {
    /// When it was sent, by the system clock.
    pub(in crate::call) sent: gst::ClockTime,
    /// When it arrived, by the receiver's clock, if it did.
    pub(in crate::call) arrived: Option<gst::ClockTime>,
    /// The length of its RTP payload, in bytes.
    pub(in crate::call) size: usize,
}

/// Takes what a leg tells. Never blocks.
pub(super) type LegSink = Arc<dyn Fn(LegOutput) + Send + Sync>;
