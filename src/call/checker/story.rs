//! Checks that the events make sense to an application:
//!
//! * States come in their order, and the call's name comes once, before the call.
//! * Each incoming call that is announced ends once.
//! * A callee starts to ring once. A participant that has joined is no longer rung.
//! * Events of participants, streams, stalls and slow paths are changes.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::{CallMachine, CallState, Direction, Event, Incoming, ParticipantState};
use crate::model::{CalleeState, Kind, ParticipantId};

#[derive(Debug, Default)]
pub(super) struct Story {
    state: CallState,
    name: Option<String>,
    /// The incoming calls that ring, by name.
    incoming: BTreeMap<String, Incoming>,
    /// The users who are being rung.
    ringing: BTreeSet<String>,
    /// The participants, each with its user.
    participants: BTreeMap<ParticipantId, (String, ParticipantState)>,
    streams: BTreeSet<(ParticipantId, Kind)>,
    stalled: BTreeSet<Kind>,
    slow: BTreeSet<(ParticipantId, bool)>,
}

impl Story {
    pub(super) fn name(&self) -> Option<&String> {
        self.name.as_ref()
    }

    pub(super) fn rings(&self, call: &str) -> bool {
        self.incoming.contains_key(call)
    }

    pub(super) fn is_present(&self, id: &ParticipantId) -> bool {
        self.participants.contains_key(id)
    }

    pub(super) fn event(&mut self, event: &Event) {
        match event {
            Event::State(state) => self.state(*state),
            Event::Named(name) => {
                assert_eq!(self.name, None, "{name}: a second name");
                assert_eq!(self.state, CallState::Connecting, "Named too late or early");
                self.name = Some(name.clone());
            }
            Event::Incoming(incoming) => {
                assert_eq!(self.name, None, "{incoming:?} in a call");
                let name = incoming.call.clone();
                let before = self.incoming.insert(name, incoming.clone());
                assert_eq!(before, None, "it rings already");
            }
            Event::IncomingEnded(incoming, _) => {
                let announced = self.incoming.remove(&incoming.call);
                assert_eq!(announced.as_ref(), Some(incoming), "it does not ring");
            }
            Event::Callee(user, state) => self.callee(user, *state),
            Event::Participant(participant, ParticipantState::Disconnected) => {
                let id = &participant.id;
                assert!(self.participants.remove(id).is_some(), "{participant:?}");
                let streams = self.streams.iter().any(|(of, _)| of == id);
                assert!(!streams, "{participant:?} left, and its streams did not");
            }
            Event::Participant(participant, state) => {
                assert_eq!(self.state, CallState::Connected, "{event:?}");
                let user = participant.user.clone();
                let now = (user.clone(), *state);
                let before = self.participants.insert(participant.id.clone(), now);
                let is_rung = before.is_none() && self.ringing.contains(&user);
                assert!(!is_rung, "{participant:?} joined without having accepted");
                let before = before.map(|(_, session)| session);
                assert_ne!(before, Some(*state), "{participant:?}");
            }
            Event::Stream {
                participant,
                kind,
                available,
            } => {
                assert!(self.is_present(&participant.id), "{event:?}");
                let stream = (participant.id.clone(), *kind);
                change(&mut self.streams, stream, *available, event);
            }
            Event::Stalled(kind, stalled) => change(&mut self.stalled, *kind, *stalled, event),
            Event::Slow {
                participant,
                direction,
                slow,
            } => {
                assert!(self.is_present(&participant.id), "{event:?}");
                let path = (participant.id.clone(), *direction == Direction::Send);
                change(&mut self.slow, path, *slow, event);
            }
            Event::Reached(id) => assert!(self.is_present(id), "{id} is not there"),
            Event::Warning(_) | Event::Error(_) => {}
        }
    }

    /// Checks that the machine's getters agree with the events.
    pub(super) fn check_state(&mut self, call: &CallMachine) {
        assert_eq!(call.state(), self.state);
        assert_eq!(call.name(), self.name.as_deref());
        let incoming: BTreeSet<_> = call.incoming().map(|of| of.call.as_str()).collect();
        assert!(incoming.into_iter().eq(self.incoming.keys()));
        if self.state == CallState::Disconnected {
            return;
        }
        assert!(call.callees().eq(&self.ringing));
        let known: BTreeSet<_> = call.participants().map(|p| &p.id).collect();
        assert!(known.into_iter().eq(self.participants.keys()));
        // A server may change a participant's user. That emits no event.
        for participant in call.participants() {
            let user = participant.user.clone();
            let known = self.participants.get_mut(&participant.id);
            known.expect("it is known").0 = user;
        }
    }

    pub(super) fn end(&self) {
        assert_eq!(self.state, CallState::Disconnected);
        assert!(self.incoming.is_empty(), "{:?}", self.incoming);
    }

    fn state(&mut self, next: CallState) {
        let is_next = match next {
            CallState::None => false,
            CallState::Connecting => self.state == CallState::None,
            CallState::Ringing => self.state == CallState::Connecting,
            CallState::Connected => self.state < next && self.state >= CallState::Connecting,
            CallState::Disconnecting => self.state < next,
            CallState::Disconnected => self.state == CallState::Disconnecting,
        };
        assert!(is_next, "{next:?} after {:?}", self.state);
        self.state = next;
        if matches!(next, CallState::Ringing | CallState::Connected) {
            assert_ne!(self.name, None, "{next:?} without a name");
        }
    }

    fn callee(&mut self, user: &str, state: CalleeState) {
        assert_ne!(self.name, None, "{user} is {state:?} and there is no call");
        let was_rung = self.ringing.remove(user);
        match state {
            CalleeState::Ringing => {
                assert!(!was_rung, "{user} rings already");
                self.ringing.insert(user.to_owned());
            }
            CalleeState::Accepted => {
                let is_present = self.participants.values().any(|(of, _)| of == user);
                assert!(
                    was_rung || !is_present,
                    "{user} accepted after having joined"
                );
            }
            _ => {}
        }
    }
}

fn change<T: Ord>(set: &mut BTreeSet<T>, of: T, is_in: bool, event: &Event) {
    let is_change = match is_in {
        true => set.insert(of),
        false => set.remove(&of),
    };
    assert!(is_change, "{event:?}");
}
