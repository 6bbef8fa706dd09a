//! The machine's timers and delays.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::LegId;
use crate::model::ParticipantId;

/// What the machine waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The first join has taken too long.
    GiveUp,
    /// The server has to have answered.
    Handshake,
    /// The next connection to the server.
    Reconnect,
    /// The server has to have ended the call for everybody.
    Leave,
    /// A call that rang before the connection was lost has to have been told again.
    Rung,
    /// A participant that the new server run does not know has to have come.
    Gone(ParticipantId),
    /// A participant has to have told the new server run what it wants.
    Wants(ParticipantId),
    /// The leg has to be connected.
    Leg(LegId),
    /// Estimates that no reports may come for have to grow.
    Paths,
    /// The next sending leg to a participant.
    Retry(ParticipantId),
    /// A participant has to have offered the next leg.
    Remind(ParticipantId),
}

/// The timers that run. Few enough that the earliest is found by looking at all.
#[derive(Debug, Default)]
pub(super) struct Timers {
    running: BTreeMap<Timer, Instant>,
}

impl Timers {
    /// Starts `timer`, or moves it.
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        self.running.insert(timer, at);
    }

    /// Starts `timer` unless it runs.
    pub(super) fn set_once(&mut self, timer: Timer, at: Instant) {
        self.running.entry(timer).or_insert(at);
    }

    pub(super) fn stop(&mut self, timer: &Timer) {
        self.running.remove(timer);
    }

    pub(super) fn stop_all(&mut self) {
        self.running.clear();
    }

    pub(super) fn runs(&self, timer: &Timer) -> bool {
        self.running.contains_key(timer)
    }

    /// When the earliest is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.running.values().min().copied()
    }

    /// Takes out the earliest that is due at `now`.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Timer> {
        let (timer, _) = self
            .running
            .iter()
            .filter(|(_, at)| **at <= now)
            .min_by_key(|(_, at)| **at)?;
        let timer = timer.clone();
        self.running.remove(&timer);
        Some(timer)
    }
}

/// Growing delays between attempts at the same thing.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The delay after the first failure: a server that restarts or a peer that changes its
    /// network is back within that, and the user hardly notices.
    const FIRST: Duration = Duration::from_millis(200);
    /// The longest delay: what comes back after hours is in use again within seconds, and what
    /// never does costs next to nothing.
    const LONGEST: Duration = Duration::from_secs(5);
    /// What held for this long was good: the next failure has nothing to do with the last one.
    const GOOD: Duration = Duration::from_secs(10);

    /// The delay after a failure of something that had worked for `held`.
    pub(super) fn after(&mut self, held: Duration) -> Duration {
        if held >= Self::GOOD {
            self.reset();
        }
        let delay = Self::FIRST
            .saturating_mul(2_u32.saturating_pow(self.failures))
            .min(Self::LONGEST);
        self.failures = self.failures.saturating_add(1);
        delay
    }

    /// The delay after a failure that will most likely repeat: the longest, now and from now on.
    pub(super) fn longest(&mut self) -> Duration {
        self.failures = u32::MAX;
        Self::LONGEST
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}
