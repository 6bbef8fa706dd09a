//! Participants in processes of their own.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A process that is read line by line; killed with SIGKILL when dropped, so that others see it
/// vanish.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts it, with its input kept open.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(command: &mut Command) -> Result<Process> {
        let (sender, lines) = channel();
        let mut process = Process::start_with(command, move |line| sender.send(line).is_ok())?;
        process.lines = lines;
        Ok(process)
    }

    /// Starts it and gives each line that it prints to `take`, on another thread, until that
    /// returns false. [`Process::line`] has none of them.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start_with(
        command: &mut Command,
        mut take: impl FnMut(String) -> bool + Send + 'static,
    ) -> Result<Process> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(child.stdout.take().context("its output is piped")?);
        let (_, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(|line| line.ok()) {
                if !take(line) {
                    break;
                }
            }
        });
        Ok(Process { child, lines })
    }

    /// The number that the system knows it by.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints.
    ///
    /// # Errors
    /// If it prints nothing for so long, or has ended.
    pub fn line(&self, timeout: Duration) -> Result<String> {
        self.lines
            .recv_timeout(timeout)
            .context("the participant is silent")
    }

    /// Writes a line to its input.
    ///
    /// # Errors
    /// If it has ended.
    pub fn write(&mut self, line: &str) -> Result<()> {
        let input = self.child.stdin.as_mut().context("its input is piped")?;
        writeln!(input, "{line}").context("the participant has ended")
    }

    /// Ends its input and waits for it.
    ///
    /// # Errors
    /// If it ends with anything but success.
    pub fn leave(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        ensure!(
            self.child.wait()?.success(),
            "a participant ended with an error"
        );
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _already_over = self.child.kill();
        let _already_reaped = self.child.wait();
    }
}
