//! Each client's view of its call, from the messages that it received.

use std::collections::{BTreeMap, BTreeSet};

use acscall::model::{CalleeState, Participant, ParticipantId};
use acscall::signalling::message::ServerMessage;
use acscall::signalling::room::{ConnectionId, Stats};

/// The views of the connected participants.
#[derive(Debug, Default)]
pub(super) struct Views {
    views: BTreeMap<ConnectionId, View>,
    /// The calls placed on this run of the server.
    placed: BTreeSet<String>,
}

#[derive(Debug)]
struct View {
    call: String,
    own: ParticipantId,
    others: BTreeMap<ParticipantId, Participant>,
    /// The users being rung.
    ringing: BTreeSet<String>,
}

impl Views {
    /// Returns whether it was in a call.
    pub(super) fn leave(&mut self, id: ConnectionId) -> bool {
        self.views.remove(&id).is_some()
    }

    /// Returns the call of a connection.
    pub(super) fn call(&self, id: ConnectionId) -> Option<&str> {
        Some(&self.views.get(&id)?.call)
    }

    /// Records whether a call was placed or restored from another run of the server.
    pub(super) fn set_placed(&mut self, call: &str, is_placed: bool) {
        match is_placed {
            true => self.placed.insert(call.to_owned()),
            false => self.placed.remove(call),
        };
    }

    /// Returns the users being rung for each call, as its participants know them.
    pub(super) fn ringing(&self) -> BTreeSet<(&str, &str)> {
        let views = self.views.values();
        views.flat_map(View::ringing).collect()
    }

    /// Whether all participants of a call know that `user` is being rung.
    pub(super) fn knows_ringing(&self, call: &str, user: &str) -> bool {
        let mut views = self.views.values().filter(|view| view.call == call);
        views.all(|view| view.ringing.contains(user))
    }

    pub(super) fn receive(&mut self, id: ConnectionId, message: &ServerMessage) {
        match message {
            ServerMessage::Joined {
                call,
                resume,
                participants,
                ringing,
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
                    ringing: ringing.iter().cloned().collect(),
                };
                assert_eq!(view.ringing.len(), ringing.len(), "{ringing:?}");
                assert_eq!(view.others.len(), participants.len(), "{participants:?}");
                assert!(!view.others.contains_key(&view.own), "{participants:?}");
                assert!(self.views.insert(id, view).is_none(), "{id:?} joined twice");
            }
            ServerMessage::Participant { participant } => {
                let view = self.view(id);
                assert_ne!(participant.id, view.own);
                assert!(
                    !view.ringing.contains(&participant.user),
                    "{participant:?} came and is being rung"
                );
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
            ServerMessage::Callee { user, state } => {
                let view = self.view(id);
                let rang = view.ringing.remove(user);
                match state {
                    CalleeState::Ringing => {
                        view.ringing.insert(user.clone());
                    }
                    // For users that never rang, or that are in the call.
                    CalleeState::Busy | CalleeState::Unknown => assert!(!rang, "{user}"),
                    _ => assert!(rang, "{user} is {state:?} and was not rung"),
                }
            }
            _ => {}
        }
    }

    /// Checks that all participants of a call have the same view, and that the machine's counts
    /// agree.
    pub(super) fn check(&self, stats: &Stats) {
        assert_eq!(
            self.views.len(),
            stats.participants - stats.participants_lost
        );
        let mut calls: BTreeMap<&str, &View> = BTreeMap::new();
        for view in self.views.values() {
            let is_alone = view.others.is_empty() && view.ringing.is_empty();
            let is_abandoned = is_alone && self.placed.contains(&view.call);
            assert!(
                !is_abandoned,
                "{} continues with one participant",
                view.call
            );
            if let Some(other) = calls.insert(&view.call, view) {
                assert_eq!(view.members(), other.members(), "{}", view.call);
                assert_eq!(view.ringing, other.ringing, "{}", view.call);
                assert!(view.others[&other.own].connected && other.others[&view.own].connected);
                for (id, participant) in &view.others {
                    if let Some(seen) = other.others.get(id) {
                        // Wants are per participant.
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
        assert!(known <= stats.participants && calls.len() <= stats.calls);
    }

    fn view(&mut self, id: ConnectionId) -> &mut View {
        self.views
            .get_mut(&id)
            .unwrap_or_else(|| panic!("{id:?} has not joined"))
    }
}

impl View {
    fn ringing(&self) -> impl Iterator<Item = (&str, &str)> {
        let users = self.ringing.iter();
        users.map(|user| (self.call.as_str(), user.as_str()))
    }

    fn members(&self) -> BTreeSet<&ParticipantId> {
        self.others.keys().chain([&self.own]).collect()
    }
}
