//! A call of a sender and a receiver that is watched.

use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use acscall_tests::pipeline::now;
use acscall_tests::process::Process;
use anyhow::{Context as _, Result, bail, ensure};

use crate::record::{Record, Time};
use crate::world::World;

/// Nothing that is waited for takes as long on any machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Frames before a case begins: rate control and jitter buffer have settled.
const SETTLED: usize = 150;
/// Frames of a sender that replaces a killed one are numbered from here on.
pub(crate) const SECOND_RUN: u32 = 500_000;

/// Who can be stopped or killed.
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
    /// What the receiver's video goes into.
    pub(crate) receiving: Option<String>,
    /// The receiver's `latency`.
    pub(crate) latency: Option<u32>,
    /// The environment of both parties.
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
    teller: Sender<(Who, String)>,
}

impl Call {
    /// A call in which all is well, and has been for some seconds.
    /// The receiver's line is `usual`.
    pub(crate) fn start(setup: Setup, usual: &str) -> Result<Call> {
        acscall_tests::pipeline::init()?;
        let (teller, lines) = channel();
        let mut call = Call {
            world: World::new()?,
            record: Record::default(),
            setup,
            sender: None,
            receiver: None,
            server: None,
            lines,
            teller,
        };
        call.world.line(Who::Receiver.name(), usual)?;
        call.begin(Who::Server)?;
        call.begin(Who::Sender)?;
        call.begin(Who::Receiver)?;
        call.run_until(PATIENCE, |record| {
            record.got.len() > SETTLED && record.sounds.len() > SETTLED
        })
        .context("the call did not come about")?;
        Ok(call)
    }

    /// Starts a party, or starts it again.
    pub(crate) fn begin(&mut self, who: Who) -> Result<()> {
        let user = who.name();
        let joining = self.world.joining(user);
        match who {
            Who::Server => self.server = Some(self.world.serve()?),
            Who::Sender => {
                // Its corner of noise makes as much as the encoder may give.
                let description = format!(
                    "videotestsrc is-live=true ! video/x-raw,format=I420,width={},height=480,\
                     framerate=30/1 ! identity name=draw ! s.video \
                     audiotestsrc is-live=true samplesperbuffer=480 ! audio/x-raw,rate=48000 \
                     ! s.audio acscallsink name=s {joining}",
                    crate::marker::WIDTH
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

    /// SIGKILL.
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

    /// Sends a signal, such as `STOP`.
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
        ensure!(status.success(), "no signal could be sent");
        Ok(())
    }

    /// Takes in what happens for this long.
    pub(crate) fn run(&mut self, time: Duration) -> Result<()> {
        let deadline = clock() + time.as_micros() as Time;
        while self.take_one(deadline)? {}
        Ok(())
    }

    /// Takes in what happens until this holds.
    pub(crate) fn run_until(
        &mut self,
        patience: Duration,
        holds: impl Fn(&Record) -> bool,
    ) -> Result<()> {
        let deadline = clock() + patience.as_micros() as Time;
        while !holds(&self.record) {
            if !self.take_one(deadline)? {
                bail!(
                    "it took longer than {patience:?}; told: {:#?}",
                    self.record.told
                );
            }
        }
        Ok(())
    }

    /// Lets the parties leave, which they can do only if they live.
    pub(crate) fn end(mut self) -> Result<Record> {
        for party in [self.receiver.take(), self.sender.take()] {
            party.context("it runs")?.leave()?;
        }
        if let Some(mut server) = self.server.take() {
            ensure!(server.try_wait()?.is_none(), "the server has ended");
        }
        while let Ok((who, line)) = self.lines.try_recv() {
            self.record.take(who.name(), &line)?;
        }
        Ok(std::mem::take(&mut self.record))
    }

    /// True if something happened before `deadline`.
    fn take_one(&mut self, deadline: Time) -> Result<bool> {
        let left = deadline.saturating_sub(clock());
        match self.lines.recv_timeout(Duration::from_micros(left)) {
            Ok((who, line)) => {
                self.record.take(who.name(), &line)?;
                Ok(clock() < deadline)
            }
            Err(RecvTimeoutError::Timeout) => Ok(false),
            Err(RecvTimeoutError::Disconnected) => bail!("nobody tells anything any more"),
        }
    }

    fn party(&self, who: Who, arguments: &[&str]) -> Result<Process> {
        let mut command = self.world.at(who.name(), std::env::current_exe()?);
        command
            .args(arguments)
            .env("ACSCALL_TOKEN", self.world.token(who.name())?)
            .envs(self.setup.environment.iter().cloned());
        let teller = self.teller.clone();
        Process::start_with(&mut command, move |line| teller.send((who, line)).is_ok())
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

/// The system clock's time, which all processes share.
pub(crate) fn clock() -> Time {
    now().useconds()
}
