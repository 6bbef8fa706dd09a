//! What a sending leg's path carries, and whether that is enough for video.

use std::time::{Duration, Instant};

use super::{Context, Legs};
use crate::call::bandwidth::{Estimator, PacketReport, START};
use crate::call::timers::Timer;
use crate::call::{Direction, Event, LegId};
use crate::model::{Kind, Kinds};
use crate::signalling::message::LegStep;

/// Below this, in bit/s, there is no picture worth the name.
pub(in crate::call) const LEAST_VIDEO: u32 = 150_000;
/// The estimate has to stay below that for this long: it may fall far for a moment.
const TOO_LONG: Duration = Duration::from_secs(5);
/// What brings video back, in bit/s: the least video and speech. With less it would go at once.
const ENOUGH: u32 = 200_000;
/// How often estimates grow for which no reports come.
const PASSES: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(in crate::call) struct Path {
    estimator: Estimator,
    /// What is put on the leg and has a running source.
    carries: Kinds,
    below_since: Option<Instant>,
    is_slow: bool,
    /// Both ends' applications know.
    told: bool,
}

impl Path {
    /// A path that is taken to carry this, in bit/s, until more is known.
    pub(in crate::call) fn new(start: u32) -> Path {
        Path {
            estimator: Estimator::new(start),
            carries: Kinds::new(),
            below_since: None,
            is_slow: false,
            told: false,
        }
    }

    pub(in crate::call) fn estimate(&self) -> u32 {
        self.estimator.estimate()
    }

    /// The part of the packets that is lost, from 0 to 1.
    pub(in crate::call) fn loss(&self) -> f64 {
        self.estimator.loss()
    }

    /// The kinds that share it.
    pub(in crate::call) fn carries(&self) -> &Kinds {
        &self.carries
    }

    pub(super) fn report(&mut self, packets: &[PacketReport], now: Instant) {
        self.estimator.report(packets, now);
    }

    /// Decides whether there is video on it; true where that changes.
    pub(super) fn changes(&mut self, now: Instant) -> bool {
        let estimate = self.estimate();
        let before = self.is_slow;
        if self.is_slow {
            self.is_slow = estimate < ENOUGH;
        } else if estimate < LEAST_VIDEO && self.carries.iter().any(|kind| is_video(*kind)) {
            let since = *self.below_since.get_or_insert(now);
            self.is_slow = now.saturating_duration_since(since) >= TOO_LONG;
        } else {
            self.below_since = None;
        }
        if before != self.is_slow {
            self.below_since = None;
        }
        before != self.is_slow
    }

    /// Takes off `kinds`, which is to be put on the leg, what the path is too slow for.
    pub(super) fn settle(&mut self, kinds: &mut Kinds, media: &Kinds) {
        if self.is_slow {
            kinds.retain(|kind| !is_video(*kind));
        }
        self.carries = &*kinds & media;
    }
}

fn is_video(kind: Kind) -> bool {
    match kind {
        Kind::Audio => false,
        Kind::Video | Kind::Screen => true,
    }
}

impl Legs {
    /// The paths of the connected sending legs.
    pub(in crate::call) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.legs.values().filter_map(|leg| leg.path.as_ref())
    }

    /// What the paths to the participants carry, in bit/s.
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

    /// Lets time pass for the estimates that no reports may come for.
    pub(in crate::call) fn pass(&mut self, now: Instant) {
        for path in self.legs.values_mut().filter_map(|leg| leg.path.as_mut()) {
            path.estimator.pass(now);
            path.changes(now);
        }
    }

    /// Makes sure that [`Legs::pass`] comes where it may change something.
    pub(super) fn watch_paths(&self, context: &mut Context<'_>) {
        if self.paths().any(|path| path.estimate() < START as u32) {
            context.timers.set_once(Timer::Paths, context.now + PASSES);
        }
    }

    /// Tells both ends where a sending leg has become too slow for video, or fast enough.
    pub(super) fn tell_slowness(&mut self, id: &LegId, context: &mut Context<'_>) {
        let Some(path) = self.find(id).and_then(|leg| leg.path.as_mut()) else {
            return;
        };
        let now = path.is_slow;
        if std::mem::replace(&mut path.told, now) != now {
            context.signal(id, LegStep::Slow(now));
            context.tell_slow(id, now);
        }
    }

    /// The sender of a receiving leg told so.
    pub(super) fn told_slow(&mut self, id: &LegId, now: bool, context: &mut Context<'_>) {
        if let Some(leg) = self.find(id)
            && std::mem::replace(&mut leg.is_slow, now) != now
        {
            context.tell_slow(id, now);
        }
    }
}

impl super::Leg {
    /// Whether the applications were told that it is too slow for video.
    pub(super) fn was_slow(&self, direction: Direction) -> bool {
        match direction {
            Direction::Send => self.path.as_ref().is_some_and(|path| path.told),
            Direction::Receive => self.is_slow,
        }
    }
}

impl Context<'_> {
    pub(super) fn tell_slow(&mut self, id: &LegId, slow: bool) {
        let Some(entry) = self.roster.get(&id.peer) else {
            return;
        };
        self.out.emit(Event::Slow {
            participant: entry.info.clone(),
            direction: id.direction,
            slow,
        });
    }
}
