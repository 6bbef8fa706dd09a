//! What the driver tells: listeners, the snapshot that applications read, and readers.

use acscall::call::{CallError, CallState, Event, ParticipantState};
use acscall::model::CalleeState;

use super::{Running, lock};
use crate::call::Listener;
use crate::call::reader::Item;

impl Running {
    pub(super) fn tell(&mut self, event: &Event) {
        self.note(event);
        for (_, listener) in self.members.values() {
            listener(event);
        }
    }

    /// Keeps what applications can read, and tells the readers what concerns them.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Named(name) => lock(&self.snapshot).name = Some(name.clone()),
            Event::State(state) => lock(&self.snapshot).set_state(*state),
            Event::Incoming(incoming) => lock(&self.snapshot).incoming.push(incoming.clone()),
            Event::IncomingEnded(ended, _) => {
                lock(&self.snapshot)
                    .incoming
                    .retain(|incoming| incoming.call != ended.call);
            }
            Event::Callee(user, state) => {
                let mut snapshot = lock(&self.snapshot);
                snapshot.ringing.retain(|known| known != user);
                if *state == CalleeState::Ringing {
                    snapshot.ringing.push(user.clone());
                }
            }
            Event::Participant(participant, ParticipantState::Disconnected) => {
                lock(&self.snapshot)
                    .participants
                    .retain(|(known, _)| known.id != participant.id);
                self.engine.forget(&participant.id);
            }
            Event::Participant(participant, state) => {
                let mut snapshot = lock(&self.snapshot);
                let known = snapshot
                    .participants
                    .iter_mut()
                    .find(|(known, _)| known.id == participant.id);
                match known {
                    Some(known) => *known = (participant.clone(), *state),
                    None => snapshot.participants.push((participant.clone(), *state)),
                }
            }
            Event::Stream {
                participant,
                kind,
                available,
            } => {
                let mut snapshot = lock(&self.snapshot);
                let known = snapshot
                    .participants
                    .iter_mut()
                    .find(|(known, _)| known.id == participant.id);
                if let Some((known, _)) = known {
                    known.media = participant.media.clone();
                }
                drop(snapshot);
                let stream = (participant.id.clone(), *kind);
                let readers = self.readers.values();
                for reader in readers.filter(|reader| reader.bound.as_ref() == Some(&stream)) {
                    reader.queue.push(Item::Available(*available));
                }
            }
            Event::Stalled(..)
            | Event::Slow { .. }
            | Event::Reached(_)
            | Event::Warning(_)
            | Event::Error(_) => {}
        }
    }

    /// Tells a new member what the others were told before.
    pub(super) fn introduce(&self, listener: &Listener) {
        let snapshot = lock(&self.snapshot).clone();
        if let Some(name) = snapshot.name.clone() {
            listener(&Event::Named(name));
        }
        if snapshot.state != CallState::None {
            listener(&Event::State(snapshot.state));
        }
        for incoming in &snapshot.incoming {
            listener(&Event::Incoming(incoming.clone()));
        }
        for user in &snapshot.ringing {
            listener(&Event::Callee(user.clone(), CalleeState::Ringing));
        }
        for (participant, state) in &snapshot.participants {
            listener(&Event::Participant(participant.clone(), *state));
        }
        for (participant, kind) in snapshot.streams() {
            let participant = participant.clone();
            listener(&Event::Stream {
                participant,
                kind,
                available: true,
            });
        }
        for participant in self.engine.reached() {
            listener(&Event::Reached(participant.clone()));
        }
    }

    pub(super) fn warn(&mut self, text: &str) {
        self.tell(&Event::Warning(CallError::Media(text.into())));
    }
}

/// The beginning of what `Debug` writes. Tokens write nothing of themselves.
pub(super) struct Brief<'a, T>(pub(super) &'a T);

impl<T: std::fmt::Debug> std::fmt::Display for Brief<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const LENGTH: usize = 160;
        let text = format!("{:?}", self.0);
        f.write_str(&text.chars().take(LENGTH).collect::<String>())
    }
}
