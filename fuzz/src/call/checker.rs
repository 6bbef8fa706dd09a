//! Checks the invariants that every driver and application relies on:
//!
//! * There is at most one connection, opened and closed in turn. Nothing is sent without one.
//! * There is at most one leg each way with each participant, opened and closed once. Actions about
//!   a leg concern an open one, in the order of an offer and its answer.
//! * A sending leg is not fed before it is connected. No more candidates are sent for a leg than
//!   the server allows.
//! * Calls are placed, listened for, accepted and declined, and users are invited, only where that
//!   makes sense.
//! * The events make sense ([`Story`]), and agree with the machine's getters.
//! * Readers and the mix have streams of participants in the call.
//! * `Finished` comes once, last, with nothing left open.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use acscall::call::{Action, CallMachine, Direction, Input, LegId, ReaderId, Target};
use acscall::model::{Kind, ParticipantId};
use acscall::signalling::message::{ClientMessage, LegStep};

use super::story::Story;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Socket {
    #[default]
    None,
    Opening,
    Open,
}

#[derive(Debug, Default)]
struct Leg {
    is_connected: bool,
    is_described: bool,
    candidates: usize,
}

#[derive(Debug)]
pub(super) struct Checker {
    target: Target,
    pub(super) socket: Socket,
    pub(super) is_finished: bool,
    legs: BTreeMap<LegId, Leg>,
    used: BTreeSet<LegId>,
    story: Story,
    readers: BTreeSet<ReaderId>,
    bound: BTreeMap<ReaderId, ParticipantId>,
    mixed: BTreeSet<ParticipantId>,
    bitrates: BTreeMap<Kind, u32>,
    /// The number of connections requested at one moment.
    attempts: Option<(Instant, u32)>,
}

impl Checker {
    pub(super) fn new(target: Target) -> Checker {
        Checker {
            target,
            socket: Socket::None,
            is_finished: false,
            legs: BTreeMap::new(),
            used: BTreeSet::new(),
            story: Story::default(),
            readers: BTreeSet::new(),
            bound: BTreeMap::new(),
            mixed: BTreeSet::new(),
            bitrates: BTreeMap::new(),
            attempts: None,
        }
    }

    pub(super) fn input(&mut self, input: &Input) {
        if self.is_finished {
            return;
        }
        match input {
            Input::SocketOpened => self.socket = Socket::Open,
            Input::SocketClosed(_) => self.socket = Socket::None,
            Input::LegConnected(leg) => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.is_connected = true;
                }
            }
            Input::AddReader(id, _) => {
                self.readers.insert(*id);
                self.bound.remove(id);
            }
            Input::RemoveReader(id) => {
                self.readers.remove(id);
                self.bound.remove(id);
            }
            _ => {}
        }
    }

    pub(super) fn action(&mut self, action: &Action, now: Instant) {
        assert!(!self.is_finished, "{action:?} after Finished");
        match action {
            Action::Connect => {
                assert_eq!(self.socket, Socket::None, "two connections");
                self.socket = Socket::Opening;
                let count = match self.attempts {
                    Some((at, count)) if at == now => count + 1,
                    _ => 1,
                };
                assert!(count < 3, "connected {count} times in one moment");
                self.attempts = Some((now, count));
            }
            Action::Disconnect => {
                assert_ne!(self.socket, Socket::None, "no connection to close");
                self.socket = Socket::None;
            }
            Action::Send(message) => {
                assert_eq!(self.socket, Socket::Open, "{message:?}");
                self.sent(message);
            }
            Action::OpenLeg { leg, .. } => {
                assert!(self.used.insert(leg.clone()), "{leg} is opened twice");
                let is_other =
                    |other: &&LegId| other.peer == leg.peer && other.direction == leg.direction;
                assert_eq!(self.legs.keys().find(is_other), None, "beside {leg}");
                assert!(
                    self.story.is_present(&leg.peer),
                    "{leg} with a participant that is not there"
                );
                self.legs.insert(leg.clone(), Leg::default());
            }
            Action::RemoteDescription(leg, _) => {
                let leg = self.leg(leg);
                assert!(
                    !std::mem::replace(&mut leg.is_described, true),
                    "described twice"
                );
            }
            Action::RemoteCandidate(leg, _) => assert!(self.leg(leg).is_described, "{leg}"),
            Action::Feed(leg, _) => {
                assert_eq!(leg.direction, Direction::Send);
                assert!(self.leg(leg).is_connected, "{leg} is fed too early");
            }
            Action::CloseLeg(leg) => {
                assert!(self.legs.remove(leg).is_some(), "{leg} is not open");
            }
            Action::Encode {
                kind,
                bitrate,
                loss,
            } => {
                assert!(
                    (1000..=1_000_000_000).contains(bitrate) && *loss <= 100,
                    "{action:?}"
                );
                self.bitrates.insert(*kind, *bitrate);
            }
            Action::Bind(reader, stream) => {
                assert!(self.readers.contains(reader), "{reader:?} is not there");
                match stream {
                    Some((of, _)) => self.bound.insert(*reader, of.clone()),
                    None => self.bound.remove(reader),
                };
            }
            Action::Mix(participants) => {
                assert_ne!(&self.mixed, participants);
                self.mixed = participants.clone();
            }
            Action::Emit(event) => self.story.event(event),
            Action::Finished => {
                assert_eq!(self.socket, Socket::None);
                assert!(self.legs.is_empty(), "{:?}", self.legs);
                self.story.end();
                self.is_finished = true;
            }
        }
    }

    /// Checks the state after all actions of an input.
    pub(super) fn check_state(&mut self, call: &CallMachine) {
        self.story.check_state(call);
        if self.is_finished {
            return;
        }
        let gone = |id: &&ParticipantId| !self.story.is_present(id);
        assert_eq!(
            self.bound.values().find(gone),
            None,
            "a reader of a participant that left"
        );
        assert_eq!(
            self.mixed.iter().find(gone),
            None,
            "a participant that left is mixed"
        );
        let without = |leg: &&LegId| gone(&&leg.peer);
        assert_eq!(
            self.legs.keys().find(without),
            None,
            "a leg with a participant that left"
        );
        for (_, estimate) in call.estimates() {
            assert_ne!(estimate, 0);
        }
    }

    fn sent(&mut self, message: &ClientMessage) {
        let name = self.story.name();
        match message {
            ClientMessage::Place { callees, .. } => {
                assert_eq!(name, None, "placed twice");
                assert_eq!(self.target, Target::Place(callees.clone()));
            }
            ClientMessage::Listen {} => {
                assert_eq!(name, None, "listening in a call");
                assert!(matches!(self.target, Target::Answer { .. }));
            }
            ClientMessage::Accept { call, .. } => {
                assert_eq!(name, None, "{call} is accepted in a call");
                assert!(self.story.rings(call), "{call} does not ring");
            }
            ClientMessage::Reject { call } => {
                assert_eq!(name, None, "{call} is declined in a call");
                assert!(
                    !self.story.rings(call),
                    "{call} is declined, and still rings for the application"
                );
            }
            ClientMessage::Invite { .. } => assert_ne!(name, None, "no call to invite into"),
            ClientMessage::Join { call, .. } => {
                let is_answered = name.is_none() && self.story.rings(call);
                let is_known = name == Some(call) || self.target == Target::Join(call.clone());
                assert!(is_answered || is_known, "{call} is joined without a reason");
            }
            ClientMessage::Signal { to, signal } => {
                if let LegStep::Candidate(candidate) = &signal.step
                    && !candidate.candidate.is_empty()
                {
                    let is_of = |leg: &&LegId| leg.peer == *to && leg.number == signal.leg;
                    let id = self.used.iter().find(is_of);
                    let id = id.expect("the leg was opened").clone();
                    let leg = self.leg(&id);
                    leg.candidates += 1;
                    assert!(leg.candidates <= 64, "{id} has too many candidates");
                }
            }
            _ => {}
        }
    }

    fn leg(&mut self, id: &LegId) -> &mut Leg {
        self.legs
            .get_mut(id)
            .unwrap_or_else(|| panic!("{id} is not open"))
    }
}
