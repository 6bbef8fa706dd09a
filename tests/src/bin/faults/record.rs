//! The output of the parties, in order.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

/// A time of the system clock, in µs.
pub(crate) type Time = u64;

/// The events of a case.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// When each frame was sent, by its number.
    pub(crate) sent: BTreeMap<u32, Time>,
    /// When each frame first arrived, by its number.
    pub(crate) got: BTreeMap<u32, Time>,
    /// When frames arrived, in order.
    pub(crate) arrivals: Vec<Time>,
    /// When unreadable pictures arrived.
    pub(crate) damaged: Vec<Time>,
    /// When sound arrived.
    pub(crate) sounds: Vec<Time>,
    /// Warnings and element messages.
    pub(crate) messages: Vec<String>,
    /// Errors and EOS from the bus.
    pub(crate) errors: Vec<String>,
}

impl Record {
    /// Adds a line that the party `who` has printed.
    pub(crate) fn add(&mut self, who: &str, line: &str) -> Result<()> {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        let mut number = || -> Result<u64> {
            let word = words.next().context("a number")?;
            word.parse().with_context(|| line.to_owned())
        };
        match first {
            "sent" => {
                let (frame, time) = (number()? as u32, number()?);
                self.sent.insert(frame, time);
            }
            "got" => {
                let (frame, time) = (number()? as u32, number()?);
                self.arrivals.push(time);
                self.got.entry(frame).or_insert(time);
            }
            "damaged" => self.damaged.push(number()?),
            "sound" => self.sounds.push(number()?),
            "error" | "eos" => self.errors.push(format!("{who}: {line}")),
            _ => self.messages.push(format!("{who}: {line}")),
        }
        Ok(())
    }
}
