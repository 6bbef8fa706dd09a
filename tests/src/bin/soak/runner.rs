//! Performs the steps, and checks that all participants see and receive what they should.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use acscall::model::Kind;
use acscall_tests::pipeline::{TIMEOUT, now};
use acscall_tests::process::{Process, program};
use anyhow::{Context, Result, bail};

use crate::actor::{Actor, Place};
use crate::checker::{Checker, Message, Source};
use crate::expected::{CHILD, Expected, STAYING, Step, Stream, User};

/// The interval between two checks of what participants see.
const LOOK: Duration = Duration::from_millis(20);
/// A stream flows if this many more buffers arrive.
const FLOWS: u64 = 3;

/// See the module.
pub(crate) struct Runner {
    place: Place,
    receiver: Receiver<(Source, Message)>,
    actors: BTreeMap<User, Actor>,
    child: Option<Process>,
    expected: Expected,
    checker: Checker,
    /// Whether other programs keep the machine busy.
    is_busy: bool,
    /// The findings so far.
    pub(crate) findings: Vec<String>,
    /// The number of messages so far.
    pub(crate) messages: u64,
    pipelines: u64,
}

impl Runner {
    pub(crate) fn new(server: String, is_busy: bool) -> Runner {
        let (sender, receiver) = channel();
        Runner {
            place: Place { server, sender },
            receiver,
            actors: BTreeMap::new(),
            child: None,
            expected: Expected::default(),
            checker: Checker::default(),
            is_busy,
            findings: Vec::new(),
            messages: 0,
            pipelines: 0,
        }
    }

    /// Performs a step.
    ///
    /// # Errors
    /// It cannot be performed, which is a finding too.
    pub(crate) fn perform(&mut self, step: &Step) -> Result<()> {
        self.checker.step(step);
        self.act(step).with_context(|| step.to_string())?;
        self.expected.apply(step);
        Ok(())
    }

    fn act(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Join(user, form) => {
                let number = self.next_pipeline();
                let actor = Actor::join(*user, *form, &self.place, number)?;
                self.actors.insert(*user, actor);
            }
            Step::Leave(user) => {
                let mut actor = self.actors.remove(user).context("the participant exists")?;
                let numbers = [Some(actor.number), actor.detach()];
                drop(actor);
                self.forget(numbers.into_iter().flatten());
            }
            Step::Restart(user) => self.actor(user)?.restart()?,
            Step::Start(user, kind, source) => self.actor(user)?.start(*kind, *source)?,
            Step::Switch(user, kind, source) => self.actor(user)?.switch(*kind, *source)?,
            Step::Stop(user, kind, end) => self.actor(user)?.stop(*kind, *end)?,
            Step::Mute(user, kind, muted) => self.actor(user)?.mute(*kind, *muted)?,
            Step::Read(user, stream) => self.actor(user)?.read(stream)?,
            Step::Unread(user, stream) => self.actor(user)?.unread(stream)?,
            Step::Attach(user) => {
                let number = self.next_pipeline();
                self.actor(user)?.attach(number)?;
            }
            Step::Detach(user) => {
                let number = self.actor(user)?.detach();
                self.forget(number.into_iter());
            }
            Step::Spawn => self.child = Some(spawn(&self.place.server)?),
            Step::Kill => drop(self.child.take()),
            Step::Dismiss => self.child.take().context("it runs")?.leave()?,
            Step::Check => self.check()?,
            Step::Rest => {}
        }
        Ok(())
    }

    /// Handles messages for this long.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = now() + gst::ClockTime::from_nseconds(time.as_nanos() as u64);
        loop {
            let rest = Duration::from(end.saturating_sub(now()));
            match self.receiver.recv_timeout(rest) {
                Ok((source, message)) => self.handle_message(&source, &message),
                Err(_) => break,
            }
        }
        self.read_child();
    }

    fn handle_message(&mut self, source: &Source, message: &Message) {
        self.messages += 1;
        if let Message::Warning(text) = message
            && self.is_excused(text)
        {
            return;
        }
        let wrong = self.checker.check(source, message);
        self.findings.extend(wrong);
    }

    fn read_child(&mut self) {
        let Some(child) = &self.child else { return };
        while let Ok(line) = child.line(Duration::ZERO) {
            if (line.starts_with("error ") || line.starts_with("warning "))
                && !self.is_excused(&line)
            {
                self.findings
                    .push(format!("the process {CHILD} posted: {line}"));
            }
        }
    }

    /// Whether a warning is expected on a busy machine: a leg may not connect in time. The next one
    /// gets more time; a check waits for it.
    fn is_excused(&self, warning: &str) -> bool {
        self.is_busy && warning.contains("it did not connect within")
    }

    fn forget(&mut self, pipelines: impl Iterator<Item = u64>) {
        // Handles the messages that they posted while they ended.
        self.run_for(Duration::ZERO);
        for pipeline in pipelines {
            self.checker.forget(pipeline);
        }
    }

    /// Waits until all participants see all others and their streams, and receive what they read.
    fn check(&mut self) -> Result<()> {
        let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
        let mut before = None;
        loop {
            self.run_for(LOOK);
            let missing = match (self.unseen()?, &before) {
                (Some(unseen), _) => Some(unseen),
                // Buffers count from the moment when everything is seen.
                (None, None) => {
                    before = Some(self.counts());
                    continue;
                }
                (None, Some(before)) => self.not_received(before),
            };
            let Some(missing) = missing else { break };
            if now() > deadline {
                let mut all = missing;
                for actor in self.actors.values() {
                    if let Some(stats) = actor.stats() {
                        all.push_str(&format!("\n    {stats}"));
                    }
                }
                bail!("{all}");
            }
        }
        self.checker.checked();
        Ok(())
    }

    /// Describes the first participant that does not see all others and their streams.
    fn unseen(&self) -> Result<Option<String>> {
        let streams = self.expected.available();
        for (user, actor) in &self.actors {
            let present = self.expected.present().filter(|name| *name != user.name());
            let present: BTreeSet<_> = present.map(str::to_owned).collect();
            let available = streams.iter().filter(|(name, _)| *name != user.name());
            let available: BTreeSet<_> = available
                .map(|(name, kind)| format!("{kind}_{name}"))
                .collect();
            for (property, expected) in [("participants", present), ("streams", available)] {
                let seen: BTreeSet<_> = actor.seen(property)?.into_iter().collect();
                // A killed participant is kept for a while.
                let is_gone = |name: &String| !self.expected.child && name.ends_with(CHILD);
                let seen: BTreeSet<_> = seen.into_iter().filter(|name| !is_gone(name)).collect();
                if seen != expected {
                    return Ok(Some(format!(
                        "{user} sees the {property} {seen:?}, but there are {expected:?}"
                    )));
                }
            }
        }
        Ok(None)
    }

    fn counts(&self) -> BTreeMap<User, BTreeMap<Stream, u64>> {
        let actors = self.actors.iter();
        actors
            .map(|(user, actor)| (*user, actor.counts()))
            .collect()
    }

    /// Describes the first stream that is read and does not flow.
    fn not_received(&self, before: &BTreeMap<User, BTreeMap<Stream, u64>>) -> Option<String> {
        let streams = self.expected.available();
        for (user, counts) in self.counts() {
            for (stream, count) in counts {
                let flows = match &stream {
                    Stream::Mix => true,
                    Stream::Of(name, kind) => streams.contains(&(name, *kind)),
                    // It may be bound to a participant that sends nothing now.
                    Stream::Any(_) => false,
                };
                let before = before.get(&user)?.get(&stream)?;
                if flows && count < before + FLOWS {
                    return Some(format!("{user} receives nothing of {stream}"));
                }
            }
        }
        None
    }

    fn actor(&mut self, user: &User) -> Result<&mut Actor> {
        self.actors.get_mut(user).context("the participant exists")
    }

    fn next_pipeline(&mut self) -> u64 {
        self.pipelines += 1;
        self.pipelines
    }
}

/// The participant that is killed: sends two streams and reads two.
fn spawn(server: &str) -> Result<Process> {
    let call = format!("server={server} call=soak user={CHILD} embedded-server=false");
    let [audio, video] = [Kind::Audio, Kind::Video].map(|kind| format!("{kind}_{STAYING}"));
    let description = format!(
        "acscallsink name=s {call} audiotestsrc is-live=true ! s.audio \
         videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=10/1 ! s.video \
         acscallsrc name=c {call} \
         c.{audio} ! fakesink name=a sync=false async=false \
         c.{video} ! fakesink name=v sync=false async=false"
    );
    Process::start(Command::new(program("participant")?).arg(description))
}
