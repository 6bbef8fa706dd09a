//! The interface between the engine and the implementation of legs.

use std::collections::BTreeMap;
use std::sync::Arc;

use acscall::call::{Direction, LegFailure};
use acscall::model::{Candidate, IceServer, Kind};

use super::codec::Codec;

/// Makes legs.
pub(super) trait LegMaker: Send {
    /// Makes a leg. If this end offers, the leg goes on to make its offer; otherwise it waits for
    /// the peer's.
    fn open(&self, config: LegConfig<'_>, output: LegSink) -> Result<Box<dyn Leg>, LegFailure>;
}

/// The form of a leg. It never changes.
pub(super) struct LegConfig<'a> {
    pub(super) direction: Direction,
    pub(super) offer: Offer,
    pub(super) ice_servers: &'a [IceServer],
}

/// The end that offers a leg, and the leg's tracks in the order of its m-lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// This end offers these tracks, at most one of each kind.
    Local(Vec<Track>),
    /// The peer offers tracks of these kinds and chooses their mids and codecs.
    Remote(Vec<Kind>),
}

/// A media track of a leg: one m-line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Track {
    pub(super) mid: Mid,
    pub(super) kind: Kind,
    pub(super) codec: Codec,
}

/// Identifies a track within a leg: the `a=mid` of its m-line (RFC 5888).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::call) struct Mid(pub(super) String);

/// A one-way connection to a peer.
pub(super) trait Leg: Send {
    /// Returns the direction of the media.
    fn direction(&self) -> Direction;

    /// Returns the kind of each track. If the peer offers, there are no tracks before its offer.
    fn tracks(&self) -> BTreeMap<Mid, Kind>;

    /// Sets the peer's offer or answer.
    fn set_remote_description(&mut self, sdp: &str) -> Result<(), LegFailure>;

    /// Adds one of the peer's candidates.
    fn add_candidate(&self, candidate: &Candidate);

    /// Checks that the peer of a connected leg has the certificate that its description names.
    fn verify(&self) -> Result<(), LegFailure>;

    /// Returns the sink pad that takes the encoded frames of a track, on a sending leg.
    fn sink_pad(&self, mid: &Mid) -> Option<gst::Pad>;

    /// Whether `object` is part of this leg.
    fn owns(&self, object: &gst::Object) -> bool;

    /// Returns the leg's statistics, for diagnosis.
    fn stats(&self) -> gst::Structure;

    /// Stops the leg and frees its resources, on another thread where that takes time.
    fn close(self: Box<Self>);
}

/// An event of a leg, sent from any thread.
#[derive(Debug)]
pub(in crate::call) enum LegOutput {
    /// This end's offer or answer is ready.
    Description(String),
    /// This end has found a candidate.
    Candidate(Candidate),
    /// One of the ends cannot handle this kind, for this reason.
    Rejected(Kind, String),
    /// The receiver of a sending leg reported these packets.
    Report(Vec<Packet>),
    /// The transport is connected, and [`Leg::verify`] can be called.
    Connected,
    /// The leg has failed for good.
    Failed(LegFailure),
    /// The first packet of a track has arrived.
    Stream(ReceivedStream),
}

/// A track whose RTP has begun to arrive. The packets wait until the probe is removed.
#[derive(Debug)]
pub(in crate::call) struct ReceivedStream {
    pub(super) mid: Mid,
    /// The source pad that the packets come from.
    pub(super) pad: gst::Pad,
    /// The blocking probe on `pad`.
    pub(super) gate: gst::PadProbeId,
}

/// The fate of a sent packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::call) struct Packet {
    /// The time of sending, by the system clock.
    pub(in crate::call) sent: gst::ClockTime,
    /// The time of arrival, by the receiver's clock. `None` if the packet was lost.
    pub(in crate::call) arrived: Option<gst::ClockTime>,
    /// The length of its RTP payload, in bytes.
    pub(in crate::call) size: usize,
}

/// Receives a leg's events. Never blocks.
pub(super) type LegSink = Arc<dyn Fn(LegOutput) + Send + Sync>;
