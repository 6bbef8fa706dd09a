//! Checks what every driver relies on.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::*;
use crate::model::*;

/// Checks that the sequence of actions makes sense.
#[derive(Debug, Default)]
pub(super) struct Checker {
    socket: bool,
    open: bool,
    legs: BTreeMap<LegId, bool>,
    used: BTreeSet<LegId>,
    story: Story,
    finished: bool,
}

impl Checker {
    /// Whether a connection is open or being opened.
    pub(super) fn has_socket(&self) -> bool {
        self.socket
    }

    pub(super) fn input(&mut self, input: &Input) {
        match input {
            Input::SocketOpened => self.open = true,
            Input::SocketClosed(_) => (self.socket, self.open) = (false, false),
            Input::LegConnected(leg) => {
                if let Some(connected) = self.legs.get_mut(leg) {
                    *connected = true;
                }
            }
            _ => {}
        }
    }

    pub(super) fn action(&mut self, action: &Action) {
        assert!(!self.finished, "{action:?} after Finished");
        match action {
            Action::Connect => {
                assert!(!self.socket, "Connect with a connection there");
                self.socket = true;
            }
            Action::Disconnect => {
                assert!(self.socket, "Disconnect without a connection");
                (self.socket, self.open) = (false, false);
            }
            Action::Send(message) => assert!(self.open, "{message:?} without a connection"),
            Action::OpenLeg { leg, .. } => {
                assert!(self.used.insert(leg.clone()), "{leg} for the second time");
                let other = self
                    .legs
                    .keys()
                    .find(|l| l.peer == leg.peer && l.direction == leg.direction);
                assert_eq!(other, None, "{leg} beside another");
                self.legs.insert(leg.clone(), false);
            }
            Action::RemoteDescription(leg, _) | Action::RemoteCandidate(leg, _) => {
                assert!(self.legs.contains_key(leg), "{action:?} for no leg");
            }
            Action::Feed(leg, _) => {
                assert_eq!(
                    self.legs.get(leg),
                    Some(&true),
                    "{action:?} for no connected leg"
                );
                assert_eq!(leg.direction, Direction::Send);
            }
            Action::CloseLeg(leg) => {
                assert!(self.legs.remove(leg).is_some(), "{action:?} for no leg");
            }
            Action::Finished => {
                assert!(!self.socket, "Finished with a connection");
                assert!(self.legs.is_empty(), "Finished with legs");
                self.story.end();
                self.finished = true;
            }
            Action::Emit(event) => self.story.event(event),
            Action::Encode { .. } | Action::Bind(..) | Action::Mix(_) => {}
        }
    }
}

/// Checks that the sequence of events makes sense to an application.
#[derive(Debug, Default)]
struct Story {
    state: CallState,
    name: Option<String>,
    /// The incoming calls that ring.
    incoming: BTreeSet<String>,
    /// The users who are being rung.
    ringing: BTreeSet<String>,
    /// The participants, each with its user.
    participants: BTreeMap<ParticipantId, String>,
}

impl Story {
    fn event(&mut self, event: &Event) {
        match event {
            Event::State(state) => self.state(*state),
            Event::Named(name) => {
                assert_eq!(self.name, None, "{name}: a second name");
                assert_eq!(self.state, CallState::Connecting, "Named too late or early");
                self.name = Some(name.clone());
            }
            Event::Incoming(Incoming { call, .. }) => {
                assert!(self.incoming.insert(call.clone()), "{call} rings already");
            }
            Event::IncomingEnded(Incoming { call, .. }, _) => {
                assert!(self.incoming.remove(call), "{call} does not ring");
            }
            Event::Callee(user, state) => {
                self.in_call(event);
                let rang = self.ringing.remove(user);
                if *state == CalleeState::Ringing {
                    assert!(!rang, "{user} rings already");
                    self.ringing.insert(user.clone());
                }
                if *state == CalleeState::Accepted {
                    let is_present = self.participants.values().any(|other| other == user);
                    assert!(rang || !is_present, "{user} accepted after having joined");
                }
            }
            Event::Participant(participant, ParticipantState::Disconnected) => {
                let known = self.participants.remove(&participant.id);
                assert!(
                    known.is_some(),
                    "{participant:?} left without having been there"
                );
            }
            Event::Participant(participant, _) => {
                self.in_call(event);
                assert_eq!(self.state, CallState::Connected, "{event:?}");
                let user = participant.user.clone();
                let known = self.participants.insert(participant.id.clone(), user);
                let rang = known.is_none() && self.ringing.contains(&participant.user);
                assert!(!rang, "{participant:?} joined without having accepted");
            }
            Event::Stream { participant, .. } | Event::Slow { participant, .. } => {
                assert!(self.participants.contains_key(&participant.id), "{event:?}");
            }
            Event::Reached(id) => assert!(self.participants.contains_key(id), "{event:?}"),
            Event::Stalled(..) | Event::Warning(_) | Event::Error(_) => {}
        }
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
            self.in_call(&Event::State(next));
        }
    }

    fn in_call(&self, event: &Event) {
        assert_ne!(self.name, None, "{event:?} without a call");
    }

    fn end(&self) {
        assert_eq!(self.state, CallState::Disconnected, "Finished");
        assert!(self.incoming.is_empty(), "Finished: {:?}", self.incoming);
    }
}
