//! Checks that the script of the run explains each message that elements post.

use std::collections::{BTreeMap, BTreeSet};

use acscall::model::Kind;

use crate::expected::{CHILD, Expected, Step};

/// A message of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    State(String),
    Participant {
        user: String,
        session: u32,
        id: String,
        state: String,
    },
    Stream {
        user: String,
        kind: String,
        available: bool,
    },
    /// Another message of acscallsrc or acscallsink.
    Other(String),
    Warning(String),
    Error(String),
}

/// The element that posted a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    pub(crate) user: &'static str,
    /// The number of the pipeline: each join has its own.
    pub(crate) pipeline: u64,
    pub(crate) element: String,
}

/// The state of the call according to the messages of one element.
#[derive(Debug, Default)]
struct Known {
    state: String,
    /// The state of each participant, by its id.
    others: BTreeMap<String, String>,
    streams: BTreeSet<(String, String)>,
}

/// The states that the call had between two checks. Messages arrive late; a check waits for all of
/// them.
#[derive(Clone, Debug, Default)]
struct Window {
    present: BTreeSet<(&'static str, bool)>,
    available: BTreeSet<((&'static str, &'static str), bool)>,
    left: BTreeSet<&'static str>,
}

impl Window {
    fn add(&mut self, expected: &Expected) {
        let present: BTreeSet<_> = expected.present().collect();
        let available = expected.available();
        for name in crate::expected::USERS {
            self.present.insert((name, present.contains(name)));
            for kind in Kind::ALL {
                let is = available.contains(&(name, kind));
                self.available.insert(((name, kind.as_str()), is));
            }
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    known: BTreeMap<Source, Known>,
    expected: Expected,
    now: Window,
    before: Window,
    /// The ids of the child process that runs.
    child: BTreeSet<String>,
    /// The ids of child processes that were killed.
    killed: BTreeSet<String>,
    /// A child was killed before any message about it: messages about its arrival may follow.
    killed_unseen: bool,
}

impl Checker {
    /// Must be called before each step of the script.
    pub(crate) fn step(&mut self, step: &Step) {
        self.now.add(&self.expected);
        self.expected.apply(step);
        if let Step::Leave(user) | Step::Restart(user) | Step::Detach(user) = step {
            self.now.left.insert(user.name());
        }
        if let Step::Restart(user) = step {
            let mut gone = self.expected.clone();
            gone.apply(&Step::Leave(*user));
            self.now.add(&gone);
        }
        self.now.add(&self.expected);
        if *step == Step::Kill {
            self.killed_unseen = self.child.is_empty();
            self.killed.append(&mut self.child);
        }
        if *step == Step::Spawn {
            self.child.clear();
        }
    }

    /// Must be called when all participants have seen the current state.
    pub(crate) fn checked(&mut self) {
        self.before = std::mem::take(&mut self.now);
        self.now.add(&self.expected);
    }

    /// Forgets a pipeline that posts no more messages.
    pub(crate) fn forget(&mut self, pipeline: u64) {
        self.known.retain(|source, _| source.pipeline != pipeline);
    }

    /// Checks a message. Returns a description of what is wrong with it.
    pub(crate) fn check(&mut self, source: &Source, message: &Message) -> Option<String> {
        let wrong = match message {
            Message::State(state) => self.state(source, state),
            Message::Participant {
                user,
                session,
                id,
                state,
            } => {
                if user == CHILD {
                    self.child_is(id);
                }
                self.participant(source, user, *session, id, state)
            }
            Message::Stream {
                user,
                kind,
                available,
            } => self.stream(source, user, kind, *available),
            Message::Warning(text) if self.killed.iter().any(|id| text.contains(id.as_str())) => {
                None
            }
            Message::Other(_) | Message::Warning(_) | Message::Error(_) => {
                Some("nothing explains it")
            }
        };
        wrong.map(|wrong| {
            let Source { user, element, .. } = source;
            format!("{element} of {user} posted {message:?}: {wrong}")
        })
    }

    /// Learns the id of a child process from a message.
    fn child_is(&mut self, id: &str) {
        if self.killed.contains(id) || self.child.contains(id) {
            return;
        }
        // Messages about the next process follow later.
        let owner = match std::mem::take(&mut self.killed_unseen) {
            true => &mut self.killed,
            false => &mut self.child,
        };
        owner.insert(id.to_owned());
    }

    fn state(&mut self, source: &Source, state: &str) -> Option<&'static str> {
        let may_leave = [&self.now, &self.before]
            .iter()
            .any(|window| window.left.contains(source.user));
        let known = self.known.entry(source.clone()).or_default();
        let before = std::mem::replace(&mut known.state, state.to_owned());
        if state == "disconnected" {
            known.others.clear();
            known.streams.clear();
        }
        match (before.as_str(), state) {
            ("" | "disconnected", "connecting" | "connected") | ("connecting", "connected") => None,
            (_, "disconnecting" | "disconnected") if may_leave => None,
            _ => Some("the script has no such change"),
        }
    }

    fn participant(
        &mut self,
        source: &Source,
        user: &str,
        session: u32,
        id: &str,
        state: &str,
    ) -> Option<&'static str> {
        let is_child = user == CHILD;
        let was = |present: bool| {
            self.windows(|w| w.present.iter().any(|(n, p)| *n == user && *p == present))
        };
        let explained = match state {
            "connected" => is_child || was(true),
            "connecting" => self.killed.contains(id),
            _ => is_child || was(false),
        };
        let known = self.known.entry(source.clone()).or_default();
        let before = match state {
            "disconnected" => known.others.remove(id),
            _ => known.others.insert(id.to_owned(), state.to_owned()),
        };
        let follows = match (before.as_deref(), state) {
            (None | Some("connecting"), "connected") => true,
            // A participant that joins finds lost participants.
            (None | Some("connected"), "connecting") => true,
            (Some(_), "disconnected") => true,
            _ => false,
        };
        if session != 1 {
            Some("no user joins twice")
        } else if !explained {
            Some("the script does not explain it")
        } else if !follows {
            Some("it does not follow earlier messages")
        } else {
            None
        }
    }

    fn stream(
        &mut self,
        source: &Source,
        user: &str,
        kind: &str,
        available: bool,
    ) -> Option<&'static str> {
        let explained = user == CHILD
            || self.windows(|window| {
                let mut all = window.available.iter();
                all.any(|((name, k), is)| *name == user && *k == kind && *is == available)
            });
        let known = self.known.entry(source.clone()).or_default();
        let stream = (user.to_owned(), kind.to_owned());
        let follows = match available {
            true => known.streams.insert(stream),
            false => known.streams.remove(&stream),
        };
        if !explained {
            Some("the script does not explain it")
        } else if !follows {
            Some("it does not follow earlier messages")
        } else {
            None
        }
    }

    fn windows(&self, holds: impl Fn(&Window) -> bool) -> bool {
        holds(&self.now) || holds(&self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expected::{Form, STAYING, User};

    fn source() -> Source {
        Source {
            user: STAYING.name(),
            pipeline: 0,
            element: "c".into(),
        }
    }

    fn participant(user: &str, state: &str) -> Message {
        Message::Participant {
            user: user.into(),
            session: 1,
            id: format!("id-of-{user}"),
            state: state.into(),
        }
    }

    fn stream(available: bool) -> Message {
        Message::Stream {
            user: "ann".into(),
            kind: "video".into(),
            available,
        }
    }

    fn checker(steps: &[Step]) -> Checker {
        let mut checker = Checker::default();
        for step in steps {
            checker.step(step);
        }
        checker
    }

    const JOIN: Step = Step::Join(User(1), Form::Both);

    #[test]
    fn the_script_explains_a_message_once() {
        let mut checker = checker(&[JOIN, Step::Start(User(1), Kind::Video, 0)]);
        assert_eq!(
            checker.check(&source(), &participant("ann", "connected")),
            None
        );
        assert_eq!(checker.check(&source(), &stream(true)), None);
        assert!(checker.check(&source(), &stream(true)).is_some(), "twice");
        assert!(
            checker
                .check(&source(), &participant("ann", "connected"))
                .is_some()
        );
        assert!(
            checker
                .check(&source(), &participant("bob", "connected"))
                .is_some()
        );
    }

    #[test]
    fn a_state_that_ended_before_the_last_check_but_one_explains_nothing() {
        let start = Step::Start(User(1), Kind::Video, 0);
        let mut checker = checker(&[JOIN, start, Step::Mute(User(1), Kind::Video, true)]);
        checker.checked();
        assert_eq!(checker.check(&source(), &stream(true)), None);
        assert_eq!(checker.check(&source(), &stream(false)), None);
        checker.checked();
        assert!(checker.check(&source(), &stream(true)).is_some());
    }

    #[test]
    fn only_a_killed_process_may_lose_its_connection() {
        let mut checker = checker(&[JOIN, Step::Spawn]);
        let warning =
            |id: &str| Message::Warning(format!("leg 3 from {id}: the connection was lost"));
        assert_eq!(
            checker.check(&source(), &participant(CHILD, "connected")),
            None
        );
        assert!(checker.check(&source(), &warning("id-of-kid")).is_some());
        checker.step(&Step::Kill);
        assert_eq!(
            checker.check(&source(), &participant(CHILD, "connecting")),
            None
        );
        assert_eq!(checker.check(&source(), &warning("id-of-kid")), None);
        assert!(checker.check(&source(), &warning("id-of-ann")).is_some());
    }

    #[test]
    fn the_loss_of_a_child_that_was_killed_before_any_message_about_it_is_explained() {
        let mut checker = checker(&[JOIN, Step::Spawn, Step::Kill, Step::Spawn]);
        let child = |id: &str, state: &str| Message::Participant {
            user: CHILD.into(),
            session: 1,
            id: id.into(),
            state: state.into(),
        };
        for state in ["connected", "connecting"] {
            assert_eq!(checker.check(&source(), &child("first", state)), None);
        }
        assert_eq!(
            checker.check(&source(), &child("second", "connected")),
            None
        );
        assert!(
            checker
                .check(&source(), &child("second", "connecting"))
                .is_some()
        );
    }

    #[test]
    fn a_call_continues_until_it_is_left() {
        let state = |state: &str| Message::State(state.into());
        let mut checker = checker(&[Step::Join(STAYING, Form::Both)]);
        for name in ["connecting", "connected"] {
            assert_eq!(checker.check(&source(), &state(name)), None);
        }
        assert!(checker.check(&source(), &state("connecting")).is_some());
        assert!(checker.check(&source(), &state("disconnected")).is_some());
        checker.step(&Step::Leave(STAYING));
        assert_eq!(checker.check(&source(), &state("disconnected")), None);
    }

    #[test]
    fn errors_and_stalls_are_never_explained() {
        let mut checker = checker(&[JOIN, Step::Spawn, Step::Kill]);
        assert!(
            checker
                .check(&source(), &Message::Error("no".into()))
                .is_some()
        );
        assert!(
            checker
                .check(&source(), &Message::Other("acscall-stalled".into()))
                .is_some()
        );
    }
}
