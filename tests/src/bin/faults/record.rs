//! What the parties told, in order.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

/// A time of the system clock, in µs.
pub(crate) type Time = u64;

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// When each frame went in.
    pub(crate) sent: BTreeMap<u32, Time>,
    /// When each first came out.
    pub(crate) got: BTreeMap<u32, Time>,
    /// When frames came out, in order.
    pub(crate) arrivals: Vec<Time>,
    /// Pictures that came out but are not what went in.
    pub(crate) damaged: Vec<Time>,
    /// When sound came out.
    pub(crate) sounds: Vec<Time>,
    /// Warnings and element messages.
    pub(crate) told: Vec<String>,
    /// Errors on the bus, and ends of streams.
    pub(crate) errors: Vec<String>,
}

impl Record {
    /// Takes in a line of the party `who`.
    pub(crate) fn take(&mut self, who: &str, line: &str) -> Result<()> {
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
            _ => self.told.push(format!("{who}: {line}")),
        }
        Ok(())
    }
}
