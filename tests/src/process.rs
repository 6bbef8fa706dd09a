//! Processes that tests read line by line.

use std::io::{BufRead, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A process whose output is read line by line. It is killed with SIGKILL when dropped, so that it
/// vanishes for others.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts `command`, with its input kept open.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(command: &mut Command) -> Result<Process> {
        let (sender, lines) = channel();
        let mut process = Process::start_with(command, move |line| sender.send(line).is_ok())?;
        process.lines = lines;
        Ok(process)
    }

    /// Starts `command` and passes each line of its output to `take`, on another thread, until that
    /// returns false. [`Process::line`] returns none of these lines.
    ///
    /// # Errors
    /// It cannot be started.
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

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended.
    ///
    /// # Errors
    /// The system cannot tell.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Waits for the next line of its output.
    ///
    /// # Errors
    /// It prints nothing within `timeout`, or has ended.
    pub fn line(&self, timeout: Duration) -> Result<String> {
        self.lines
            .recv_timeout(timeout)
            .context("the process prints nothing")
    }

    /// Writes a line to its input.
    ///
    /// # Errors
    /// It has ended.
    pub fn write(&mut self, line: &str) -> Result<()> {
        let input = self.child.stdin.as_mut().context("its input is piped")?;
        writeln!(input, "{line}").context("the process has ended")
    }

    /// Closes its input and waits for its end.
    ///
    /// # Errors
    /// It fails.
    pub fn leave(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        ensure!(
            self.child.wait()?.success(),
            "the process ended with an error"
        );
        Ok(())
    }
}

/// The path of one of this project's programs, which are all in one folder. Tests are in a folder
/// inside it.
///
/// # Errors
/// It is not built.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let mut paths = own.ancestors().skip(1).take(2).map(|dir| dir.join(name));
    let path = paths.find(|path| path.is_file());
    path.with_context(|| format!("the program {name} is not built"))
}

/// Prints a line for the process that reads this one's output.
///
/// # Errors
/// Nobody reads it.
pub fn say(line: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}

/// Returns when standard input closes.
pub fn wait_for_end() {
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line).is_ok_and(|n| n > 0) {}
}

impl Drop for Process {
    fn drop(&mut self) {
        let _already_over = self.child.kill();
        let _already_reaped = self.child.wait();
    }
}
