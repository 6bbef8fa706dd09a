//! The legs to and from every participant.

mod local;
mod path;
mod patience;
mod remote;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::advertised::Roles;
use super::outbox::Outbox;
use super::roster::{Entry, Roster};
use super::timers::{Backoff, Timer, Timers};
use super::{Action, Direction, Event, LegId, ParticipantState};
use crate::model::{Candidate, IceServer, Kinds, LegNumber, Participant, ParticipantId};
use crate::rate_limit::{Quota, RateLimiter};
use crate::signalling::message::{ClientMessage, LegEnd, LegSignal, LegStep};
pub(super) use path::{LEAST_VIDEO, Path};
use patience::Patience;

/// How long after being told of a leg's failure its sender is told again, while it offers no new
/// one: what was on its way when a connection broke is lost, and nobody learns of it. That is
/// the time after which its sender tries again at the latest.
const REMINDED: Duration = Duration::from_secs(5);

/// How many candidates of each end a leg has: what the server lets through. It would close the
/// connection at one more.
const CANDIDATES: usize = 64;

/// Why a leg may not connect although there are TURN servers.
const NO_RELAY: &str = "no TURN server gave an address: it cannot be reached, or does not take \
                        the password, which is made with its secret and good for a limited time";

// A leg costs each end threads, some 10 ms of processor time and a dozen messages, and a peer causes
// one with each offer and each change of its roles. Unlimited, one peer could stall the call for
// everybody, and the server would close this connection for the messages that the legs take.

/// New legs with one participant, each way. A failed leg is replaced after 0.2 s or more, and an
/// application may change several codecs in a row.
const LEGS_PER_PEER: Quota = Quota {
    burst: 8,
    interval: Duration::from_secs(2),
};

/// New legs with all participants: a peer that leaves and rejoins is another participant each
/// time. Joining a full call makes 63 legs each way.
const LEGS_IN_ALL: Quota = Quota {
    burst: 128,
    interval: Duration::from_secs(1),
};

/// How many participants that left are remembered: as many as a call holds.
const REMEMBERED: usize = 64;

/// What the legs depend on, at one moment.
pub(super) struct Context<'a> {
    pub(super) now: Instant,
    /// The connection to the server is joined.
    pub(super) online: bool,
    pub(super) roles: Roles,
    /// The kinds that have a running source.
    pub(super) media: &'a Kinds,
    /// What new sending legs are taken to carry, in bit/s, until more is known.
    pub(super) start: u32,
    pub(super) roster: &'a Roster,
    pub(super) timers: &'a mut Timers,
    pub(super) out: &'a mut Outbox,
}

/// All legs: at most one each way with every participant.
#[derive(Debug)]
pub(super) struct Legs {
    legs: BTreeMap<(ParticipantId, Direction), Leg>,
    peers: BTreeMap<ParticipantId, Peer>,
    /// The highest number given to a sending leg. It never falls, so that a peer can tell the
    /// newest leg after any number of rejoins.
    last_number: LegNumber,
    ice_servers: Vec<IceServer>,
    /// The receiving legs from those who left last. A participant can come back after it was
    /// given up, not knowing that it was, and take its sending leg for a good one.
    left: VecDeque<(ParticipantId, LegNumber)>,
    new_legs: RateLimiter<Instant>,
}

#[derive(Debug)]
struct Leg {
    number: LegNumber,
    /// How long it may take to connect.
    limit: Duration,
    connected: Option<Instant>,
    /// The driver has the peer's description.
    described: bool,
    /// Candidates that came before the peer's description.
    held: Vec<Candidate>,
    /// How many candidates were sent to the peer.
    candidates: usize,
    /// A TURN server gave an address.
    has_relay: bool,
    fed: Kinds,
    /// What one of the ends cannot take.
    rejected: Kinds,
    /// Sending and connected: what the path carries.
    path: Option<Path>,
    /// Receiving: the sender said that the path is too slow for video.
    is_slow: bool,
    /// The application knows that the peer is reached.
    told: bool,
}

/// What outlives the legs with one participant.
#[derive(Debug)]
struct Peer {
    backoff: Backoff,
    patience: Patience,
    new_legs: RateLimiter<Instant>,
    /// The number of its last offer.
    last_offer: Option<LegNumber>,
    /// The receiving leg that this end gave up, and why; until the next offer.
    given_up: Option<(LegNumber, String)>,
}

impl Default for Legs {
    fn default() -> Legs {
        Legs {
            legs: BTreeMap::new(),
            peers: BTreeMap::new(),
            last_number: LegNumber::default(),
            ice_servers: Vec::new(),
            left: VecDeque::new(),
            new_legs: RateLimiter::new(LEGS_IN_ALL),
        }
    }
}

impl Default for Peer {
    fn default() -> Peer {
        Peer {
            backoff: Backoff::default(),
            patience: Patience::default(),
            new_legs: RateLimiter::new(LEGS_PER_PEER),
            last_offer: None,
            given_up: None,
        }
    }
}

impl Legs {
    /// What the legs made from now on gather candidates with.
    pub(super) fn set_ice_servers(&mut self, ice_servers: Vec<IceServer>) {
        self.ice_servers = ice_servers;
    }

    /// Whether the server named TURN servers.
    fn has_turn_servers(&self) -> bool {
        let mut urls = self.ice_servers.iter().flat_map(|server| &server.urls);
        urls.any(|url| url.starts_with("turn:") || url.starts_with("turns:"))
    }

    /// Compares the legs that are with those that should be, and changes that.
    pub(super) fn settle(&mut self, context: &mut Context<'_>) {
        let ids: Vec<LegId> = self.ids().collect();
        for id in ids {
            let entry = context.roster.get(&id.peer);
            if !entry.is_some_and(|entry| context.roles.need(&entry.info, id.direction)) {
                self.close(&id, context);
                if id.direction == Direction::Receive {
                    // In case that its sender does not hear of it before it is needed again.
                    self.give_up(&id.peer, id.number, "it was not needed".to_owned());
                }
            }
        }
        let roster = context.roster;
        for (peer, entry) in roster.iter() {
            if context.online && entry.state() == ParticipantState::Connected {
                self.tell_given_up(peer, entry, context);
                self.open_missing(peer, entry, context);
            }
            self.feed(peer, entry, context);
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

    /// A participant came that was not there before.
    pub(super) fn add_peer(&mut self, peer: &ParticipantId) {
        if let Some(at) = self.left.iter().position(|(left, _)| left == peer)
            && let Some((_, number)) = self.left.remove(at)
        {
            self.give_up(
                peer,
                number,
                "it was closed while its sender was gone".to_owned(),
            );
        }
    }

    /// The participant left.
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

    /// This end or the participant was away and is back. Steps of the sending leg may have been
    /// lost meanwhile: unless it is connected, the next one is made at once.
    pub(super) fn renew(&mut self, peer: &ParticipantId, context: &mut Context<'_>) {
        let leg = self.legs.get(&(peer.clone(), Direction::Send));
        if leg.is_some_and(|leg| leg.connected.is_none())
            && let Some(id) = self.id(peer, Direction::Send)
        {
            self.close(&id, context);
        }
        if let Some(known) = self.peers.get_mut(peer) {
            known.backoff.reset();
            known.patience = Patience::default();
        }
        context.stop_delays(peer);
    }

    /// Replaces all sending legs: what they offer has changed.
    pub(super) fn replace(&mut self, context: &mut Context<'_>) {
        let ids: Vec<LegId> = self.ids().collect();
        for id in ids.iter().filter(|id| id.direction == Direction::Send) {
            self.close(id, context);
        }
    }

    /// Lets the next sending leg come after a delay. Where the cause is likely to be there again
    /// (`repeats`), the delay is the longest at once.
    fn retry(&mut self, peer: &ParticipantId, leg: &Leg, repeats: bool, context: &mut Context<'_>) {
        let backoff = &mut self.peers.entry(peer.clone()).or_default().backoff;
        let held = leg
            .connected
            .map_or(Duration::ZERO, |at| context.now.duration_since(at));
        let delay = match repeats {
            true => backoff.longest(),
            false => backoff.after(held),
        };
        context
            .timers
            .set(Timer::Retry(peer.clone()), context.now + delay);
    }

    fn give_up(&mut self, peer: &ParticipantId, number: LegNumber, reason: String) {
        self.peers.entry(peer.clone()).or_default().given_up = Some((number, reason));
    }

    fn tell_given_up(&mut self, peer: &ParticipantId, entry: &Entry, context: &mut Context<'_>) {
        let timer = Timer::Remind(peer.clone());
        if context.roles.need(&entry.info, Direction::Receive)
            && !context.timers.runs(&timer)
            && let Some(known) = self.peers.get(peer)
            && let Some((number, reason)) = known.given_up.clone()
        {
            let id = LegId {
                peer: peer.clone(),
                direction: Direction::Receive,
                number,
            };
            context.signal(&id, LegStep::Failed(reason));
            context.timers.set(timer, context.now + REMINDED);
        }
    }

    fn open_missing(&mut self, peer: &ParticipantId, entry: &Entry, context: &mut Context<'_>) {
        if context.roles.need(&entry.info, Direction::Send)
            && self.id(peer, Direction::Send).is_none()
            && !context.timers.runs(&Timer::Retry(peer.clone()))
        {
            if let Err(later) = self.take_one(peer, context.now) {
                context.timers.set(Timer::Retry(peer.clone()), later);
                return;
            }
            self.last_number += 1;
            let number = self.last_number;
            let id = LegId {
                peer: peer.clone(),
                direction: Direction::Send,
                number,
            };
            self.open(&id, context);
        }
    }

    /// Whether one more leg may be made with this participant; an error says when.
    fn take_one(&mut self, peer: &ParticipantId, now: Instant) -> Result<(), Instant> {
        let known = self.peers.entry(peer.clone()).or_default();
        known.new_legs.try_acquire(1, now)?;
        self.new_legs.try_acquire(1, now)
    }

    fn feed(&mut self, peer: &ParticipantId, entry: &Entry, context: &mut Context<'_>) {
        let Some(leg) = self.legs.get_mut(&(peer.clone(), Direction::Send)) else {
            return;
        };
        let mut kinds = &entry.wants() - &leg.rejected;
        if let Some(path) = &mut leg.path {
            path.settle(&mut kinds, context.media);
        }
        if leg.connected.is_some() && leg.fed != kinds {
            leg.fed = kinds.clone();
            let number = leg.number;
            let id = LegId {
                peer: peer.clone(),
                direction: Direction::Send,
                number,
            };
            context.out.push(Action::Feed(id, kinds));
        }
        // After the feeding: who waits for this must not send too early.
        if leg.connected.is_some() && !std::mem::replace(&mut leg.told, true) {
            context.out.emit(Event::Reached(peer.clone()));
        }
        if let Some(id) = self.id(peer, Direction::Send) {
            self.tell_slowness(&id, context);
        }
    }

    fn open(&mut self, id: &LegId, context: &mut Context<'_>) {
        let known = self.peers.entry(id.peer.clone()).or_default();
        let limit = known.patience.limit(id.direction);
        let leg = Leg {
            number: id.number,
            limit,
            connected: None,
            described: false,
            held: Vec::new(),
            candidates: 0,
            has_relay: false,
            fed: Kinds::new(),
            rejected: Kinds::new(),
            path: None,
            is_slow: false,
            told: false,
        };
        self.legs.insert((id.peer.clone(), id.direction), leg);
        context
            .timers
            .set(Timer::Leg(id.clone()), context.now + limit);
        let ice_servers = self.ice_servers.clone();
        context.out.push(Action::OpenLeg {
            leg: id.clone(),
            ice_servers,
        });
    }

    fn close(&mut self, id: &LegId, context: &mut Context<'_>) -> Option<Leg> {
        if self.find(id)?.was_slow(id.direction) {
            // The next one begins anew.
            context.tell_slow(id, false);
        }
        context.timers.stop(&Timer::Leg(id.clone()));
        context.out.push(Action::CloseLeg(id.clone()));
        self.legs.remove(&(id.peer.clone(), id.direction))
    }

    /// The leg of this name, unless another one has replaced it.
    fn find(&mut self, id: &LegId) -> Option<&mut Leg> {
        self.legs
            .get_mut(&(id.peer.clone(), id.direction))
            .filter(|leg| leg.number == id.number)
    }

    fn id(&self, peer: &ParticipantId, direction: Direction) -> Option<LegId> {
        let number = self.legs.get(&(peer.clone(), direction))?.number;
        Some(LegId {
            peer: peer.clone(),
            direction,
            number,
        })
    }

    fn ids(&self) -> impl Iterator<Item = LegId> {
        self.legs.iter().map(|((peer, direction), leg)| LegId {
            peer: peer.clone(),
            direction: *direction,
            number: leg.number,
        })
    }
}

impl Roles {
    /// Whether there is to be a leg that way with this participant.
    fn need(self, peer: &Participant, direction: Direction) -> bool {
        match direction {
            Direction::Send => self.sends && peer.receives,
            Direction::Receive => self.receives && peer.sends,
        }
    }
}

impl Context<'_> {
    fn stop_delays(&mut self, peer: &ParticipantId) {
        self.timers.stop(&Timer::Retry(peer.clone()));
        self.timers.stop(&Timer::Remind(peer.clone()));
    }

    /// Sends a step to the leg's peer, if that can be reached.
    fn signal(&mut self, id: &LegId, step: LegStep) {
        let entry = self.roster.get(&id.peer);
        if !self.online || !entry.is_some_and(|e| e.state() == ParticipantState::Connected) {
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
