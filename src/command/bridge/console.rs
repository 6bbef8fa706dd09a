//! What is printed: lines on standard output, what goes wrong on standard error, and on a terminal
//! a last line that is written anew. Credentials are taken out of everything.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use super::redaction::Redactor;

/// How much is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verbosity {
    /// What goes wrong.
    Quiet,
    /// What happens, too.
    Normal,
    /// What the SDK and Chromium say, too.
    Verbose,
}

/// To the beginning of the line, which is emptied.
const ERASE: &str = "\r\x1b[2K";
/// A line that is longer than the terminal is wide is cut, not continued in the next.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// The lamp at the beginning of the last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusColor {
    /// Not there yet, or not any more.
    Yellow,
    /// It works.
    Green,
}

impl StatusColor {
    fn text(self, has_colour: bool) -> &'static str {
        match (self, has_colour) {
            (StatusColor::Yellow, true) => "\x1b[33m●\x1b[0m",
            (StatusColor::Green, true) => "\x1b[32m●\x1b[0m",
            (StatusColor::Yellow, false) => "○",
            (StatusColor::Green, false) => "●",
        }
    }
}

/// The terminal, or what stands for it.
pub(super) struct Console {
    verbosity: Verbosity,
    redactor: Redactor,
    /// Whether the last line can be written anew.
    is_live: bool,
    has_colour: bool,
    /// What it says now.
    live: Mutex<String>,
}

impl Console {
    pub(super) fn new(verbosity: Verbosity, redactor: Redactor) -> Console {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Console {
            verbosity,
            redactor,
            is_live: io::stdout().is_terminal() && !is_dumb && verbosity != Verbosity::Quiet,
            has_colour: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            live: Mutex::default(),
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.is_live
    }

    /// Something happened.
    pub(super) fn say(&self, text: &str) {
        if self.verbosity != Verbosity::Quiet {
            self.line(text, false);
        }
    }

    /// Something goes wrong.
    pub(super) fn warn(&self, text: &str) {
        self.line(text, true);
    }

    /// Something that helps to find out what goes wrong.
    pub(super) fn detail(&self, text: &str) {
        if self.verbosity == Verbosity::Verbose {
            self.line(text, true);
        }
    }

    /// What the last line says from now on; printed only where it is live.
    pub(super) fn show(&self, lamp: StatusColor, text: &str) {
        if !self.is_live {
            return;
        }
        let lamp = lamp.text(self.has_colour);
        let text = one_line(&self.redactor.clean(text));
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        *live = format!("{lamp} {text}");
        print(&format!("{ERASE}{NO_WRAP}{live}{WRAP}"));
    }

    /// There is no last line any more.
    pub(super) fn leave(&self) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if !live.is_empty() {
            live.clear();
            print(ERASE);
        }
    }

    fn line(&self, text: &str, is_error: bool) {
        let text = self.redactor.clean(text);
        // Several lines are as many messages of others; controls could rewrite what was printed.
        let lines = text.lines().map(one_line).filter(|line| !line.is_empty());
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Nobody may read it any more, which is no reason to end.
fn print(text: &str) {
    let mut stdout = io::stdout();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
