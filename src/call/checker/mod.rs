//! Checks the invariants that every driver and application relies on, in the tests and in `fuzz/`:
//!
//! * There is at most one connection, opened and closed in turn. Nothing is sent without one.
//! * There is at most one leg each way with each participant, opened and closed once. Actions about
//!   a leg concern an open one, in the order of an offer and its answer.
//! * A sending leg is not fed before it is connected. No more candidates are sent for a leg than
//!   the server allows.
//! * Calls are placed, listened for, accepted and declined, and users are invited, only where that
//!   makes sense.
//! * The events make sense (`story.rs`), and agree with the machine's getters.
//! * Readers and the mix have streams of participants in the call.
//! * `Finished` comes once, last, with nothing left open.

mod story;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::LazyLock;
use std::time::Instant;

use super::{Action, CallMachine, Config, Direction, Input, LegId, ReaderId, Target};
use crate::model::ParticipantId;
use crate::signalling::message::{ClientMessage, LegEnd, LegStep};
use story::Story;

/// The start of virtual time.
pub fn epoch() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the epoch of the virtual time")]
    static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
    *EPOCH
}

/// A call machine whose actions are checked.
#[derive(Debug)]
pub struct CheckedCall {
    machine: CallMachine,
    checker: Checker,
}

impl CheckedCall {
    /// A call that is not started.
    pub fn new(config: Config) -> CheckedCall {
        CheckedCall {
            checker: Checker::new(config.target.clone()),
            machine: CallMachine::new(config),
        }
    }

    /// The connection to the server, as the driver knows it.
    pub fn socket(&self) -> Socket {
        self.checker.socket
    }

    /// Whether the call is over.
    pub fn is_finished(&self) -> bool {
        self.checker.is_finished
    }

    /// Handles an input and returns the actions.
    pub fn handle(&mut self, input: Input, now: Instant) -> Vec<Action> {
        self.checker.input(&input);
        self.machine.handle(input, now);
        self.actions(now)
    }

    /// Handles the timers that are due and returns the actions.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<Action> {
        self.machine.handle_timeout(now);
        let next = self.machine.poll_timeout();
        assert!(
            next.is_none_or(|next| next > now),
            "an expired timer still runs"
        );
        self.actions(now)
    }

    fn actions(&mut self, now: Instant) -> Vec<Action> {
        let actions: Vec<_> = std::iter::from_fn(|| self.machine.poll_action()).collect();
        for action in &actions {
            self.checker.action(action, now);
        }
        self.checker.check_state(&self.machine);
        actions
    }
}

impl Deref for CheckedCall {
    type Target = CallMachine;

    fn deref(&self) -> &CallMachine {
        &self.machine
    }
}

/// The state of the connection to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Socket {
    /// There is none.
    #[default]
    None,
    /// It is being opened.
    Opening,
    /// It is open.
    Open,
}

#[derive(Debug, Default)]
struct Leg {
    is_connected: bool,
    is_described: bool,
    candidates: usize,
}

#[derive(Debug)]
struct Checker {
    target: Target,
    socket: Socket,
    is_finished: bool,
    legs: BTreeMap<LegId, Leg>,
    used: BTreeSet<LegId>,
    story: Story,
    readers: BTreeSet<ReaderId>,
    bound: BTreeMap<ReaderId, ParticipantId>,
    mixed: BTreeSet<ParticipantId>,
    /// The number of connections requested at one moment.
    attempts: Option<(Instant, u32)>,
}

impl Checker {
    fn new(target: Target) -> Checker {
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
            attempts: None,
        }
    }

    fn input(&mut self, input: &Input) {
        if self.is_finished {
            return;
        }
        match input {
            Input::SocketOpened if self.socket == Socket::Opening => self.socket = Socket::Open,
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

    fn action(&mut self, action: &Action, now: Instant) {
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
            Action::Encode { bitrate, loss, .. } => assert!(
                (1000..=1_000_000_000).contains(bitrate) && *loss <= 100,
                "{action:?}"
            ),
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
    fn check_state(&mut self, call: &CallMachine) {
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
                    let id = LegId {
                        peer: to.clone(),
                        direction: match signal.by {
                            LegEnd::Sender => Direction::Send,
                            LegEnd::Receiver => Direction::Receive,
                        },
                        number: signal.leg,
                    };
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
