//! When a leg that is missing or has failed is replaced.

use std::time::{Duration, Instant};

use super::connect_timeout::ConnectTimeout;
use super::leg::Leg;
use super::{Context, Legs};
use crate::backoff::Backoff;
use crate::call::timers::Timer;
use crate::call::{Direction, LegId};
use crate::model::{LegNumber, ParticipantId};
use crate::rate_limit::{Quota, RateLimiter};
use crate::signalling::message::LegStep;

/// How often a sender is reminded that its leg failed, while it offers no new one: the message may
/// have been lost with a connection. This is also the longest delay before a sender tries again.
pub(super) const REMINDER_INTERVAL: Duration = Duration::from_secs(5);

// A leg costs each end threads, some 10 ms of processor time and a dozen messages, and a peer
// causes one with each offer and each change of its roles. Unlimited, one peer could stall the call
// for everybody, and the server would close this connection for the messages that the legs take.

/// New legs with one participant, both directions together. A failed leg is replaced after 0.2 s or more, and an
/// application may change several codecs in a row.
const LEGS_PER_PEER: Quota = Quota {
    burst: 8,
    interval: Duration::from_secs(2),
};

/// New legs with all participants: a peer that leaves and rejoins is another participant each
/// time. Joining a full call makes 63 legs each way.
pub(super) const LEGS_IN_TOTAL: Quota = Quota {
    burst: 128,
    interval: Duration::from_secs(1),
};

/// What outlives the legs with one participant.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) backoff: Backoff,
    pub(super) connect_timeout: ConnectTimeout,
    new_legs: RateLimiter<Instant>,
    /// The number of its last offer.
    pub(super) last_offer: Option<LegNumber>,
    /// The receiving leg that this end gave up, and why. Cleared by the next offer.
    pub(super) given_up: Option<(LegNumber, String)>,
}

impl Default for Peer {
    fn default() -> Peer {
        Peer {
            backoff: Backoff::default(),
            connect_timeout: ConnectTimeout::default(),
            new_legs: RateLimiter::new(LEGS_PER_PEER),
            last_offer: None,
            given_up: None,
        }
    }
}

impl Legs {
    /// Opens the sending leg to `peer` if it is needed, missing and not delayed.
    pub(super) fn open_missing(&mut self, peer: &ParticipantId, context: &mut Context<'_>) {
        if context.topology.needs_leg(peer, Direction::Send)
            && self.id(peer, Direction::Send).is_none()
            && !context.timers.runs(&Timer::Retry(peer.clone()))
        {
            if let Err(later) = self.try_acquire(peer, context.now) {
                context.timers.set(Timer::Retry(peer.clone()), later);
                return;
            }
            self.last_number += 1;
            let id = LegId {
                peer: peer.clone(),
                direction: Direction::Send,
                number: self.last_number,
            };
            self.open(&id, context);
        }
    }

    /// Counts one more leg with this participant. The error is the time at which it is allowed.
    pub(super) fn try_acquire(
        &mut self,
        peer: &ParticipantId,
        now: Instant,
    ) -> Result<(), Instant> {
        let known = self.peers.entry(peer.clone()).or_default();
        known.new_legs.try_acquire(1, now)?;
        self.new_legs.try_acquire(1, now)
    }

    /// Delays the sending leg that replaces `leg`. If the cause of the failure is likely to be
    /// there again (`repeats`), the delay is the longest one.
    pub(super) fn retry(
        &mut self,
        peer: &ParticipantId,
        leg: &Leg,
        repeats: bool,
        context: &mut Context<'_>,
    ) {
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

    /// Remembers that this end gave up the receiving leg `number`. Its sender is informed by
    /// [`Legs::report_given_up`].
    pub(super) fn give_up(&mut self, peer: &ParticipantId, number: LegNumber, reason: String) {
        self.peers.entry(peer.clone()).or_default().given_up = Some((number, reason));
    }

    /// Informs the sender of a receiving leg that was given up, and reminds it later.
    pub(super) fn report_given_up(&mut self, peer: &ParticipantId, context: &mut Context<'_>) {
        let timer = Timer::Remind(peer.clone());
        if context.topology.needs_leg(peer, Direction::Receive)
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
            context.timers.set(timer, context.now + REMINDER_INTERVAL);
        }
    }
}
