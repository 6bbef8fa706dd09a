//! The expected state of the call: who is in it, and what each participant sends and reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use acscall::model::Kind;

/// The participants of this process, by number. The first one stays in the call in all rounds, so that
/// leaks within a long call show.
pub(crate) const USERS: [&str; 4] = ["stay", "ann", "bob", "cid"];
/// The participant that stays.
pub(crate) const STAYING: User = User(0);
/// The participant in a separate process, which may be killed.
pub(crate) const CHILD: &str = "kid";

/// One of [`USERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct User(pub(crate) usize);

impl User {
    pub(crate) fn all() -> impl Iterator<Item = User> {
        (0..USERS.len()).map(User)
    }

    pub(crate) fn name(self) -> &'static str {
        USERS[self.0]
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which elements a participant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Both,
    Sends,
    Receives,
}

impl Form {
    pub(crate) fn sends(self) -> bool {
        self != Form::Receives
    }

    pub(crate) fn receives(self) -> bool {
        self != Form::Sends
    }
}

/// A stream to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stream {
    /// The mix.
    Mix,
    /// The stream of this participant, present or not.
    Of(&'static str, Kind),
    /// The first stream of this kind.
    Any(Kind),
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stream::Mix => f.write_str("audio"),
            Stream::Of(user, kind) => write!(f, "{kind}_{user}"),
            Stream::Any(kind) => write!(f, "{kind}_*"),
        }
    }
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By EOS; the pad stays.
    Eos,
    /// By releasing its pad.
    Release,
}

/// A step of the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Join(User, Form),
    Leave(User),
    /// Through READY, with all pads kept.
    Restart(User),
    /// Start sending one of the sources of this kind, by number.
    Start(User, Kind, usize),
    /// Switch to another source on the same pad.
    Switch(User, Kind, usize),
    Stop(User, Kind, End),
    Mute(User, Kind, bool),
    Read(User, Stream),
    Unread(User, Stream),
    /// Another pipeline of the process joins as the same user.
    Attach(User),
    Detach(User),
    /// The child process joins.
    Spawn,
    /// Kill the child process with SIGKILL.
    Kill,
    /// The child process leaves in an orderly way.
    Dismiss,
    /// All participants must see and receive the current streams.
    Check,
    /// Measure memory.
    Rest,
}

impl Step {
    /// The kind of step, for the table.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Step::Join(..) => "join",
            Step::Leave(_) => "leave",
            Step::Restart(_) => "leave and join with all pads",
            Step::Start(..) => "start a stream",
            Step::Switch(..) => "switch its source",
            Step::Stop(_, _, End::Eos) => "stop it with EOS",
            Step::Stop(_, _, End::Release) => "stop it with its pad",
            Step::Mute(_, _, true) => "mute",
            Step::Mute(_, _, false) => "unmute",
            Step::Read(..) => "read a stream",
            Step::Unread(..) => "stop reading",
            Step::Attach(_) => "second pipeline in the call",
            Step::Detach(_) => "second pipeline gone",
            Step::Spawn => "process joins",
            Step::Kill => "process killed",
            Step::Dismiss => "process leaves",
            Step::Check => "check what all see and receive",
            Step::Rest => "rest",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Join(user, form) => write!(f, "join {user} {form:?}"),
            Step::Leave(user) => write!(f, "leave {user}"),
            Step::Restart(user) => write!(f, "restart {user}"),
            Step::Start(user, kind, source) => write!(f, "start {user} {kind} {source}"),
            Step::Switch(user, kind, source) => write!(f, "switch {user} {kind} {source}"),
            Step::Stop(user, kind, end) => write!(f, "stop {user} {kind} {end:?}"),
            Step::Mute(user, kind, muted) => write!(f, "mute {user} {kind} {muted}"),
            Step::Read(user, stream) => write!(f, "read {user} {stream}"),
            Step::Unread(user, stream) => write!(f, "unread {user} {stream}"),
            Step::Attach(user) => write!(f, "attach {user}"),
            Step::Detach(user) => write!(f, "detach {user}"),
            Step::Spawn | Step::Kill | Step::Dismiss | Step::Check | Step::Rest => {
                f.write_str(self.name())
            }
        }
    }
}

/// A pad of a participant's sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) runs: bool,
    pub(crate) muted: bool,
}

/// A participant that is in the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Present {
    pub(crate) form: Form,
    pub(crate) lanes: BTreeMap<Kind, Lane>,
    pub(crate) reads: BTreeSet<Stream>,
    pub(crate) attached: bool,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    present: BTreeMap<User, Present>,
    pub(crate) child: bool,
}

impl Expected {
    pub(crate) fn get(&self, user: User) -> Option<&Present> {
        self.present.get(&user)
    }

    /// The names of all participants.
    pub(crate) fn present(&self) -> impl Iterator<Item = &'static str> {
        let child = self.child.then_some(CHILD);
        self.present.keys().map(|user| user.name()).chain(child)
    }

    /// All available streams.
    pub(crate) fn available(&self) -> BTreeSet<(&'static str, Kind)> {
        let child = [(CHILD, Kind::Audio), (CHILD, Kind::Video)];
        let child = child.into_iter().filter(|_| self.child);
        self.present
            .iter()
            .flat_map(|(user, present)| {
                let lanes = present.lanes.iter();
                let sent = lanes.filter(|(_, lane)| lane.runs && !lane.muted);
                sent.map(|(kind, _)| (user.name(), *kind))
            })
            .chain(child)
            .collect()
    }

    /// Whether the step is possible now.
    pub(crate) fn allows(&self, step: &Step) -> bool {
        let present = |user: &User| self.present.get(user);
        let lane = |user: &User, kind: &Kind| present(user)?.lanes.get(kind).copied();
        match step {
            Step::Join(user, _) => present(user).is_none(),
            Step::Leave(user) | Step::Restart(user) => present(user).is_some(),
            Step::Start(user, kind, _) => {
                present(user).is_some_and(|p| p.form.sends())
                    && !lane(user, kind).is_some_and(|lane| lane.runs)
            }
            Step::Switch(user, kind, _) | Step::Stop(user, kind, _) => {
                lane(user, kind).is_some_and(|lane| lane.runs)
            }
            Step::Mute(user, kind, muted) => {
                lane(user, kind).is_some_and(|lane| lane.muted != *muted)
            }
            Step::Read(user, stream) => {
                let own = matches!(stream, Stream::Of(name, _) if *name == user.name());
                !own && present(user)
                    .is_some_and(|p| p.form.receives() && !p.reads.contains(stream))
            }
            Step::Unread(user, stream) => present(user).is_some_and(|p| p.reads.contains(stream)),
            Step::Attach(user) => present(user).is_some_and(|p| !p.attached),
            Step::Detach(user) => present(user).is_some_and(|p| p.attached),
            Step::Spawn => !self.child,
            Step::Kill | Step::Dismiss => self.child,
            Step::Check | Step::Rest => true,
        }
    }

    /// Applies a step.
    pub(crate) fn apply(&mut self, step: &Step) {
        match step {
            Step::Join(user, form) => {
                let present = Present {
                    form: *form,
                    lanes: BTreeMap::new(),
                    reads: BTreeSet::new(),
                    attached: false,
                };
                self.present.insert(*user, present);
            }
            Step::Leave(user) => {
                self.present.remove(user);
            }
            Step::Start(user, kind, _) => {
                if let Some(present) = self.present.get_mut(user) {
                    let lane = present.lanes.entry(*kind).or_insert(Lane {
                        runs: true,
                        muted: false,
                    });
                    lane.runs = true;
                }
            }
            Step::Stop(user, kind, end) => {
                if let Some(present) = self.present.get_mut(user) {
                    match (end, present.lanes.get_mut(kind)) {
                        (End::Eos, Some(lane)) => lane.runs = false,
                        _ => drop(present.lanes.remove(kind)),
                    }
                }
            }
            Step::Mute(user, kind, muted) => {
                let present = self.present.get_mut(user);
                if let Some(lane) = present.and_then(|present| present.lanes.get_mut(kind)) {
                    lane.muted = *muted;
                }
            }
            Step::Read(user, stream) => {
                if let Some(present) = self.present.get_mut(user) {
                    present.reads.insert(stream.clone());
                }
            }
            Step::Unread(user, stream) => {
                if let Some(present) = self.present.get_mut(user) {
                    present.reads.remove(stream);
                }
            }
            Step::Attach(user) | Step::Detach(user) => {
                if let Some(present) = self.present.get_mut(user) {
                    present.attached = matches!(step, Step::Attach(_));
                }
            }
            Step::Spawn => self.child = true,
            Step::Kill | Step::Dismiss => self.child = false,
            Step::Restart(_) | Step::Switch(..) | Step::Check | Step::Rest => {}
        }
    }
}
