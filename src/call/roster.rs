//! The other participants of the call.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::outbox::Outbox;
use super::timers::{Timer, Timers};
use super::{Event, ParticipantState};
use crate::model::{Kind, Kinds, Participant, ParticipantId};

/// How long a participant that a new server instance does not know is kept: as long as a server
/// keeps one whose connection is lost, so that both cases look alike.
const KEPT: Duration = Duration::from_secs(30);

/// How long the wants sent to an earlier server instance stay in force. Participants repeat them
/// right after they rejoin; without this each stream would stop for that moment and need a key
/// frame.
const WANTS_HELD: Duration = Duration::from_secs(1);

/// The other participants, including those whose connection is lost.
#[derive(Debug, Default)]
pub(super) struct Roster {
    entries: BTreeMap<ParticipantId, Entry>,
    /// The number of streams that ever became available.
    streams: u64,
}

/// One participant.
#[derive(Debug)]
pub(super) struct Entry {
    /// The latest state that the server sent.
    pub(super) info: Participant,
    /// Whether the current server instance does not know it: it was in the call on an earlier one.
    kept: bool,
    /// The kinds that it requested from this end through an earlier server instance.
    held_wants: Kinds,
    /// The available kinds, each with its place in the order in which all streams became available.
    available: BTreeMap<Kind, u64>,
}

impl Entry {
    /// Returns its state in the call.
    pub(super) fn state(&self) -> ParticipantState {
        match self.info.connected && !self.kept {
            true => ParticipantState::Connected,
            false => ParticipantState::Connecting,
        }
    }

    /// Whether the current server instance does not know it, so that no message can mention it.
    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }

    /// Returns the kinds that it requests from this end.
    pub(super) fn wants(&self) -> Kinds {
        &self.info.wants | &self.held_wants
    }

    /// Returns the place of its stream of this kind in the order in which all became available.
    pub(super) fn available_since(&self, kind: Kind) -> Option<u64> {
        self.available.get(&kind).copied()
    }
}

/// What [`Roster::update`] changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Update {
    /// It was not in the call.
    pub(super) is_new: bool,
    /// Its connection was lost, and is there again.
    pub(super) is_back: bool,
    /// The current server instance did not know it.
    pub(super) is_new_to_server: bool,
}

impl Roster {
    pub(super) fn get(&self, id: &ParticipantId) -> Option<&Entry> {
        self.entries.get(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ParticipantId, &Entry)> {
        self.entries.iter()
    }

    /// Replaces what is known of one participant, and emits what changed.
    pub(super) fn update(
        &mut self,
        info: Participant,
        now: Instant,
        timers: &mut Timers,
        out: &mut Outbox,
    ) -> Update {
        let id = info.id.clone();
        let before = self.entries.get(&id).map(Entry::state);
        let entry = self.entries.entry(id.clone()).or_insert_with(|| Entry {
            info: info.clone(),
            kept: false,
            held_wants: Kinds::new(),
            available: BTreeMap::new(),
        });
        let was_kept = std::mem::take(&mut entry.kept);
        entry.info = info;
        timers.stop(&Timer::Kept(id.clone()));
        if !entry.held_wants.is_empty() {
            timers.set_once(Timer::HeldWants(id), now + WANTS_HELD);
        }

        let state = entry.state();
        if before != Some(state) {
            out.emit(Event::Participant(entry.info.clone(), state));
        }
        self.streams = entry.update_streams(self.streams, out);
        Update {
            is_new: before.is_none(),
            is_back: before == Some(ParticipantState::Connecting)
                && state == ParticipantState::Connected,
            is_new_to_server: was_kept,
        }
    }

    /// Holds the wants sent to an earlier server instance until the participants have repeated
    /// them to the new one.
    pub(super) fn hold_wants(&mut self) {
        for entry in self.entries.values_mut() {
            entry.held_wants = entry.wants();
        }
    }

    /// Ends [`Roster::hold_wants`] for one participant.
    pub(super) fn drop_held_wants(&mut self, id: &ParticipantId) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.held_wants.clear();
        }
    }

    /// Keeps a participant that the current server instance does not know, for a while.
    pub(super) fn keep(
        &mut self,
        id: &ParticipantId,
        now: Instant,
        timers: &mut Timers,
        out: &mut Outbox,
    ) {
        let Some(entry) = self.entries.get_mut(id) else {
            return;
        };
        let before = entry.state();
        entry.kept = true;
        entry.info.connected = false;
        timers.set_once(Timer::Kept(id.clone()), now + KEPT);
        if before == ParticipantState::Connected {
            out.emit(Event::Participant(
                entry.info.clone(),
                ParticipantState::Connecting,
            ));
        }
    }

    /// Removes a participant. Returns whether it was known.
    pub(super) fn remove(
        &mut self,
        id: &ParticipantId,
        timers: &mut Timers,
        out: &mut Outbox,
    ) -> bool {
        let Some(mut entry) = self.entries.remove(id) else {
            return false;
        };
        timers.stop(&Timer::Kept(id.clone()));
        timers.stop(&Timer::HeldWants(id.clone()));
        entry.info.connected = false;
        entry.info.media.clear();
        entry.update_streams(self.streams, out);
        out.emit(Event::Participant(
            entry.info,
            ParticipantState::Disconnected,
        ));
        true
    }
}

impl Entry {
    /// Emits the streams that became available or unavailable. Takes and returns the number of
    /// those that ever became available.
    fn update_streams(&mut self, mut count: u64, out: &mut Outbox) -> u64 {
        for kind in Kind::ALL {
            let available = self.info.media.contains(&kind);
            if available == self.available.contains_key(&kind) {
                continue;
            }
            if available {
                count += 1;
                self.available.insert(kind, count);
            } else {
                self.available.remove(&kind);
            }
            let participant = self.info.clone();
            out.emit(Event::Stream {
                participant,
                kind,
                available,
            });
        }
        count
    }
}
