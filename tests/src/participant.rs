//! Somebody in a call, in a process of its own: src/bin/participant.rs, and what it prints.

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
    /// How many encoders there are; none where nobody wants the stream.
    pub encoders: u32,
}

/// See the module. Killed when it is dropped.
pub struct Participant {
    /// The process.
    pub process: Process,
    /// How many buffers came to each sink.
    pub frames: BTreeMap<String, u64>,
    /// The newest caps of each sink.
    pub caps: BTreeMap<String, String>,
    /// The bit rate of each pad of acscallsink, in kbit/s.
    pub rates: BTreeMap<String, u64>,
    /// How many buffers of it were encoded.
    pub encoded: BTreeMap<String, u64>,
    /// The codec of each pad.
    pub codings: BTreeMap<String, Coding>,
    /// Element messages and warnings that nobody has asked for yet.
    pub messages: Vec<String>,
}

impl Participant {
    /// Starts `command`, which becomes the program `participant`.
    ///
    /// # Errors
    /// If it cannot be started.
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

    /// Takes in one more line, which it returns.
    ///
    /// # Errors
    /// If there is none, or it tells of an error or the end of the stream: a call's pipelines go
    /// on whatever happens in the call.
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
            ["told" | "warning", ..] => self.messages.push(line.clone()),
            ["echo", ..] => {}
            _ => bail!("{line}"),
        }
        Ok(line)
    }

    /// Reads on until it `is_so`.
    ///
    /// # Errors
    /// If that takes longer than [`TIMEOUT`], or as [`Participant::read`].
    pub fn until(&mut self, what: &str, is_so: impl Fn(&Participant) -> bool) -> Result<()> {
        let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
        while !is_so(self) {
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

    /// Takes in all that it has printed up to now.
    ///
    /// # Errors
    /// As [`Participant::read`].
    pub fn catch_up(&mut self) -> Result<()> {
        self.process.write("here")?;
        while self.read()? != "echo here" {}
        Ok(())
    }

    /// How many buffers came to this sink.
    #[must_use]
    pub fn count(&self, sink: &str) -> u64 {
        self.frames.get(sink).copied().unwrap_or(0)
    }

    /// Waits until so many more buffers have come to each of these sinks.
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

    /// Waits for an element message or a warning with all of these in it. Those before it are
    /// forgotten.
    ///
    /// # Errors
    /// As [`Participant::until`].
    pub fn wait_message(&mut self, parts: &[&str]) -> Result<()> {
        let is_it = |line: &String| parts.iter().all(|part| line.contains(part));
        self.until(&format!("a message with {parts:?}"), |now| {
            now.messages.iter().any(is_it)
        })?;
        if let Some(at) = self.messages.iter().position(is_it) {
            self.messages.drain(..=at);
        }
        Ok(())
    }
}
