//! What every driver and application relies on:
//!
//! * At most one connection, opened and closed in turn; nothing is sent without one.
//! * At most one leg each way with each participant, each opened and closed once; what is said of
//!   a leg is said of one that is open, in the order of an offer and its answer.
//! * A sending leg is fed once it is connected. No more candidates are sent for a leg than the
//!   server lets through.
//! * A call is placed, listened for, answered, declined and invited to where that has a meaning.
//! * What is told adds up ([`Story`]), and is what can be asked for.
//! * Readers and the mix have streams of those that are there.
//! * Finished comes once, last, with nothing left open.

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
    /// Connections asked for at one moment.
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
                assert_ne!(self.socket, Socket::None, "none to close");
                self.socket = Socket::None;
            }
            Action::Send(message) => {
                assert_eq!(self.socket, Socket::Open, "{message:?}");
                self.sent(message);
            }
            Action::OpenLeg { leg, .. } => {
                assert!(self.used.insert(leg.clone()), "{leg} for the second time");
                let is_other =
                    |other: &&LegId| other.peer == leg.peer && other.direction == leg.direction;
                assert_eq!(self.legs.keys().find(is_other), None, "beside {leg}");
                assert!(self.story.is_there(&leg.peer), "{leg} with nobody");
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
            Action::Emit(event) => self.story.told(event),
            Action::Finished => {
                assert_eq!(self.socket, Socket::None);
                assert!(self.legs.is_empty(), "{:?}", self.legs);
                self.story.end();
                self.is_finished = true;
            }
        }
    }

    /// After all actions of an input.
    pub(super) fn settled(&mut self, call: &CallMachine) {
        self.story.settled(call);
        if self.is_finished {
            return;
        }
        let gone = |id: &&ParticipantId| !self.story.is_there(id);
        assert_eq!(
            self.bound.values().find(gone),
            None,
            "a reader of one who is gone"
        );
        assert_eq!(
            self.mixed.iter().find(gone),
            None,
            "one who is gone is mixed"
        );
        let without = |leg: &&LegId| gone(&&leg.peer);
        assert_eq!(
            self.legs.keys().find(without),
            None,
            "a leg with one who is gone"
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
                assert_eq!(name, None, "it listens in a call");
                assert!(matches!(self.target, Target::Answer { .. }));
            }
            ClientMessage::Accept { call, .. } => {
                assert_eq!(name, None, "{call} is answered in a call");
                assert!(self.story.rings(call), "{call} does not ring");
            }
            ClientMessage::Reject { call } => {
                assert_eq!(name, None, "{call} is declined in a call");
                assert!(
                    !self.story.rings(call),
                    "{call} is told to ring and declined"
                );
            }
            ClientMessage::Invite { .. } => assert_ne!(name, None, "nothing to be invited to"),
            ClientMessage::Join { call, .. } => {
                let is_answered = name.is_none() && self.story.rings(call);
                let is_known = name == Some(call) || self.target == Target::Join(call.clone());
                assert!(is_answered || is_known, "{call} is joined");
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
