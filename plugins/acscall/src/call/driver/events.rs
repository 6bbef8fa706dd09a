//! Delivers events: to listeners, to the snapshot that applications read, and to readers.

use acscall::call::{CallError, CallState, Event, ParticipantState};
use acscall::model::CalleeState;

use super::running::Running;
use crate::call::Listener;
use crate::call::reader::Item;

impl Running {
    pub(super) fn emit(&mut self, event: &Event) {
        self.apply(event);
        self.call_listeners(|| {
            for (_, listener) in self.members.values() {
                listener(event);
            }
        });
    }

    /// Updates the snapshot and the readers.
    fn apply(&mut self, event: &Event) {
        match event {
            Event::Named(name) => self.snapshot.lock().name = Some(name.clone()),
            Event::State(state) => self.snapshot.lock().set_state(*state),
            Event::Incoming(incoming) => self.snapshot.lock().incoming.push(incoming.clone()),
            Event::IncomingEnded(ended, _) => {
                self.snapshot
                    .lock()
                    .incoming
                    .retain(|incoming| incoming.call != ended.call);
            }
            Event::Callee(user, state) => {
                let mut snapshot = self.snapshot.lock();
                snapshot.ringing.retain(|known| known != user);
                if *state == CalleeState::Ringing {
                    snapshot.ringing.push(user.clone());
                }
            }
            Event::Participant(participant, ParticipantState::Disconnected) => {
                self.snapshot
                    .lock()
                    .participants
                    .retain(|(known, _)| known.id != participant.id);
                self.engine.forget(&participant.id);
            }
            Event::Participant(participant, state) => {
                let mut snapshot = self.snapshot.lock();
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
                let mut snapshot = self.snapshot.lock();
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

    /// Calls a new member's listener with the events that describe the present state.
    pub(super) fn catch_up(&self, listener: &Listener) {
        self.call_listeners(|| self.emit_present_state(listener));
    }

    fn emit_present_state(&self, listener: &Listener) {
        let snapshot = self.snapshot.lock().clone();
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
        self.emit(&Event::Warning(CallError::Media(text.into())));
    }
}

/// Displays the beginning of a value's `Debug` output. Tokens are not part of that.
pub(super) struct Brief<'a, T>(pub(super) &'a T);

impl<T: std::fmt::Debug> std::fmt::Display for Brief<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const LENGTH: usize = 160;
        let text = format!("{:?}", self.0);
        f.write_str(&text.chars().take(LENGTH).collect::<String>())
    }
}
