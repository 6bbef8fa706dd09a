//! Participants in processes of their own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use acscall_tests::pipeline::{Pipeline, TIMEOUT, now};
use anyhow::{Context, Result, bail};

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
            pipeline.wait_connected()?;
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
            pipeline.play()?;
            let first = arrivals.recv_timeout(TIMEOUT).context("no frame came")?;
            say(&format!("{}", (first.at - begun).nseconds() as f64 / 1e6))
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
    while std::io::stdin()
        .read_line(&mut line)
        .is_ok_and(|count| count > 0)
    {}
}
