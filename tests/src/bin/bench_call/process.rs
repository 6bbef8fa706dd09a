//! Participants in separate processes.

use std::process::Command;

use acscall_tests::pipeline::{Pipeline, TIMEOUT, now};
use acscall_tests::process::{Process, say, wait_for_end};
use anyhow::{Context, Result, bail};

/// Starts this program again as a participant that plays `role`.
pub(crate) fn start(role: &str, arguments: &[&str]) -> Result<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    Process::start(command.args(["--role", role]).args(arguments))
}

/// Plays a participant's role until standard input closes.
pub(crate) fn play(role: &str, arguments: &[&str]) -> Result<()> {
    match (role, arguments) {
        // Plays a pipeline and prints a line when it is in the call.
        ("pipeline", [description]) => {
            let pipeline = Pipeline::playing(description)?;
            pipeline.wait_connected()?;
            say("connected")?;
            wait_for_end();
            drop(pipeline);
            Ok(())
        }
        // Joins, and prints the time until the first frame, in ms.
        ("join", [description]) => {
            let pipeline = Pipeline::new(description)?;
            let arrivals = pipeline.arrivals("first")?;
            let begun = now();
            pipeline.play()?;
            let first = arrivals.recv_timeout(TIMEOUT).context("no frame arrived")?;
            say(&format!("{}", (first.at - begun).nseconds() as f64 / 1e6))
        }
        _ => bail!("no role is called '{role}'"),
    }
}
