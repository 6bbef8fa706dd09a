//! The legs to and from every participant.
//!
//! [`Topology`] says which legs are needed and what they are fed with. This module opens, feeds,
//! closes and replaces them accordingly.

mod connect_timeout;
mod leg;
mod local;
mod path;
mod remote;
mod replacement;

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use super::outbox::Outbox;
use super::timers::{Timer, Timers};
use super::topology::Topology;
use super::{Action, Direction, Event, LegId};
use crate::model::{IceServer, LegNumber, ParticipantId};
use crate::rate_limit::RateLimiter;
use crate::signalling::message::{ClientMessage, LegEnd, LegSignal, LegStep};
use connect_timeout::ConnectTimeout;
use leg::Leg;
pub(super) use path::{LEAST_VIDEO, Path};
use replacement::{LEGS_IN_TOTAL, Peer};

/// The most candidates that a leg takes from each end. The server closes the connection of a
/// client that sends more.
const CANDIDATES: usize = 64;

/// The number of participants remembered after they left: as many as a call holds.
const REMEMBERED: usize = 64;

/// What the legs depend on, at one moment.
pub(super) struct Context<'a> {
    pub(super) now: Instant,
    /// Whether this end is joined, so that messages can be sent.
    pub(super) online: bool,
    pub(super) topology: Topology<'a>,
    /// The first estimate of a new sending leg, in bit/s.
    pub(super) start_bitrate: u32,
    pub(super) timers: &'a mut Timers,
    pub(super) out: &'a mut Outbox,
}

/// All legs: at most one each way with every participant.
#[derive(Debug)]
pub(super) struct Legs {
    legs: BTreeMap<(ParticipantId, Direction), Leg>,
    peers: BTreeMap<ParticipantId, Peer>,
    /// The highest number given to a sending leg. It never falls, so that a peer recognises the
    /// newest leg after any number of rejoins.
    last_number: LegNumber,
    ice_servers: Vec<IceServer>,
    /// The receiving legs of the participants that left last. A participant can come back without
    /// having noticed that it was removed, and take its sending leg for a working one.
    left: VecDeque<(ParticipantId, LegNumber)>,
    new_legs: RateLimiter<Instant>,
}

impl Default for Legs {
    fn default() -> Legs {
        Legs {
            legs: BTreeMap::new(),
            peers: BTreeMap::new(),
            last_number: LegNumber::default(),
            ice_servers: Vec::new(),
            left: VecDeque::new(),
            new_legs: RateLimiter::new(LEGS_IN_TOTAL),
        }
    }
}

impl Legs {
    /// Sets the servers with which new legs gather candidates.
    pub(super) fn set_ice_servers(&mut self, ice_servers: Vec<IceServer>) {
        self.ice_servers = ice_servers;
    }

    /// Opens, feeds and closes legs so that they match the topology.
    pub(super) fn reconcile(&mut self, context: &mut Context<'_>) {
        let topology = context.topology;
        let ids: Vec<LegId> = self.ids().collect();
        for id in ids {
            if !topology.needs_leg(&id.peer, id.direction) {
                self.close(&id, context);
                if id.direction == Direction::Receive {
                    // Its sender may not learn of this before the leg is needed again.
                    self.give_up(&id.peer, id.number, "it was not needed".to_owned());
                }
            }
        }
        for (peer, _) in topology.roster.iter() {
            if context.can_signal(peer) {
                self.report_given_up(peer, context);
                self.open_missing(peer, context);
            }
            self.feed(peer, context);
        }
        self.watch_paths(context);
    }

    /// Closes all legs, and forgets what is known of their peers.
    pub(super) fn close_all(&mut self, context: &mut Context<'_>) {
        let ids: Vec<LegId> = self.ids().collect();
        for id in ids {
            self.close(&id, context);
        }
        for peer in std::mem::take(&mut self.peers).into_keys() {
            context.stop_delays(&peer);
        }
    }

    /// Handles a participant that was not in the call before.
    pub(super) fn add_peer(&mut self, peer: &ParticipantId) {
        if let Some(at) = self.left.iter().position(|(left, _)| left == peer)
            && let Some((_, number)) = self.left.remove(at)
        {
            let reason = "it was closed while its sender was gone".to_owned();
            self.give_up(peer, number, reason);
        }
    }

    /// Closes the legs of a participant that left.
    pub(super) fn remove_peer(&mut self, peer: &ParticipantId, context: &mut Context<'_>) {
        if let Some(id) = self.id(peer, Direction::Send) {
            self.close(&id, context);
        }
        let mut last = None;
        if let Some(id) = self.id(peer, Direction::Receive) {
            self.close(&id, context);
            last = Some(id.number);
        }
        if let Some(known) = self.peers.remove(peer) {
            last = last.or(known.given_up.map(|(number, _)| number));
        }
        if let Some(number) = last {
            if self.left.len() == REMEMBERED {
                self.left.pop_front();
            }
            self.left.push_back((peer.clone(), number));
        }
        context.stop_delays(peer);
    }

    /// Handles the return of this end or of the participant. Messages about the sending leg may
    /// have been lost: unless it is connected, it is replaced at once.
    pub(super) fn renew(&mut self, peer: &ParticipantId, context: &mut Context<'_>) {
        let leg = self.legs.get(&(peer.clone(), Direction::Send));
        if leg.is_some_and(|leg| leg.connected.is_none())
            && let Some(id) = self.id(peer, Direction::Send)
        {
            self.close(&id, context);
        }
        if let Some(known) = self.peers.get_mut(peer) {
            known.backoff.reset();
            known.connect_timeout = ConnectTimeout::default();
        }
        context.stop_delays(peer);
    }

    /// Closes all sending legs, which are then replaced: their offers have changed.
    pub(super) fn replace(&mut self, context: &mut Context<'_>) {
        let ids: Vec<LegId> = self.ids().collect();
        for id in ids.iter().filter(|id| id.direction == Direction::Send) {
            self.close(id, context);
        }
    }

    /// Puts on the sending leg to `peer` what the peer requests and the leg can carry.
    fn feed(&mut self, peer: &ParticipantId, context: &mut Context<'_>) {
        let Some(id) = self.id(peer, Direction::Send) else {
            return;
        };
        let Some(leg) = self.find(&id) else { return };
        let mut kinds = &context.topology.requested_by(peer) - &leg.rejected;
        if let Some(path) = &mut leg.path {
            kinds = path.carry(kinds, context.topology);
        }
        if leg.connected.is_some() && leg.fed != kinds {
            leg.fed = kinds.clone();
            context.out.push(Action::Feed(id.clone(), kinds));
        }
        // After the leg is fed: an application that waits for this may send at once.
        if leg.connected.is_some() && !std::mem::replace(&mut leg.is_reached, true) {
            context.out.emit(Event::Reached(peer.clone()));
        }
        self.report_slow(&id, context);
    }
}

impl Context<'_> {
    fn stop_delays(&mut self, peer: &ParticipantId) {
        self.timers.stop(&Timer::Retry(peer.clone()));
        self.timers.stop(&Timer::Remind(peer.clone()));
    }

    /// Whether a message to `peer` can be sent and delivered.
    fn can_signal(&self, peer: &ParticipantId) -> bool {
        self.online && self.topology.is_reachable(peer)
    }

    /// Sends a step to the leg's peer, if the peer can be reached.
    fn signal(&mut self, id: &LegId, step: LegStep) {
        if !self.can_signal(&id.peer) {
            return;
        }
        let by = match id.direction {
            Direction::Send => LegEnd::Sender,
            Direction::Receive => LegEnd::Receiver,
        };
        let signal = LegSignal {
            leg: id.number,
            by,
            step,
        };
        self.out.send(ClientMessage::Signal {
            to: id.peer.clone(),
            signal,
        });
    }
}
