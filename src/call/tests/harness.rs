//! One call on virtual time, and short names for inputs and actions.

use std::time::{Duration, Instant};

use crate::call::checker::{CheckedCall, Socket, epoch};
use crate::call::*;
use crate::model::*;
use crate::signalling::message::*;

pub(super) struct Harness {
    pub(super) call: CheckedCall,
    pub(super) now: Instant,
}

impl Harness {
    /// The call "x" of the user "me", not started.
    pub(super) fn new() -> Harness {
        Harness::to(Target::Join("x".into()))
    }

    /// A call of the user "me", not started.
    pub(super) fn to(target: Target) -> Harness {
        let config = Config {
            target,
            user: "me".into(),
            display_name: None,
            token: Some(Token("secret".into())),
        };
        Harness {
            call: CheckedCall::new(config),
            now: epoch(),
        }
    }

    /// A joined call that receives and sends, with these other participants.
    pub(super) fn joined(others: &[Participant]) -> Harness {
        let mut harness = Harness::new();
        harness.handle(Input::Roles {
            receives: true,
            sends: true,
        });
        harness.handle(Input::Start);
        harness.rejoin("run1", others);
        harness
    }

    /// A joined call with bob, with a connected sending leg to him.
    pub(super) fn connected(bob: Participant) -> (Harness, LegId) {
        let mut harness = Harness::joined(&[bob]);
        harness.handle(Input::LegConnected(sending("bob", 1)));
        (harness, sending("bob", 1))
    }

    /// Opens the requested connection, and joins on it.
    pub(super) fn rejoin(&mut self, run: &str, others: &[Participant]) -> Vec<Action> {
        let mut actions = self.handle(Input::SocketOpened);
        actions.extend(self.receive(welcome(run)));
        actions.extend(self.receive(joined("me1", others)));
        actions
    }

    /// Loses the connection, and waits for the next attempt.
    pub(super) fn lose(&mut self) -> Vec<Action> {
        let mut actions = self.handle(Input::SocketClosed("cable".into()));
        actions.extend(self.after(200));
        assert!(actions.contains(&Action::Connect));
        actions
    }

    /// Closes the connection, if there is one.
    pub(super) fn close(&mut self) -> Vec<Action> {
        match self.call.socket() {
            Socket::None => Vec::new(),
            Socket::Opening | Socket::Open => self.handle(Input::SocketClosed("cable".into())),
        }
    }

    pub(super) fn handle(&mut self, input: Input) -> Vec<Action> {
        self.call.handle(input, self.now)
    }

    pub(super) fn receive(&mut self, message: ServerMessage) -> Vec<Action> {
        self.handle(Input::Received(message))
    }

    pub(super) fn signal(
        &mut self,
        from: &str,
        leg: LegNumber,
        by: LegEnd,
        step: LegStep,
    ) -> Vec<Action> {
        let signal = LegSignal { leg, by, step };
        self.receive(ServerMessage::Signal {
            from: id(from),
            signal,
        })
    }

    /// Advances the time by this many milliseconds, with every timer at its time.
    pub(super) fn after(&mut self, milliseconds: u64) -> Vec<Action> {
        let end = self.now + Duration::from_millis(milliseconds);
        let mut actions = Vec::new();
        while let Some(due) = self.call.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            actions.extend(self.call.handle_timeout(self.now));
        }
        self.now = end;
        actions
    }
}

pub(super) fn id(user: &str) -> ParticipantId {
    ParticipantId(user.into())
}

/// A participant that receives and sends. Its id is its user's name.
pub(super) fn peer(user: &str) -> Participant {
    Participant {
        id: id(user),
        user: user.into(),
        session: 1,
        display_name: None,
        receives: true,
        sends: true,
        media: Kinds::new(),
        wants: Kinds::new(),
        connected: true,
    }
}

impl Participant {
    pub(super) fn media(mut self, kinds: &[Kind]) -> Participant {
        self.media = kinds.iter().copied().collect();
        self
    }

    pub(super) fn wants(mut self, kinds: &[Kind]) -> Participant {
        self.wants = kinds.iter().copied().collect();
        self
    }

    pub(super) fn roles(mut self, receives: bool, sends: bool) -> Participant {
        (self.receives, self.sends) = (receives, sends);
        self
    }

    pub(super) fn away(mut self) -> Participant {
        self.connected = false;
        self
    }
}

pub(super) fn kinds(kinds: &[Kind]) -> Kinds {
    kinds.iter().copied().collect()
}

pub(super) fn sending(peer: &str, number: LegNumber) -> LegId {
    LegId {
        peer: id(peer),
        direction: Direction::Send,
        number,
    }
}

pub(super) fn receiving(peer: &str, number: LegNumber) -> LegId {
    LegId {
        peer: id(peer),
        direction: Direction::Receive,
        number,
    }
}

pub(super) fn candidate(text: &str) -> Candidate {
    Candidate {
        candidate: text.into(),
        line: 0,
    }
}

pub(super) fn open(leg: &LegId) -> Action {
    Action::OpenLeg {
        leg: leg.clone(),
        ice_servers: Vec::new(),
    }
}

pub(super) fn welcome(run: &str) -> ServerMessage {
    ServerMessage::Welcome {
        version: 1,
        server: run.into(),
    }
}

pub(super) fn resume(own: &str) -> Resume {
    Resume {
        participant: id(own),
        session: 1,
        key: format!("key of {own}"),
    }
}

pub(super) fn joined(own: &str, others: &[Participant]) -> ServerMessage {
    ServerMessage::Joined {
        call: "x".into(),
        resume: resume(own),
        participants: others.to_vec(),
        ringing: Vec::new(),
        ice_servers: Vec::new(),
    }
}

pub(super) fn join(resume: Option<Resume>) -> ClientMessage {
    let (call, media) = ("x".into(), Kinds::new());
    ClientMessage::Join {
        call,
        receives: true,
        sends: true,
        media,
        resume,
    }
}

pub(super) fn update(participant: Participant) -> ServerMessage {
    ServerMessage::Participant { participant }
}

pub(super) fn left(user: &str) -> ServerMessage {
    ServerMessage::ParticipantLeft {
        participant: id(user),
        reason: "left".into(),
    }
}

pub(super) fn error(code: ErrorCode) -> ServerMessage {
    ServerMessage::Error {
        code,
        message: "no".into(),
    }
}

pub(super) fn refused(code: ErrorCode) -> CallError {
    CallError::Refused {
        code,
        message: "no".into(),
    }
}

pub(super) fn want(of: &str, of_kinds: &[Kind]) -> Action {
    Action::Send(ClientMessage::Want {
        of: id(of),
        kinds: kinds(of_kinds),
    })
}

pub(super) fn signalled(to: &str, leg: LegNumber, by: LegEnd, step: LegStep) -> Action {
    let signal = LegSignal { leg, by, step };
    Action::Send(ClientMessage::Signal { to: id(to), signal })
}

/// The messages among the actions.
pub(super) fn sent(actions: &[Action]) -> Vec<ClientMessage> {
    let message = |action: &Action| match action {
        Action::Send(message) => Some(message.clone()),
        _ => None,
    };
    actions.iter().filter_map(message).collect()
}

/// The events among the actions.
pub(super) fn emitted(actions: &[Action]) -> Vec<Event> {
    let event = |action: &Action| match action {
        Action::Emit(event) => Some(event.clone()),
        _ => None,
    };
    actions.iter().filter_map(event).collect()
}

/// The warnings among the actions.
pub(super) fn warnings(actions: &[Action]) -> Vec<CallError> {
    let error = |event: Event| match event {
        Event::Warning(error) => Some(error),
        _ => None,
    };
    emitted(actions).into_iter().filter_map(error).collect()
}

/// The states among the actions.
pub(super) fn states(actions: &[Action]) -> Vec<CallState> {
    let state = |event: Event| match event {
        Event::State(state) => Some(state),
        _ => None,
    };
    emitted(actions).into_iter().filter_map(state).collect()
}

/// The sending legs opened among the actions.
pub(super) fn opened(actions: &[Action]) -> Vec<LegId> {
    let leg = |action: &Action| match action {
        Action::OpenLeg { leg, .. } if leg.direction == Direction::Send => Some(leg.clone()),
        _ => None,
    };
    actions.iter().filter_map(leg).collect()
}
