//! A call machine and a driver that keeps to its contract.

use std::time::{Duration, Instant};

use acscall::call::checker::{CheckedCall, Socket};
use acscall::call::{
    Action, CallState, Config, Direction, Input, LegFailure, LegId, Selector, Target,
};
use acscall::fuzzing::epoch;
use acscall::model::{CalleeState, Candidate, IncomingEnd, Participant, ParticipantId};
use acscall::signalling::message::{LegEnd, LegSignal, LegStep, Resume, ServerMessage};
use arbitrary::{Result, Unstructured};

use super::Report;
use crate::words::Words;

/// The names that the server gives calls.
const CALLS: [&str; 3] = ["tea", "placed:1", "placed:2"];

/// The users. The first one is this end.
const USERS: [&str; 4] = ["anna", "bert", "cleo", "bert:2"];

pub(super) struct Stage {
    call: CheckedCall,
    target: Target,
    now: Instant,
    words: Words,
    /// All legs ever opened: an engine may still report about a closed one.
    legs: Vec<LegId>,
}

impl Stage {
    pub(super) fn new(target: Target) -> Stage {
        let config = Config {
            target: target.clone(),
            user: USERS[0].into(),
            display_name: None,
            token: None,
        };
        Stage {
            call: CheckedCall::new(config),
            now: epoch(),
            target,
            words: Words::new(&[&["p1", "p2", "p3"], &USERS[..], &CALLS].concat()),
            legs: Vec::new(),
        }
    }

    /// Handles an input if it may come now. Inputs about legs are aimed at existing ones.
    pub(super) fn input(&mut self, mut input: Input, u: &mut Unstructured<'_>) -> Result<()> {
        match &mut input {
            Input::Received(message) => return self.receive(&message.clone(), u),
            Input::SocketOpened if self.call.socket() != Socket::Opening => return Ok(()),
            Input::SocketClosed(_) if self.call.socket() == Socket::None => return Ok(()),
            Input::LegDescription(leg, _)
            | Input::LegCandidate(leg, _)
            | Input::LegConnected(leg)
            | Input::LegRejected(leg, ..)
            | Input::LegReport(leg, _)
            | Input::LegFailed(leg, _)
                if !self.legs.is_empty() =>
            {
                *leg = u.choose(&self.legs)?.clone();
            }
            Input::AddReader(id, selector) => {
                id.0 %= 5;
                if let Selector::Of { session, .. } = selector {
                    *session = self.words.pick(u)?;
                }
            }
            Input::RemoveReader(id) => id.0 %= 5,
            // The range of the property.
            Input::MaxBitrate(_, Some(most)) => *most = (*most).clamp(1000, 1_000_000_000),
            Input::Accept(Some(call)) | Input::Reject(Some(call)) => {
                *call = (*u.choose(&CALLS)?).to_owned();
            }
            Input::Invite(users) => {
                for user in users {
                    *user = (*u.choose(&USERS)?).to_owned();
                }
            }
            _ => {}
        }
        self.handle(input);
        Ok(())
    }

    /// Handles a message, aimed at what exists.
    pub(super) fn receive(
        &mut self,
        message: &ServerMessage,
        u: &mut Unstructured<'_>,
    ) -> Result<()> {
        let mut value = serde_json::to_value(message).expect("a message can be serialized");
        self.words.aim(&mut value, u)?;
        self.words.learn(&value);
        if let Ok(message) = serde_json::from_value(value) {
            self.received(message);
        }
        Ok(())
    }

    /// Opens the connection, to one of a few server instances.
    pub(super) fn connect(&mut self, run: u8) {
        self.handle(Input::Start);
        if self.call.socket() == Socket::None
            && let Some(due) = self.call.poll_timeout()
        {
            self.wait(due.saturating_duration_since(self.now));
        }
        if self.call.socket() == Socket::Opening {
            self.handle(Input::SocketOpened);
        }
        self.received(ServerMessage::Welcome {
            version: 1,
            server: format!("run{}", run % 2),
        });
        if matches!(self.target, Target::Answer { .. }) {
            self.received(ServerMessage::Listening {});
        }
    }

    pub(super) fn join(
        &mut self,
        run: u8,
        own: u8,
        others: &[Participant],
        rung: u8,
        u: &mut Unstructured<'_>,
    ) -> Result<()> {
        let mut participants =
            serde_json::to_value(others).expect("participants can be serialized");
        self.words.aim(&mut participants, u)?;
        self.connect(run);
        if matches!(self.target, Target::Answer { .. }) && self.call.name().is_none() {
            if self.call.incoming().next().is_none() {
                self.ring(own, rung);
            }
            self.handle(Input::Accept(None));
        }
        let first = self.call.incoming().next().map(|of| of.call.clone());
        let call = match (self.call.name(), &self.target) {
            (Some(call), _) => call.to_owned(),
            (None, Target::Join(call)) => call.clone(),
            _ => first.unwrap_or_else(|| one(&CALLS, own)),
        };
        self.received(ServerMessage::Joined {
            call,
            resume: Resume {
                participant: ParticipantId(format!("own{}", own % 2)),
                session: 1,
                key: "key".into(),
            },
            participants: serde_json::from_value(participants).unwrap_or_default(),
            ringing: each(&USERS, rung),
            ice_servers: Vec::new(),
        });
        Ok(())
    }

    /// Lets a call ring.
    pub(super) fn ring(&mut self, call: u8, user: u8) {
        self.received(ServerMessage::Incoming {
            call: one(&CALLS, call),
            user: one(&USERS, user),
            display_name: None,
        });
    }

    pub(super) fn ring_no_more(&mut self, call: u8, reason: IncomingEnd) {
        let call = one(&CALLS, call);
        self.received(ServerMessage::IncomingEnded { call, reason });
    }

    pub(super) fn callee(&mut self, user: u8, state: CalleeState) {
        let user = one(&USERS, user);
        self.received(ServerMessage::Callee { user, state });
    }

    pub(super) fn signal(&mut self, leg: u8, is_next: bool, step: LegStep) {
        let Some(mut id) = self.one(leg) else { return };
        if is_next {
            id.number += 1;
        }
        let by = match id.direction {
            Direction::Send => LegEnd::Receiver,
            Direction::Receive => LegEnd::Sender,
        };
        let signal = LegSignal {
            leg: id.number,
            by,
            step,
        };
        self.received(ServerMessage::Signal {
            from: id.peer,
            signal,
        });
    }

    pub(super) fn leg(&mut self, leg: u8, report: Report) {
        let Some(leg) = self.one(leg) else { return };
        match report {
            Report::Description => self.handle(Input::LegDescription(leg, "v=0".into())),
            Report::Candidate(candidate) => self.handle(Input::LegCandidate(leg, candidate)),
            Report::Candidates(count) => {
                for _ in 0..count {
                    let candidate = Candidate {
                        candidate: "c".into(),
                        line: 0,
                    };
                    self.handle(Input::LegCandidate(leg.clone(), candidate));
                }
            }
            Report::Connected => self.handle(Input::LegConnected(leg)),
            Report::Lost => {
                self.handle(Input::LegFailed(leg, LegFailure::Connection("lost".into())));
            }
        }
    }

    /// Advances the time, with every timer at its time.
    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.call.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.wake();
        }
        self.now = end;
    }

    pub(super) fn wake(&mut self) {
        let actions = self.call.handle_timeout(self.now);
        self.act(&actions);
    }

    /// Leaves the call, and checks that nothing is left to do.
    pub(super) fn finish(&mut self, for_everyone: bool) {
        self.handle(Input::Leave { for_everyone });
        if for_everyone {
            // The server does not answer.
            self.wait(Duration::from_secs(5));
        }
        assert_eq!(self.call.state(), CallState::Disconnected);
        assert!(self.call.is_finished());
        assert_eq!(self.call.poll_timeout(), None);
        self.handle(Input::Start);
        self.wait(Duration::from_secs(3600));
    }

    fn received(&mut self, message: ServerMessage) {
        if self.call.socket() == Socket::Open {
            self.handle(Input::Received(message));
        }
    }

    fn one(&self, leg: u8) -> Option<LegId> {
        let at = usize::from(leg).checked_rem(self.legs.len())?;
        // The newest first.
        self.legs.iter().rev().nth(at).cloned()
    }

    fn handle(&mut self, input: Input) {
        let actions = self.call.handle(input, self.now);
        self.act(&actions);
    }

    fn act(&mut self, actions: &[Action]) {
        for action in actions {
            match action {
                Action::OpenLeg { leg, .. } => self.legs.push(leg.clone()),
                Action::Send(message) => {
                    let value = serde_json::to_value(message).expect("a message can be serialized");
                    self.words.learn(&value);
                }
                _ => {}
            }
        }
    }
}

/// Returns one of the targets.
pub(super) fn target(which: u8) -> Target {
    match which % 4 {
        0 => Target::Join(CALLS[0].into()),
        1 => Target::Place(each(&USERS, which >> 2)),
        2 => Target::Answer {
            automatically: true,
        },
        _ => Target::Answer {
            automatically: false,
        },
    }
}

fn one(of: &[&str], which: u8) -> String {
    of[usize::from(which) % of.len()].to_owned()
}

/// Returns the names whose bits are set.
fn each(of: &[&str], bits: u8) -> Vec<String> {
    let chosen = of.iter().zip(0..).filter(|(_, at)| bits >> at & 1 == 1);
    chosen.map(|(name, _)| (*name).to_owned()).collect()
}
