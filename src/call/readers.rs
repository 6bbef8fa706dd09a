//! The streams that the readers are bound to.

use std::collections::{BTreeMap, BTreeSet};

use super::outbox::Outbox;
use super::roster::{Entry, Roster};
use super::{Action, ParticipantState, ReaderId, Selector, session_name};
use crate::model::{Kind, Participant, ParticipantId};

/// The readers and their streams.
#[derive(Debug, Default)]
pub(super) struct Readers {
    readers: BTreeMap<ReaderId, Reader>,
    mixed: BTreeSet<ParticipantId>,
}

#[derive(Debug)]
struct Reader {
    selector: Selector,
    bound: Option<ParticipantId>,
}

impl Readers {
    pub(super) fn add(&mut self, id: ReaderId, selector: Selector) {
        self.readers.insert(
            id,
            Reader {
                selector,
                bound: None,
            },
        );
    }

    pub(super) fn remove(&mut self, id: ReaderId) {
        self.readers.remove(&id);
    }

    /// Binds the readers to the streams that they should have.
    pub(super) fn reconcile(&mut self, roster: &Roster, own_user: &str, out: &mut Outbox) {
        for (id, reader) in &mut self.readers {
            let Some(kind) = kind(&reader.selector) else {
                continue;
            };
            let bound = reader.resolve(roster).cloned();
            if bound != reader.bound {
                reader.bound = bound.clone();
                out.push(Action::Bind(
                    *id,
                    bound.map(|participant| (participant, kind)),
                ));
            }
        }

        let mixed = match self
            .readers
            .values()
            .any(|r| r.selector == Selector::MixedAudio)
        {
            true => roster
                .iter()
                .filter(|(_, entry)| entry.info.sends && entry.info.user != own_user)
                .map(|(id, _)| id.clone())
                .collect(),
            false => BTreeSet::new(),
        };
        if mixed != self.mixed {
            self.mixed = mixed;
            out.push(Action::Mix(self.mixed.clone()));
        }
    }

    /// Returns the streams that readers are bound to.
    pub(super) fn bound(&self) -> impl Iterator<Item = (&ParticipantId, Kind)> {
        let readers = self.readers.values();
        readers.filter_map(|reader| Some((reader.bound.as_ref()?, kind(&reader.selector)?)))
    }

    /// Returns the participants whose audio is mixed.
    pub(super) fn mixed(&self) -> &BTreeSet<ParticipantId> {
        &self.mixed
    }
}

impl Reader {
    /// Returns the participant whose stream it should have.
    fn resolve<'a>(&self, roster: &'a Roster) -> Option<&'a ParticipantId> {
        match &self.selector {
            Selector::MixedAudio => None,
            // A session can be listed twice while its earlier connection is lost. The connected
            // one comes first, then the one that the reader has.
            Selector::Of { session, .. } => roster
                .iter()
                .filter(|(_, entry)| name(&entry.info) == *session)
                .max_by_key(|(id, entry)| {
                    let connected = entry.state() == ParticipantState::Connected;
                    (connected, self.bound.as_ref() == Some(*id))
                })
                .map(|(id, _)| id),
            Selector::Any { kind } => roster
                .iter()
                .find(|(id, _)| self.bound.as_ref() == Some(*id))
                .or_else(|| first_available(roster, *kind))
                .map(|(id, _)| id),
        }
    }
}

fn first_available(roster: &Roster, kind: Kind) -> Option<(&ParticipantId, &Entry)> {
    roster
        .iter()
        .filter_map(|(id, entry)| Some((entry.available_since(kind)?, (id, entry))))
        .min_by_key(|(since, _)| *since)
        .map(|(_, found)| found)
}

fn kind(selector: &Selector) -> Option<Kind> {
    match selector {
        Selector::MixedAudio => None,
        Selector::Of { kind, .. } | Selector::Any { kind } => Some(*kind),
    }
}

fn name(participant: &Participant) -> String {
    session_name(&participant.user, participant.session)
}
