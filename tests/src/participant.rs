//! A participant in a separate process: runs src/bin/participant.rs and reads its output.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::pipeline::now;
use crate::process::Process;
use crate::wait::TIMEOUT;

/// The codec of an outgoing stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coding {
    /// Its name in SDP.
    pub codec: String,
    /// The number of encoders; 0 if nobody wants the stream.
    pub encoders: u32,
}

/// See the module. Killed when it is dropped.
pub struct Participant {
    /// The process.
    pub process: Process,
    /// The number of buffers that each sink has received.
    pub frames: BTreeMap<String, u64>,
    /// The newest caps of each sink.
    pub caps: BTreeMap<String, String>,
    /// The bit rate of each pad of acscallsink, in kbit/s.
    pub rates: BTreeMap<String, u64>,
    /// The number of encoded frames of each pad.
    pub encoded: BTreeMap<String, u64>,
    /// The codec of each pad.
    pub codings: BTreeMap<String, Coding>,
    /// Element messages and warnings that no test has waited for yet.
    pub messages: Vec<String>,
}

impl Participant {
    /// Starts `command`, which runs the program `participant`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(command: &mut Command) -> Result<Participant> {
        Ok(Participant {
            process: Process::start(command)?,
            frames: BTreeMap::new(),
            caps: BTreeMap::new(),
            rates: BTreeMap::new(),
            encoded: BTreeMap::new(),
            codings: BTreeMap::new(),
            messages: Vec::new(),
        })
    }

    /// Reads, handles and returns the next line.
    ///
    /// # Errors
    /// No line arrives, or it reports an error or EOS: the pipelines must run on whatever happens
    /// in the call.
    pub fn read(&mut self) -> Result<String> {
        let line = self.process.line(TIMEOUT)?;
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["frames", sink, count] => drop(self.frames.insert(sink.into(), count.parse()?)),
            ["caps", sink, ref caps @ ..] => drop(self.caps.insert(sink.into(), caps.join(" "))),
            ["rate", pad, rate, encoded] => {
                self.rates.insert(pad.into(), rate.parse()?);
                self.encoded.insert(pad.into(), encoded.parse()?);
            }
            ["coding", pad, codec, encoders] => {
                let coding = Coding {
                    codec: codec.into(),
                    encoders: encoders.parse()?,
                };
                self.codings.insert(pad.into(), coding);
            }
            ["message" | "warning", ..] => self.messages.push(line.clone()),
            ["echo", ..] => {}
            _ => bail!("{line}"),
        }
        Ok(line)
    }

    /// Reads lines until `condition` holds. `what` describes it.
    ///
    /// # Errors
    /// That takes longer than [`TIMEOUT`], or as [`Participant::read`].
    pub fn until(&mut self, what: &str, condition: impl Fn(&Participant) -> bool) -> Result<()> {
        let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
        while !condition(self) {
            ensure!(
                now() < deadline,
                "not within {TIMEOUT:?}: {what}; frames: {:?}, rates: {:?}, messages: {:?}",
                self.frames,
                self.rates,
                self.messages
            );
            self.read().with_context(|| what.to_owned())?;
        }
        Ok(())
    }

    /// Reads everything that the process has printed so far.
    ///
    /// # Errors
    /// As [`Participant::read`].
    pub fn catch_up(&mut self) -> Result<()> {
        self.process.write("here")?;
        while self.read()? != "echo here" {}
        Ok(())
    }

    /// The number of buffers that this sink has received.
    #[must_use]
    pub fn count(&self, sink: &str) -> u64 {
        self.frames.get(sink).copied().unwrap_or(0)
    }

    /// Waits until each of these sinks has received `more` buffers.
    ///
    /// # Errors
    /// As [`Participant::until`].
    pub fn wait_frames(&mut self, sinks: &[&str], more: u64) -> Result<()> {
        self.catch_up()?;
        let before = self.frames.clone();
        let has_more = |now: &Participant, sink: &str| {
            now.count(sink) >= before.get(sink).copied().unwrap_or(0) + more
        };
        self.until(&format!("{more} more buffers in {sinks:?}"), |now| {
            sinks.iter().all(|sink| has_more(now, sink))
        })
    }

    /// Waits for an element message or a warning that contains all `parts`. Drops earlier messages.
    ///
    /// # Errors
    /// As [`Participant::until`].
    pub fn wait_message(&mut self, parts: &[&str]) -> Result<()> {
        let is_match = |line: &String| parts.iter().all(|part| line.contains(part));
        self.until(&format!("a message with {parts:?}"), |now| {
            now.messages.iter().any(is_match)
        })?;
        if let Some(at) = self.messages.iter().position(is_match) {
            self.messages.drain(..=at);
        }
        Ok(())
    }
}
