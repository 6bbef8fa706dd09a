//! Participants in processes of their own, and pipelines.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gst::prelude::*;

/// Nothing that is waited for takes as long on any machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// A pipeline that is stopped when dropped.
pub(crate) struct Pipeline(pub(crate) gst::Pipeline);

impl Pipeline {
    pub(crate) fn new(description: &str) -> Result<Pipeline> {
        // A single element would be returned as such, not in a pipeline.
        let contents = gst::parse::bin_from_description(description, false)
            .with_context(|| description.to_string())?;
        let pipeline = gst::Pipeline::new();
        pipeline.add(&contents)?;
        Ok(Pipeline(pipeline))
    }

    pub(crate) fn playing(description: &str) -> Result<Pipeline> {
        let pipeline = Pipeline::new(description)?;
        pipeline.0.set_state(gst::State::Playing)?;
        Ok(pipeline)
    }

    /// The bin that holds the described elements.
    pub(crate) fn contents(&self) -> Result<gst::Bin> {
        let first = self.0.children().into_iter().next();
        first.and_then(|child| child.downcast().ok()).context("a pipeline holds its bin")
    }

    pub(crate) fn element(&self, name: &str) -> Result<gst::Element> {
        self.0.by_name(name).with_context(|| format!("no element '{name}'"))
    }

    /// Gets a message for each buffer that enters the element: the system clock's time.
    pub(crate) fn arrivals(&self, sink: &str) -> Result<Receiver<gst::ClockTime>> {
        let (sender, arrivals) = channel();
        let pad = self.element(sink)?.static_pad("sink").context("it has a sink pad")?;
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            let _nobody_counts_any_more = sender.send(now());
            gst::PadProbeReturn::Ok
        });
        Ok(arrivals)
    }

    /// Waits for an element message of which `wanted` holds.
    pub(crate) fn wait_message(&self, wanted: impl Fn(&gst::StructureRef) -> bool) -> Result<()> {
        let bus = self.0.bus().context("a pipeline has a bus")?;
        let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
        while now() < deadline {
            let types = [gst::MessageType::Element, gst::MessageType::Error];
            match bus.timed_pop_filtered(gst::ClockTime::from_mseconds(200), &types) {
                Some(message) => match message.view() {
                    gst::MessageView::Error(error) => bail!("{} ({:?})", error.error(), error.debug()),
                    _ if message.structure().is_some_and(&wanted) => return Ok(()),
                    _ => {}
                },
                None => {}
            }
        }
        bail!("an awaited message did not come")
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let _already_stopped = self.0.set_state(gst::State::Null);
    }
}

/// The system clock's time: the same in all processes of the machine.
pub(crate) fn now() -> gst::ClockTime {
    gst::SystemClock::obtain().time()
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A participant in a process of its own, ended when dropped.
pub(crate) struct Participant {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Participant {
    /// Starts this program again as `role`.
    pub(crate) fn start(role: &str, arguments: &[&str]) -> Result<Participant> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--role", role])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().context("its output is piped")?);
        Ok(Participant { child, lines })
    }

    /// Waits for the next line that it prints.
    pub(crate) fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            bail!("a participant ended early");
        }
        Ok(line.trim().to_string())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        // Its standard input closes, which is its sign to leave.
        drop(self.child.stdin.take());
        let _already_over = self.child.wait();
    }
}

/// Plays a participant's role until standard input closes.
pub(crate) fn play(role: &str, arguments: &[&str]) -> Result<()> {
    match (role, arguments) {
        // Plays a pipeline and says so.
        ("pipeline", [description]) => {
            let pipeline = Pipeline::playing(description)?;
            pipeline.wait_message(|told| {
                told.name() == "acscall-state" && told.get::<&str>("state") == Ok("connected")
            })?;
            say("connected")?;
            wait_for_end();
            drop(pipeline);
            Ok(())
        }
        // Joins, and tells after how many ms the first frame was there.
        ("join", [description]) => {
            let pipeline = Pipeline::new(description)?;
            let arrivals = pipeline.arrivals("first")?;
            let begun = now();
            pipeline.0.set_state(gst::State::Playing)?;
            let first = arrivals.recv_timeout(TIMEOUT).context("no frame came")?;
            say(&format!("{}", (first - begun).nseconds() as f64 / 1e6))
        }
        _ => bail!("no role is called '{role}'"),
    }
}

fn say(line: &str) -> Result<()> {
    let mut output = std::io::stdout();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}

fn wait_for_end() {
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line).is_ok_and(|count| count > 0) {}
}
