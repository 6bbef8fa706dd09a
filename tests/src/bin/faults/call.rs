//! A call between a sender and a receiver, and the record of its events.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use acscall_tests::pipeline::now;
use acscall_tests::process::Process;
use anyhow::{Context as _, Result, bail, ensure};

use crate::party::WIDTH;
use crate::record::{Record, Time};
use crate::world::World;

/// Longer than any wait takes on any machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Frames before a case starts: rate control and the jitter buffer are steady.
const SETTLED: usize = 150;
/// The first frame number of a sender that replaces a killed one.
pub(crate) const SECOND_RUN: u32 = 500_000;

/// A process that can be stopped or killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Server,
    Sender,
    Receiver,
}

impl Who {
    pub(crate) const ALL: [Who; 3] = [Who::Server, Who::Sender, Who::Receiver];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Who::Server => "server",
            Who::Sender => "sender",
            Who::Receiver => "receiver",
        }
    }
}

/// How the parties are started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setup {
    /// The elements that receive the video; a fakesink by default.
    pub(crate) receiving: Option<String>,
    /// The receiver's `latency`.
    pub(crate) latency: Option<u32>,
    /// Environment variables of both parties.
    pub(crate) environment: Vec<(String, String)>,
}

/// See the module.
pub(crate) struct Call {
    pub(crate) world: World,
    pub(crate) record: Record,
    setup: Setup,
    processes: BTreeMap<Who, Process>,
    lines: Receiver<(Who, String)>,
    line_sender: Sender<(Who, String)>,
}

impl Call {
    /// Starts a call and waits until media has been flowing for some seconds. `usual` are the
    /// conditions of the receiver's line.
    pub(crate) fn start(setup: Setup, usual: &str) -> Result<Call> {
        acscall_tests::pipeline::init()?;
        let (line_sender, lines) = channel();
        let mut call = Call {
            world: World::new()?,
            record: Record::default(),
            setup,
            processes: BTreeMap::new(),
            lines,
            line_sender,
        };
        call.world.line(Who::Receiver, usual)?;
        for who in Who::ALL {
            call.begin(who)?;
        }
        call.run_until(PATIENCE, |record| {
            record.got.len() > SETTLED && record.sounds.len() > SETTLED
        })
        .context("no media flows")?;
        Ok(call)
    }

    /// Starts a process, or restarts it.
    pub(crate) fn begin(&mut self, who: Who) -> Result<()> {
        let user = who.name();
        let joining = self.world.joining(who);
        let process = match who {
            Who::Server => self.world.serve()?,
            Who::Sender => {
                // The noise in one corner makes the encoder use its full bit rate.
                let description = format!(
                    "videotestsrc is-live=true ! video/x-raw,format=I420,width={WIDTH},height=480,\
                     framerate=30/1 ! identity name=draw ! s.video \
                     audiotestsrc is-live=true samplesperbuffer=480 ! audio/x-raw,rate=48000 \
                     ! s.audio acscallsink name=s {joining}"
                );
                let first = match self.record.sent.is_empty() {
                    true => 0,
                    false => SECOND_RUN,
                };
                let first = first.to_string();
                self.party(who, &["--party", user, &description, &first])?
            }
            Who::Receiver => {
                let sink = "fakesink name=video sync=false async=false";
                let into = self.setup.receiving.as_deref().unwrap_or(sink);
                let latency = self.setup.latency;
                let latency = latency.map_or(String::new(), |ms| format!("latency={ms}"));
                let description = format!(
                    "acscallsrc name=c {joining} {latency} c.video_sender ! {into} \
                     c.audio_sender ! fakesink name=audio sync=false async=false"
                );
                self.party(who, &["--party", user, &description])?
            }
        };
        self.processes.insert(who, process);
        Ok(())
    }

    /// Kills a process with SIGKILL.
    pub(crate) fn kill(&mut self, who: Who) -> Result<()> {
        drop(self.processes.remove(&who).context("it runs")?);
        Ok(())
    }

    /// Sends a signal such as `STOP`.
    pub(crate) fn signal(&self, who: Who, signal: &str) -> Result<()> {
        let process = self.processes.get(&who).context("it runs")?;
        let id = process.id().to_string();
        let status = Command::new("kill")
            .args([&format!("-{signal}"), &id])
            .status()?;
        ensure!(status.success(), "the signal could not be sent");
        Ok(())
    }

    /// Records events for this long.
    pub(crate) fn run(&mut self, time: Duration) -> Result<()> {
        let deadline = clock() + time.as_micros() as Time;
        while self.take_one(deadline)? {}
        Ok(())
    }

    /// Records events until `holds` returns true.
    pub(crate) fn run_until(
        &mut self,
        patience: Duration,
        holds: impl Fn(&Record) -> bool,
    ) -> Result<()> {
        let deadline = clock() + patience.as_micros() as Time;
        while !holds(&self.record) {
            if !self.take_one(deadline)? {
                bail!(
                    "it took longer than {patience:?}; messages: {:#?}",
                    self.record.messages
                );
            }
        }
        Ok(())
    }

    /// Makes the parties leave, which fails if one has died, and returns the record.
    pub(crate) fn end(mut self) -> Result<Record> {
        for who in [Who::Receiver, Who::Sender] {
            self.processes.remove(&who).context("it runs")?.leave()?;
        }
        for server in self.processes.values_mut() {
            ensure!(server.is_running()?, "the server has ended");
        }
        while let Ok((who, line)) = self.lines.try_recv() {
            self.record.add(who.name(), &line)?;
        }
        Ok(std::mem::take(&mut self.record))
    }

    /// Records one event. Returns false at `deadline`.
    fn take_one(&mut self, deadline: Time) -> Result<bool> {
        let left = deadline.saturating_sub(clock());
        match self.lines.recv_timeout(Duration::from_micros(left)) {
            Ok((who, line)) => {
                self.record.add(who.name(), &line)?;
                Ok(clock() < deadline)
            }
            Err(RecvTimeoutError::Timeout) => Ok(false),
            Err(RecvTimeoutError::Disconnected) => bail!("all processes have ended"),
        }
    }

    fn party(&self, who: Who, arguments: &[&str]) -> Result<Process> {
        let mut command = self.world.participant(who, std::env::current_exe()?)?;
        command
            .args(arguments)
            .envs(self.setup.environment.iter().cloned());
        let sender = self.line_sender.clone();
        Process::start_with(&mut command, move |line| sender.send((who, line)).is_ok())
    }
}

/// The time of the system clock, which is the same in all processes.
pub(crate) fn clock() -> Time {
    now().useconds()
}
