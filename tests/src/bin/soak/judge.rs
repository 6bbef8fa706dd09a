//! Which of the messages that elements post the script of the run explains.

use std::collections::{BTreeMap, BTreeSet};

use acscall::model::Kind;

use crate::stage::{CHILD, Stage, Step};

/// What an element told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
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
    /// Another message of ours.
    Other(String),
    Warning(String),
    Error(String),
}

/// Which element told it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Teller {
    pub(crate) user: &'static str,
    /// Each joining has a pipeline of its own.
    pub(crate) pipeline: u64,
    pub(crate) element: String,
}

/// What an element told so far.
#[derive(Debug, Default)]
struct Heard {
    state: String,
    /// The state of each participant, by its id.
    others: BTreeMap<String, String>,
    streams: BTreeSet<(String, String)>,
}

/// What was so for some time between two checks. Messages come some time after what they tell of;
/// a check waits until all is told.
#[derive(Clone, Debug, Default)]
struct Window {
    present: BTreeSet<(&'static str, bool)>,
    available: BTreeSet<((&'static str, &'static str), bool)>,
    left: BTreeSet<&'static str>,
}

impl Window {
    fn add(&mut self, stage: &Stage) {
        let present: BTreeSet<_> = stage.present().collect();
        let available = stage.available();
        for name in crate::stage::USERS {
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
pub(crate) struct Judge {
    heard: BTreeMap<Teller, Heard>,
    stage: Stage,
    now: Window,
    before: Window,
    /// The ids of the child process that runs.
    child: BTreeSet<String>,
    /// The ids of those that were killed.
    killed: BTreeSet<String>,
    /// One was killed before anybody told of it: it may still be told that it came.
    killed_unheard: bool,
}

impl Judge {
    /// The script is about to do this.
    pub(crate) fn step(&mut self, step: &Step) {
        self.now.add(&self.stage);
        self.stage.take(step);
        if let Step::Leave(user) | Step::Restart(user) | Step::Detach(user) = step {
            self.now.left.insert(user.name());
        }
        if let Step::Restart(user) = step {
            let mut gone = self.stage.clone();
            gone.take(&Step::Leave(*user));
            self.now.add(&gone);
        }
        self.now.add(&self.stage);
        if *step == Step::Kill {
            self.killed_unheard = self.child.is_empty();
            self.killed.append(&mut self.child);
        }
        if *step == Step::Spawn {
            self.child.clear();
        }
    }

    /// Everybody has seen what there is.
    pub(crate) fn checked(&mut self) {
        self.before = std::mem::take(&mut self.now);
        self.now.add(&self.stage);
    }

    /// These pipelines tell nothing any more.
    pub(crate) fn forget(&mut self, pipeline: u64) {
        self.heard.retain(|teller, _| teller.pipeline != pipeline);
    }

    /// Takes in what was told; returns what is wrong with it.
    pub(crate) fn told(&mut self, teller: &Teller, what: &What) -> Option<String> {
        let wrong = match what {
            What::State(state) => self.state(teller, state),
            What::Participant {
                user,
                session,
                id,
                state,
            } => {
                if user == CHILD {
                    self.child_is(id);
                }
                self.participant(teller, user, *session, id, state)
            }
            What::Stream {
                user,
                kind,
                available,
            } => self.stream(teller, user, kind, *available),
            What::Warning(text) if self.killed.iter().any(|id| text.contains(id.as_str())) => None,
            What::Other(_) | What::Warning(_) | What::Error(_) => Some("nothing explains it"),
        };
        wrong.map(|wrong| {
            let Teller { user, element, .. } = teller;
            format!("{element} of {user} told {what:?}: {wrong}")
        })
    }

    /// Somebody told of a child process of this id.
    fn child_is(&mut self, id: &str) {
        if self.killed.contains(id) || self.child.contains(id) {
            return;
        }
        // What is told of the next process is told after it.
        let owner = match std::mem::take(&mut self.killed_unheard) {
            true => &mut self.killed,
            false => &mut self.child,
        };
        owner.insert(id.to_owned());
    }

    fn state(&mut self, teller: &Teller, state: &str) -> Option<&'static str> {
        let may_leave = [&self.now, &self.before]
            .iter()
            .any(|window| window.left.contains(teller.user));
        let heard = self.heard.entry(teller.clone()).or_default();
        let before = std::mem::replace(&mut heard.state, state.to_owned());
        if state == "disconnected" {
            heard.others.clear();
            heard.streams.clear();
        }
        match (before.as_str(), state) {
            ("" | "disconnected", "connecting" | "connected") | ("connecting", "connected") => None,
            (_, "disconnecting" | "disconnected") if may_leave => None,
            _ => Some("no such change is in the script"),
        }
    }

    fn participant(
        &mut self,
        teller: &Teller,
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
        let heard = self.heard.entry(teller.clone()).or_default();
        let before = match state {
            "disconnected" => heard.others.remove(id),
            _ => heard.others.insert(id.to_owned(), state.to_owned()),
        };
        let follows = match (before.as_deref(), state) {
            (None | Some("connecting"), "connected") => true,
            // Who joins finds those that are lost.
            (None | Some("connected"), "connecting") => true,
            (Some(_), "disconnected") => true,
            _ => false,
        };
        if session != 1 {
            Some("nobody is there twice")
        } else if !explained {
            Some("the script has nothing of it")
        } else if !follows {
            Some("it does not follow what was told before")
        } else {
            None
        }
    }

    fn stream(
        &mut self,
        teller: &Teller,
        user: &str,
        kind: &str,
        available: bool,
    ) -> Option<&'static str> {
        let explained = user == CHILD
            || self.windows(|window| {
                let mut all = window.available.iter();
                all.any(|((name, k), is)| *name == user && *k == kind && *is == available)
            });
        let heard = self.heard.entry(teller.clone()).or_default();
        let stream = (user.to_owned(), kind.to_owned());
        let follows = match available {
            true => heard.streams.insert(stream),
            false => heard.streams.remove(&stream),
        };
        if !explained {
            Some("the script has nothing of it")
        } else if !follows {
            Some("it does not follow what was told before")
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
    use crate::stage::{Form, STAYING, User};

    fn teller() -> Teller {
        Teller {
            user: STAYING.name(),
            pipeline: 0,
            element: "c".into(),
        }
    }

    fn participant(user: &str, state: &str) -> What {
        What::Participant {
            user: user.into(),
            session: 1,
            id: format!("id-of-{user}"),
            state: state.into(),
        }
    }

    fn stream(available: bool) -> What {
        What::Stream {
            user: "ann".into(),
            kind: "video".into(),
            available,
        }
    }

    fn judge(steps: &[Step]) -> Judge {
        let mut judge = Judge::default();
        for step in steps {
            judge.step(step);
        }
        judge
    }

    const JOIN: Step = Step::Join(User(1), Form::Both);

    #[test]
    fn what_the_script_did_is_explained_and_comes_once() {
        let mut judge = judge(&[JOIN, Step::Start(User(1), Kind::Video, 0)]);
        assert_eq!(
            judge.told(&teller(), &participant("ann", "connected")),
            None
        );
        assert_eq!(judge.told(&teller(), &stream(true)), None);
        assert!(judge.told(&teller(), &stream(true)).is_some(), "twice");
        assert!(
            judge
                .told(&teller(), &participant("ann", "connected"))
                .is_some()
        );
        assert!(
            judge
                .told(&teller(), &participant("bob", "connected"))
                .is_some()
        );
    }

    #[test]
    fn what_was_over_at_two_checks_explains_nothing() {
        let start = Step::Start(User(1), Kind::Video, 0);
        let mut judge = judge(&[JOIN, start, Step::Mute(User(1), Kind::Video, true)]);
        judge.checked();
        assert_eq!(judge.told(&teller(), &stream(true)), None);
        assert_eq!(judge.told(&teller(), &stream(false)), None);
        judge.checked();
        assert!(judge.told(&teller(), &stream(true)).is_some());
    }

    #[test]
    fn a_connection_is_lost_only_by_who_is_killed() {
        let mut judge = judge(&[JOIN, Step::Spawn]);
        let warning = |id: &str| What::Warning(format!("leg 3 from {id}: the connection was lost"));
        assert_eq!(
            judge.told(&teller(), &participant(CHILD, "connected")),
            None
        );
        assert!(judge.told(&teller(), &warning("id-of-kid")).is_some());
        judge.step(&Step::Kill);
        assert_eq!(
            judge.told(&teller(), &participant(CHILD, "connecting")),
            None
        );
        assert_eq!(judge.told(&teller(), &warning("id-of-kid")), None);
        assert!(judge.told(&teller(), &warning("id-of-ann")).is_some());
    }

    #[test]
    fn who_is_killed_before_it_is_told_of_is_lost_for_a_reason() {
        let mut judge = judge(&[JOIN, Step::Spawn, Step::Kill, Step::Spawn]);
        let told = |id: &str, state: &str| What::Participant {
            user: CHILD.into(),
            session: 1,
            id: id.into(),
            state: state.into(),
        };
        for state in ["connected", "connecting"] {
            assert_eq!(judge.told(&teller(), &told("first", state)), None);
        }
        assert_eq!(judge.told(&teller(), &told("second", "connected")), None);
        assert!(
            judge
                .told(&teller(), &told("second", "connecting"))
                .is_some()
        );
    }

    #[test]
    fn a_call_goes_on_until_it_is_left() {
        let state = |state: &str| What::State(state.into());
        let mut judge = judge(&[Step::Join(STAYING, Form::Both)]);
        for told in ["connecting", "connected"] {
            assert_eq!(judge.told(&teller(), &state(told)), None);
        }
        assert!(judge.told(&teller(), &state("connecting")).is_some());
        assert!(judge.told(&teller(), &state("disconnected")).is_some());
        judge.step(&Step::Leave(STAYING));
        assert_eq!(judge.told(&teller(), &state("disconnected")), None);
    }

    #[test]
    fn errors_and_stalls_are_never_explained() {
        let mut judge = judge(&[JOIN, Step::Spawn, Step::Kill]);
        assert!(judge.told(&teller(), &What::Error("no".into())).is_some());
        assert!(
            judge
                .told(&teller(), &What::Other("acscall-stalled".into()))
                .is_some()
        );
    }
}
