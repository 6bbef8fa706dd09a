//! The line of the terminal that is always up to date.

use std::io::{self, IsTerminal, Write};

/// Rewritten in place on a terminal, a line each time elsewhere.
pub(crate) struct StatusLine {
    terminal: bool,
    shown: bool,
}

/// Back to the line's begin, with wrapping switched off while it is written: what is too long
/// is cut off, since a wrapped line cannot be rewritten.
const BEGIN: &str = "\r\x1b[K\x1b[?7l";
const END: &str = "\x1b[?7h";

impl StatusLine {
    pub(crate) fn new() -> StatusLine {
        StatusLine {
            terminal: io::stdout().is_terminal(),
            shown: false,
        }
    }

    /// Shows `text` in place of what was there.
    pub(crate) fn renew(&mut self, text: &str) {
        if self.terminal {
            print!("{BEGIN}{text}{END}");
            self.flush();
            self.shown = true;
        } else {
            println!("{text}");
        }
    }

    /// Prints a line that stays.
    pub(crate) fn print(&mut self, text: &str) {
        if self.shown {
            print!("\r\x1b[K");
        }
        println!("{text}");
    }

    /// What is printed now comes below it.
    pub(crate) fn finish(&self) {
        if self.shown {
            println!();
        }
    }

    fn flush(&self) {
        // A terminal that has gone away is told by a signal.
        let _gone = io::stdout().flush();
    }
}
