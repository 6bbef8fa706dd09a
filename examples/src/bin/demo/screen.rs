//! The status line.

use std::io::{self, IsTerminal, Write};

/// A line that is rewritten in place on a terminal, and printed again elsewhere.
pub(crate) struct StatusLine {
    terminal: bool,
    shown: bool,
}

/// Returns to the start of the line and disables wrapping: a wrapped line cannot be rewritten, so
/// the terminal cuts off long ones.
const BEGIN: &str = "\r\x1b[K\x1b[?7l";
const END: &str = "\x1b[?7h";

impl StatusLine {
    pub(crate) fn new() -> StatusLine {
        StatusLine {
            terminal: io::stdout().is_terminal(),
            shown: false,
        }
    }

    /// Replaces the line with `text`.
    pub(crate) fn renew(&mut self, text: &str) {
        if self.terminal {
            print!("{BEGIN}{text}{END}");
            self.flush();
            self.shown = true;
        } else {
            println!("{text}");
        }
    }

    /// Prints a permanent line.
    pub(crate) fn print(&mut self, text: &str) {
        if self.shown {
            print!("\r\x1b[K");
        }
        println!("{text}");
    }

    /// Ends the line, so that further output starts below it.
    pub(crate) fn finish(&self) {
        if self.shown {
            println!();
        }
    }

    fn flush(&self) {
        // A signal reports that the terminal is gone.
        let _gone = io::stdout().flush();
    }
}
