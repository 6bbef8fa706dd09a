//! The machine's timers and delays.

use std::collections::BTreeMap;
use std::time::Instant;

use super::LegId;
use crate::model::ParticipantId;

/// The timers, each named after what is due when it expires.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The first join has taken too long.
    FirstJoin,
    /// The server has not answered in time.
    Handshake,
    /// The next connection to the server is opened.
    Reconnect,
    /// The server has not ended the call for everyone in time.
    Leave,
    /// Calls that rang before the connection was lost, and that the server has not announced
    /// again, have ended.
    MissingIncoming,
    /// A participant that the new server instance does not know has left.
    Kept(ParticipantId),
    /// Kinds that a participant requested from an earlier server instance, and not from the new
    /// one, are no longer sent.
    HeldWants(ParticipantId),
    /// A leg has not connected in time.
    LegConnect(LegId),
    /// Estimates without reports grow.
    PathGrowth,
    /// The next sending leg to a participant may be opened.
    Retry(ParticipantId),
    /// A participant is reminded to offer the next leg.
    Remind(ParticipantId),
}

/// The running timers. They are so few that a linear search finds the earliest.
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

    /// Returns when the earliest timer expires.
    pub(super) fn next(&self) -> Option<Instant> {
        self.running.values().min().copied()
    }

    /// Removes and returns the earliest timer that has expired at `now`.
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
