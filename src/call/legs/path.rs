//! What a sending leg's path carries, and whether that is enough for video.

use std::time::{Duration, Instant};

use super::{Context, Leg, Legs};
use crate::call::bandwidth::{Estimator, PacketReport, START};
use crate::call::timers::Timer;
use crate::call::topology::Topology;
use crate::call::{Direction, Event, LegId};
use crate::model::{Kind, Kinds};
use crate::signalling::message::LegStep;

/// The lowest useful bit rate of video, in bit/s. A path that carries less is too slow for it.
pub(in crate::call) const LEAST_VIDEO: u32 = 150_000;
/// How long the estimate has to stay below that: it may fall far for a moment.
const SLOW_AFTER: Duration = Duration::from_secs(5);
/// The estimate that brings video back, in bit/s: the least video and speech. Less would stop it
/// again at once.
const FAST_AGAIN: u32 = 200_000;
/// How often estimates without reports grow.
const GROWTH_INTERVAL: Duration = Duration::from_secs(1);

/// The path of a connected sending leg.
#[derive(Debug)]
pub(in crate::call) struct Path {
    estimator: Estimator,
    /// The kinds that are fed to the leg and have a running source.
    carries: Kinds,
    below_since: Option<Instant>,
    is_slow: bool,
    /// Whether the applications of both ends know the path as too slow.
    is_known_as_slow: bool,
}

impl Path {
    /// A path with this first estimate, in bit/s.
    pub(in crate::call) fn new(start_bitrate: u32) -> Path {
        Path {
            estimator: Estimator::new(start_bitrate),
            carries: Kinds::new(),
            below_since: None,
            is_slow: false,
            is_known_as_slow: false,
        }
    }

    /// Returns what the path carries, in bit/s.
    pub(in crate::call) fn estimate(&self) -> u32 {
        self.estimator.estimate()
    }

    /// Returns the fraction of packets that is lost, from 0 to 1.
    pub(in crate::call) fn loss(&self) -> f64 {
        self.estimator.loss()
    }

    /// Returns the kinds that share the path.
    pub(in crate::call) fn carries(&self) -> &Kinds {
        &self.carries
    }

    pub(super) fn report(&mut self, packets: &[PacketReport], now: Instant) {
        self.estimator.report(packets, now);
    }

    /// Decides whether the path is too slow for video. Returns whether that has changed.
    pub(super) fn update_slow(&mut self, now: Instant) -> bool {
        let estimate = self.estimate();
        let before = self.is_slow;
        if self.is_slow {
            self.is_slow = estimate < FAST_AGAIN;
        } else if estimate < LEAST_VIDEO && self.carries.iter().any(|kind| is_video(*kind)) {
            let since = *self.below_since.get_or_insert(now);
            self.is_slow = now.saturating_duration_since(since) >= SLOW_AFTER;
        } else {
            self.below_since = None;
        }
        if before != self.is_slow {
            self.below_since = None;
        }
        before != self.is_slow
    }

    /// Returns those of `kinds` that the path is fast enough for, and carries them from now on.
    pub(super) fn carry(&mut self, mut kinds: Kinds, topology: Topology<'_>) -> Kinds {
        if self.is_slow {
            kinds.retain(|kind| !is_video(*kind));
        }
        self.carries = topology.active(&kinds);
        kinds
    }
}

fn is_video(kind: Kind) -> bool {
    match kind {
        Kind::Audio => false,
        Kind::Video | Kind::Screen => true,
    }
}

impl Legs {
    /// Returns the paths of the connected sending legs.
    pub(in crate::call) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.legs.values().filter_map(|leg| leg.path.as_ref())
    }

    /// Returns what each path carries, in bit/s.
    pub(in crate::call) fn estimates(&self) -> impl Iterator<Item = (LegId, u32)> {
        let legs = self.legs.iter();
        legs.filter_map(|((peer, direction), leg)| {
            let id = LegId {
                peer: peer.clone(),
                direction: *direction,
                number: leg.number,
            };
            Some((id, leg.path.as_ref()?.estimate()))
        })
    }

    /// Lets the estimates grow that get no reports.
    pub(in crate::call) fn advance_paths(&mut self, now: Instant) {
        for path in self.legs.values_mut().filter_map(|leg| leg.path.as_mut()) {
            path.estimator.advance(now);
            path.update_slow(now);
        }
    }

    /// Schedules [`Legs::advance_paths`] if it may change something.
    pub(super) fn watch_paths(&self, context: &mut Context<'_>) {
        if self.paths().any(|path| path.estimate() < START as u32) {
            let next = context.now + GROWTH_INTERVAL;
            context.timers.set_once(Timer::PathGrowth, next);
        }
    }

    /// Notifies both ends when a sending leg has become too slow for video, or fast enough.
    pub(super) fn report_slow(&mut self, id: &LegId, context: &mut Context<'_>) {
        let Some(path) = self.find(id).and_then(|leg| leg.path.as_mut()) else {
            return;
        };
        let is_slow = path.is_slow;
        if std::mem::replace(&mut path.is_known_as_slow, is_slow) != is_slow {
            context.signal(id, LegStep::Slow(is_slow));
            context.emit_slow(id, is_slow);
        }
    }

    /// Handles the sender's word that a receiving leg is too slow for video, or fast enough.
    pub(super) fn remote_slow(&mut self, id: &LegId, is_slow: bool, context: &mut Context<'_>) {
        if let Some(leg) = self.find(id)
            && std::mem::replace(&mut leg.is_slow, is_slow) != is_slow
        {
            context.emit_slow(id, is_slow);
        }
    }
}

impl Leg {
    /// Whether the application knows the leg as too slow for video.
    pub(super) fn is_known_as_slow(&self, direction: Direction) -> bool {
        match direction {
            Direction::Send => self.path.as_ref().is_some_and(|path| path.is_known_as_slow),
            Direction::Receive => self.is_slow,
        }
    }
}

impl Context<'_> {
    pub(super) fn emit_slow(&mut self, id: &LegId, slow: bool) {
        let Some(entry) = self.topology.roster.get(&id.peer) else {
            return;
        };
        self.out.emit(Event::Slow {
            participant: entry.info.clone(),
            direction: id.direction,
            slow,
        });
    }
}
