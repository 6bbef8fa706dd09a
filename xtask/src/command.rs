//! Running other programs.

use std::env;
use std::fmt;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result};

/// A program that failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) line: String,
    /// Its exit code; 1 if a signal ended it.
    pub(crate) code: u8,
}

impl Failed {
    /// Returns an error unless the program with this command line succeeded.
    pub(crate) fn check(line: String, status: ExitStatus) -> Result<()> {
        if status.success() {
            return Ok(());
        }
        let code = status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1);
        Err(Failed { line, code }.into())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` failed with exit code {}", self.line, self.code)
    }
}

impl std::error::Error for Failed {}

/// Runs `command` with this program's input and output.
///
/// # Errors
/// [`Failed`] if the command fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line_of(command);
    let status = command
        .status()
        .with_context(|| format!("`{line}` cannot be started"))?;
    Failed::check(line, status)
}

/// Runs `command` and returns its output; its standard error goes to the terminal.
///
/// # Errors
/// [`Failed`] if the command fails.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let line = line_of(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("`{line}` cannot be started"))?;
    Failed::check(line, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `command` and returns its output, or `None` if it fails. Prints nothing.
pub(crate) fn probe(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The path of `program`, searched in `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Prints a headline.
pub(crate) fn headline(text: &str) {
    if io::stdout().is_terminal() {
        println!("\n\x1b[1m── {text}\x1b[0m");
    } else {
        println!("\n── {text}");
    }
}

/// The command line of `command`, without quotes.
pub(crate) fn line_of(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
