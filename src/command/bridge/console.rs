//! The output: lines on standard output, warnings on standard error, and a live status line on a
//! terminal. Credentials are removed from everything.

use std::io::{self, IsTerminal as _, Write as _};

use parking_lot::Mutex;

use super::redaction::Redactor;

/// How much to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verbosity {
    /// Warnings and errors.
    Quiet,
    /// Also what happens.
    Normal,
    /// Also the output of the SDK and Chromium.
    Verbose,
}

/// Moves to the start of the line and clears it.
const ERASE: &str = "\r\x1b[2K";
/// Cuts lines at the width of the terminal.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// The color of the dot at the start of the status line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusColor {
    /// Not connected.
    Yellow,
    /// Connected.
    Green,
}

impl StatusColor {
    fn text(self, has_color: bool) -> &'static str {
        match (self, has_color) {
            (StatusColor::Yellow, true) => "\x1b[33m●\x1b[0m",
            (StatusColor::Green, true) => "\x1b[32m●\x1b[0m",
            (StatusColor::Yellow, false) => "○",
            (StatusColor::Green, false) => "●",
        }
    }
}

/// Standard output and standard error.
pub(super) struct Console {
    verbosity: Verbosity,
    redactor: Redactor,
    /// Whether there is a live status line.
    is_live: bool,
    has_color: bool,
    /// The status line.
    live: Mutex<String>,
}

impl Console {
    pub(super) fn new(verbosity: Verbosity, redactor: Redactor) -> Console {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Console {
            verbosity,
            redactor,
            is_live: io::stdout().is_terminal() && !is_dumb && verbosity != Verbosity::Quiet,
            has_color: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            live: Mutex::default(),
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.is_live
    }

    /// Prints what happened.
    pub(super) fn say(&self, text: &str) {
        if self.verbosity != Verbosity::Quiet {
            self.line(text, false);
        }
    }

    /// Prints a warning or an error.
    pub(super) fn warn(&self, text: &str) {
        self.line(text, true);
    }

    /// Prints a line for debugging.
    pub(super) fn detail(&self, text: &str) {
        if self.verbosity == Verbosity::Verbose {
            self.line(text, true);
        }
    }

    /// Sets the status line, if it is live.
    pub(super) fn show(&self, color: StatusColor, text: &str) {
        if !self.is_live {
            return;
        }
        let dot = color.text(self.has_color);
        let text = one_line(&self.redactor.clean(text));
        let mut live = self.live.lock();
        *live = format!("{dot} {text}");
        print(&format!("{ERASE}{NO_WRAP}{live}{WRAP}"));
    }

    /// Removes the status line.
    pub(super) fn clear_status(&self) {
        let mut live = self.live.lock();
        if !live.is_empty() {
            live.clear();
            print(ERASE);
        }
    }

    fn line(&self, text: &str, is_error: bool) {
        let text = self.redactor.clean(text);
        // Print each line separately, without control characters, which could overwrite other lines.
        let lines = text.lines().map(one_line).filter(|line| !line.is_empty());
        let live = self.live.lock();
        if !live.is_empty() {
            print(ERASE);
        }
        for line in lines {
            if is_error {
                let _ = writeln!(io::stderr(), "{line}");
            } else {
                print(&format!("{line}\n"));
            }
        }
        if !live.is_empty() {
            print(&format!("{NO_WRAP}{live}{WRAP}"));
        }
    }
}

/// Ignores errors: the bridge goes on if nobody reads its output.
fn print(text: &str) {
    let mut stdout = io::stdout();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
