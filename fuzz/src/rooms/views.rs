//! What each client believes of its call, from what it was told.

use std::collections::{BTreeMap, BTreeSet};

use acscall::signalling::message::{Participant, ParticipantId, ServerMessage};
use acscall::signalling::room::{Census, ConnectionId};

/// The views of those who have joined and are connected.
#[derive(Debug, Default)]
pub(super) struct Views {
    views: BTreeMap<ConnectionId, View>,
}

#[derive(Debug)]
struct View {
    call: String,
    own: ParticipantId,
    others: BTreeMap<ParticipantId, Participant>,
}

impl Views {
    pub(super) fn leave(&mut self, id: ConnectionId) {
        self.views.remove(&id);
    }

    pub(super) fn told(&mut self, id: ConnectionId, message: &ServerMessage) {
        match message {
            ServerMessage::Joined {
                call,
                resume,
                participants,
                ..
            } => {
                let others = participants
                    .iter()
                    .map(|p| (p.id.clone(), p.clone()))
                    .collect();
                let view = View {
                    call: call.clone(),
                    own: resume.participant.clone(),
                    others,
                };
                assert_eq!(view.others.len(), participants.len(), "{participants:?}");
                assert!(!view.others.contains_key(&view.own), "{participants:?}");
                assert!(self.views.insert(id, view).is_none(), "{id:?} joined twice");
            }
            ServerMessage::Participant { participant } => {
                let view = self.view(id);
                assert_ne!(participant.id, view.own);
                view.others
                    .insert(participant.id.clone(), participant.clone());
            }
            ServerMessage::ParticipantLeft { participant, .. } => {
                assert!(
                    self.view(id).others.remove(participant).is_some(),
                    "{participant}"
                );
            }
            ServerMessage::Signal { from, .. } => {
                let sender = self.view(id).others.get(from);
                assert!(sender.is_some_and(|sender| sender.connected), "{from}");
            }
            _ => {}
        }
    }

    /// All in a call know the same of each other, and the machine counts the same.
    pub(super) fn check(&self, census: &Census) {
        assert_eq!(
            self.views.len(),
            census.participants - census.participants_lost
        );
        let mut calls: BTreeMap<&str, &View> = BTreeMap::new();
        for view in self.views.values() {
            if let Some(other) = calls.insert(&view.call, view) {
                assert_eq!(view.members(), other.members(), "{}", view.call);
                assert!(view.others[&other.own].connected && other.others[&view.own].connected);
                for (id, participant) in &view.others {
                    if let Some(seen) = other.others.get(id) {
                        // What it wants it wants of each.
                        let wants = participant.wants.clone();
                        assert_eq!(
                            participant,
                            &Participant {
                                wants,
                                ..seen.clone()
                            }
                        );
                    }
                }
            }
        }
        let known: usize = calls.values().map(|view| view.members().len()).sum();
        assert!(known <= census.participants && calls.len() <= census.calls);
    }

    fn view(&mut self, id: ConnectionId) -> &mut View {
        self.views
            .get_mut(&id)
            .unwrap_or_else(|| panic!("{id:?} has not joined"))
    }
}

impl View {
    fn members(&self) -> BTreeSet<&ParticipantId> {
        self.others.keys().chain([&self.own]).collect()
    }
}
