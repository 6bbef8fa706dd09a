//! The output of a step's programs goes to a file; the terminal shows their progress.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, PipeReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::command::{Failed, line_of};
use crate::counts::Counts;

/// How often the progress is updated on a terminal.
const TICK: Duration = Duration::from_secs(1);
/// How often, in ticks, the progress is printed if the output is no terminal, as in CI.
const TICKS_PER_LINE: u64 = 30;
/// Characters that fit into a terminal's line after the time.
const WIDTH: usize = 70;
/// How many of the last lines are shown if no line of the log is a failure.
const LAST_LINES: usize = 40;
/// How many lines of failures are shown.
const MOST_LINES: usize = 200;

/// A step's log.
pub(crate) struct Log {
    path: PathBuf,
    file: RefCell<File>,
    counts: Cell<Counts>,
    /// How many tests were skipped for each reason.
    skipped: RefCell<BTreeMap<String, usize>>,
    begun: Instant,
}

impl Log {
    /// Creates the log of the step `name` in `folder`.
    ///
    /// # Errors
    /// It cannot be written.
    #[expect(clippy::disallowed_methods, reason = "the one clock of this program")]
    pub(crate) fn new(folder: &Path, name: &str) -> Result<Log> {
        let path = folder.join(format!("{name}.log"));
        let file = fs::create_dir_all(folder)
            .and_then(|()| File::create(&path))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Log {
            path,
            file: RefCell::new(file),
            counts: Cell::default(),
            skipped: RefCell::default(),
            begun: Instant::now(),
        })
    }

    /// How long the step has been running.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The tests counted so far.
    pub(crate) fn counts(&self) -> Counts {
        self.counts.get()
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Counts a test that was skipped for this reason, and that its runner counted as passed.
    pub(crate) fn skip(&self, reason: &str) {
        let mut counts = self.counts.get();
        counts.passed = counts.passed.saturating_sub(1);
        counts.skipped += 1;
        self.counts.set(counts);
        *self
            .skipped
            .borrow_mut()
            .entry(reason.to_owned())
            .or_default() += 1;
    }

    /// The reasons given to [`Log::skip`], each with the number of tests.
    pub(crate) fn skipped(&self) -> Vec<String> {
        let skipped = self.skipped.borrow();
        skipped
            .iter()
            .map(|(reason, count)| format!("{count} skipped: {reason}"))
            .collect()
    }

    /// Adds a line.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn note(&self, line: &str) -> Result<()> {
        if let Some(found) = Counts::of_line(line) {
            let mut counts = self.counts.get();
            counts += found;
            self.counts.set(counts);
        }
        writeln!(self.file.borrow_mut(), "{line}").context("the log cannot be written")
    }

    /// Runs `command` with its output in the log.
    ///
    /// # Errors
    /// [`Failed`] if the command fails.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        let line = line_of(command);
        self.note(&format!("$ {line}"))?;
        let (reader, writer) = io::pipe()?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .spawn()
            .with_context(|| format!("`{line}` cannot be started"))?;
        // Closes our writing ends of the pipe.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let lines = lines(reader);
        let mut progress = Progress::new(self);
        let status = loop {
            match lines.recv_timeout(TICK) {
                Ok(line) => {
                    progress.now(&line);
                    self.note(&line)?;
                }
                Err(RecvTimeoutError::Timeout) => progress.tick(),
                Err(RecvTimeoutError::Disconnected) => break child.wait()?,
            }
            // A process that it has left behind may keep the pipe open.
            if let Some(status) = child.try_wait()? {
                while let Ok(line) = lines.recv_timeout(TICK) {
                    self.note(&line)?;
                }
                break status;
            }
        };
        progress.clear();
        Failed::check(line, status)
    }

    /// The lines about failures, otherwise the last lines.
    pub(crate) fn failures(&self) -> String {
        let text = fs::read(&self.path).unwrap_or_default();
        failures_in(&String::from_utf8_lossy(&text))
    }
}

fn failures_in(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let mut found = Vec::new();
    let mut is_failure = false;
    for line in &lines {
        // cargo test, Node.js, cargo-nextest, rustc.
        if *line == "failures:"
            || *line == "✖ failing tests:"
            || line.starts_with("     Summary [")
            || line.starts_with("error")
        {
            is_failure = true;
        }
        if is_failure {
            found.push(*line);
        }
        if line.starts_with("test result: FAILED") {
            is_failure = false;
        }
    }
    if found.is_empty() {
        found = lines[lines.len().saturating_sub(LAST_LINES)..].to_vec();
    }
    let left = found.len().saturating_sub(MOST_LINES);
    found.truncate(MOST_LINES);
    let mut text = found.join("\n");
    if left > 0 {
        text.push_str(&format!("\n… {left} more lines"));
    }
    text
}

/// Reads the pipe line by line until its last writer closes it.
fn lines(pipe: PipeReader) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while reader
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if sender.send(text).is_err() {
                break;
            }
        }
    });
    lines
}

/// The progress of a step.
struct Progress<'a> {
    log: &'a Log,
    is_terminal: bool,
    ticks: u64,
    now: String,
}

impl Progress<'_> {
    fn new(log: &Log) -> Progress<'_> {
        Progress {
            log,
            is_terminal: io::stdout().is_terminal(),
            ticks: 0,
            now: String::new(),
        }
    }

    fn now(&mut self, line: &str) {
        let line = line.trim();
        if !line.is_empty() {
            self.now = line.chars().take(WIDTH).collect();
        }
        let seconds = self.log.elapsed().as_secs();
        if self.is_terminal {
            print!("\r\x1b[K  {seconds:>4} s  {}", self.now);
            let _the_terminal_is_gone = io::stdout().flush();
        } else if seconds / TICKS_PER_LINE > self.ticks {
            self.ticks = seconds / TICKS_PER_LINE;
            println!("  {seconds:>4} s  {}", self.now);
        }
    }

    fn tick(&mut self) {
        self.now("");
    }

    fn clear(&self) {
        if self.is_terminal {
            print!("\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(name: &str) -> Log {
        let folder = std::env::temp_dir().join(format!("xtask-log-{}", std::process::id()));
        Log::new(&folder, name).unwrap()
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn tests_are_counted_and_all_output_is_kept() {
        let log = log("counted");
        log.run(&mut shell("echo 'ℹ pass 3'; echo 'ℹ fail 1' >&2"))
            .unwrap();
        log.run(&mut shell(
            "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'",
        ))
        .unwrap();
        assert_eq!(log.counts().to_string(), "5 passed, 1 failed");
        assert!(fs::read_to_string(log.path()).unwrap().contains("ℹ fail 1"));
    }

    #[test]
    fn skipped_tests_are_not_counted_as_passed_and_have_a_reason() {
        let log = log("skipped");
        log.note("ℹ pass 3").unwrap();
        log.skip("no network");
        log.skip("no network");
        assert_eq!(log.counts().to_string(), "1 passed, 0 failed, 2 skipped");
        assert_eq!(log.skipped(), ["2 skipped: no network"]);
    }

    #[test]
    fn a_failure_has_the_exit_code_and_the_end_of_the_log() {
        let log = log("failure");
        let error = log.run(&mut shell("echo reason; exit 3")).unwrap_err();
        assert_eq!(error.downcast_ref::<Failed>().unwrap().code, 3);
        assert!(log.failures().ends_with("reason"));
    }

    #[test]
    fn a_process_that_a_program_leaves_behind_is_not_waited_for() {
        let log = log("left");
        let left = "sleep 20 & echo begun";
        log.run(&mut shell(left)).unwrap();
        assert!(fs::read_to_string(log.path()).unwrap().contains("begun"));
    }

    #[test]
    fn failures_are_found_among_tests_that_passed() {
        let text = "test a ... ok\n\nfailures:\n\n---- b stdout ----\nwhy\n\n\
                    test result: FAILED. 1 passed; 1 failed\n\ntest c ... ok\n";
        let failures = failures_in(text);
        assert!(
            failures.contains("why") && !failures.contains("test c"),
            "{failures}"
        );
    }
}
