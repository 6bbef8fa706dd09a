//! A call between a sender and a receiver, and the record of its events.

use std::process::{Child, Command};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Sender,
    Receiver,
    Server,
}

impl Who {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Who::Sender => "sender",
            Who::Receiver => "receiver",
            Who::Server => "server",
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
    sender: Option<Process>,
    receiver: Option<Process>,
    server: Option<Child>,
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
            sender: None,
            receiver: None,
            server: None,
            lines,
            line_sender,
        };
        call.world.line(Who::Receiver.name(), usual)?;
        call.begin(Who::Server)?;
        call.begin(Who::Sender)?;
        call.begin(Who::Receiver)?;
        call.run_until(PATIENCE, |record| {
            record.got.len() > SETTLED && record.sounds.len() > SETTLED
        })
        .context("no media flows")?;
        Ok(call)
    }

    /// Starts a process, or restarts it.
    pub(crate) fn begin(&mut self, who: Who) -> Result<()> {
        let user = who.name();
        let joining = self.world.joining(user);
        match who {
            Who::Server => self.server = Some(self.world.serve()?),
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
                let arguments = ["--party", user, &description, &first];
                self.sender = Some(self.party(who, &arguments)?);
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
                let arguments = ["--party", user, &description];
                self.receiver = Some(self.party(who, &arguments)?);
            }
        }
        Ok(())
    }

    /// Kills a process with SIGKILL.
    pub(crate) fn kill(&mut self, who: Who) -> Result<()> {
        match who {
            Who::Sender => drop(self.sender.take()),
            Who::Receiver => drop(self.receiver.take()),
            Who::Server => {
                let mut server = self.server.take().context("the server runs")?;
                server.kill()?;
                server.wait()?;
            }
        }
        Ok(())
    }

    /// Sends a signal such as `STOP`.
    pub(crate) fn signal(&self, who: Who, signal: &str) -> Result<()> {
        let id = match who {
            Who::Sender => self.sender.as_ref().map(Process::id),
            Who::Receiver => self.receiver.as_ref().map(Process::id),
            Who::Server => self.server.as_ref().map(Child::id),
        };
        let id = id.context("it runs")?.to_string();
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
        for party in [self.receiver.take(), self.sender.take()] {
            party.context("it runs")?.leave()?;
        }
        if let Some(mut server) = self.server.take() {
            ensure!(server.try_wait()?.is_none(), "the server has ended");
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
        let mut command = self.world.at(who.name(), std::env::current_exe()?);
        command
            .args(arguments)
            .env("ACSCALL_TOKEN", self.world.token(who.name())?)
            .envs(self.setup.environment.iter().cloned());
        let sender = self.line_sender.clone();
        Process::start_with(&mut command, move |line| sender.send((who, line)).is_ok())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _already_over = server.kill();
            let _already_reaped = server.wait();
        }
    }
}

/// The time of the system clock, which is the same in all processes.
pub(crate) fn clock() -> Time {
    now().useconds()
}
