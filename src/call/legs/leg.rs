//! One leg, and how legs are opened, found and closed.

use std::time::{Duration, Instant};

use super::{Context, Legs, Path};
use crate::call::timers::Timer;
use crate::call::{Action, Direction, LegId};
use crate::model::{Candidate, Kinds, LegNumber, ParticipantId};

#[derive(Debug)]
pub(super) struct Leg {
    pub(super) number: LegNumber,
    /// How long it may take to connect.
    pub(super) timeout: Duration,
    pub(super) connected: Option<Instant>,
    /// Whether the driver has the peer's description.
    pub(super) has_remote_description: bool,
    /// Candidates that arrived before the peer's description.
    pub(super) pending_candidates: Vec<Candidate>,
    /// The number of candidates sent to the peer.
    pub(super) candidates_sent: usize,
    /// Whether a TURN server gave an address.
    pub(super) has_relay: bool,
    pub(super) fed: Kinds,
    /// The kinds that one of the ends cannot take.
    pub(super) rejected: Kinds,
    /// The path of a connected sending leg.
    pub(super) path: Option<Path>,
    /// Whether the sender of a receiving leg said that the path is too slow for video.
    pub(super) is_slow: bool,
    /// Whether the application knows that the peer is reached.
    pub(super) is_reached: bool,
}

impl Leg {
    fn new(number: LegNumber, timeout: Duration) -> Leg {
        Leg {
            number,
            timeout,
            connected: None,
            has_remote_description: false,
            pending_candidates: Vec::new(),
            candidates_sent: 0,
            has_relay: false,
            fed: Kinds::new(),
            rejected: Kinds::new(),
            path: None,
            is_slow: false,
            is_reached: false,
        }
    }
}

impl Legs {
    pub(super) fn open(&mut self, id: &LegId, context: &mut Context<'_>) {
        let known = self.peers.entry(id.peer.clone()).or_default();
        let timeout = known.connect_timeout.next(id.direction);
        let leg = Leg::new(id.number, timeout);
        self.legs.insert((id.peer.clone(), id.direction), leg);
        context
            .timers
            .set(Timer::LegConnect(id.clone()), context.now + timeout);
        context.out.push(Action::OpenLeg {
            leg: id.clone(),
            ice_servers: self.ice_servers.clone(),
        });
    }

    pub(super) fn close(&mut self, id: &LegId, context: &mut Context<'_>) -> Option<Leg> {
        if self.find(id)?.is_known_as_slow(id.direction) {
            // The next leg starts without that state.
            context.emit_slow(id, false);
        }
        context.timers.stop(&Timer::LegConnect(id.clone()));
        context.out.push(Action::CloseLeg(id.clone()));
        self.legs.remove(&(id.peer.clone(), id.direction))
    }

    /// Returns the leg with this id, unless another one has replaced it.
    pub(super) fn find(&mut self, id: &LegId) -> Option<&mut Leg> {
        self.legs
            .get_mut(&(id.peer.clone(), id.direction))
            .filter(|leg| leg.number == id.number)
    }

    /// Returns the id of the leg with `peer` in this direction.
    pub(super) fn id(&self, peer: &ParticipantId, direction: Direction) -> Option<LegId> {
        let number = self.legs.get(&(peer.clone(), direction))?.number;
        Some(LegId {
            peer: peer.clone(),
            direction,
            number,
        })
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = LegId> {
        self.legs.iter().map(|((peer, direction), leg)| LegId {
            peer: peer.clone(),
            direction: *direction,
            number: leg.number,
        })
    }
}
