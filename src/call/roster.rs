//! The other participants of the call.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::outbox::Outbox;
use super::timers::{Timer, Timers};
use super::{Event, ParticipantState};
use crate::model::{Kind, Kinds, Participant, ParticipantId};

/// How long a participant that a new server run does not know is kept: as long as a server keeps
/// one whose connection is lost, so that it makes no difference which of the two happened.
const KEPT: Duration = Duration::from_secs(30);

/// How long the wants told to an earlier server run stay in force. Everybody repeats them right
/// after coming back; without this each stream would stop for that moment and need a key frame.
const WANTS_REPEATED: Duration = Duration::from_secs(1);

/// Everybody else in the call, those included whose connection is lost.
#[derive(Debug, Default)]
pub(super) struct Roster {
    entries: BTreeMap<ParticipantId, Entry>,
    /// Counts streams that became available.
    streams: u64,
}

/// One participant.
#[derive(Debug)]
pub(super) struct Entry {
    /// As the server told it last.
    pub(super) info: Participant,
    /// The present server run does not know it: it was in the call on an earlier one.
    kept: bool,
    /// What it wanted from this end by way of an earlier server run.
    earlier_wants: Kinds,
    /// The available kinds, each with the place it has among all streams that came.
    available: BTreeMap<Kind, u64>,
}

impl Entry {
    /// How it stands to the call.
    pub(super) fn state(&self) -> ParticipantState {
        match self.info.connected && !self.kept {
            true => ParticipantState::Connected,
            false => ParticipantState::Connecting,
        }
    }

    /// Whether the present server run does not know it, so that nothing can be said about it.
    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }

    /// The kinds that it reads of this end.
    pub(super) fn wants(&self) -> Kinds {
        &self.info.wants | &self.earlier_wants
    }

    /// The place of its stream of this kind in the order in which all became available.
    pub(super) fn available_since(&self, kind: Kind) -> Option<u64> {
        self.available.get(&kind).copied()
    }
}

/// What [`Roster::update`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Update {
    /// It was not there.
    pub(super) is_new: bool,
    /// It was there with its connection lost, and is connected again.
    pub(super) is_back: bool,
    /// The present server run did not know it until now.
    pub(super) is_new_to_server: bool,
}

impl Roster {
    pub(super) fn get(&self, id: &ParticipantId) -> Option<&Entry> {
        self.entries.get(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ParticipantId, &Entry)> {
        self.entries.iter()
    }

    /// Takes in what the server says of one participant.
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
            earlier_wants: Kinds::new(),
            available: BTreeMap::new(),
        });
        let was_kept = std::mem::take(&mut entry.kept);
        entry.info = info;
        timers.stop(&Timer::Gone(id.clone()));
        if !entry.earlier_wants.is_empty() {
            timers.set_once(Timer::Wants(id), now + WANTS_REPEATED);
        }

        let state = entry.state();
        if before != Some(state) {
            out.emit(Event::Participant(entry.info.clone(), state));
        }
        self.streams = entry.compare_streams(self.streams, out);
        Update {
            is_new: before.is_none(),
            is_back: before == Some(ParticipantState::Connecting)
                && state == ParticipantState::Connected,
            is_new_to_server: was_kept,
        }
    }

    /// Another server run has taken over: what this end's peers told the earlier one is held
    /// until they have said it again.
    pub(super) fn hold_wants(&mut self) {
        for entry in self.entries.values_mut() {
            entry.earlier_wants = entry.wants();
        }
    }

    /// Ends [`Roster::hold_wants`] for one participant.
    pub(super) fn drop_held_wants(&mut self, id: &ParticipantId) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.earlier_wants.clear();
        }
    }

    /// Keeps a participant that the present server run does not know, for a while.
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
        timers.set_once(Timer::Gone(id.clone()), now + KEPT);
        if before == ParticipantState::Connected {
            out.emit(Event::Participant(
                entry.info.clone(),
                ParticipantState::Connecting,
            ));
        }
    }

    /// A participant is gone for good. Returns whether it was known.
    pub(super) fn remove(
        &mut self,
        id: &ParticipantId,
        timers: &mut Timers,
        out: &mut Outbox,
    ) -> bool {
        let Some(mut entry) = self.entries.remove(id) else {
            return false;
        };
        timers.stop(&Timer::Gone(id.clone()));
        timers.stop(&Timer::Wants(id.clone()));
        entry.info.connected = false;
        entry.info.media.clear();
        entry.compare_streams(self.streams, out);
        out.emit(Event::Participant(
            entry.info,
            ParticipantState::Disconnected,
        ));
        true
    }
}

impl Entry {
    /// Tells which streams came and went. Takes and returns the count of those that ever came.
    fn compare_streams(&mut self, mut count: u64, out: &mut Outbox) -> u64 {
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
