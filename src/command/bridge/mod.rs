//! `acscall bridge`: a call of another service and one of ours, as if they were one.
//!
//! The service's own web SDK runs in headless Chromium, in a page that makes the bridge
//! (`web/bridge/`). The page is loaded from a server of this command, which also carries the page's
//! connections to our server; Chromium is controlled over a pipe, by which it gets the
//! credentials. docs/bridges.md describes what users see.

mod browser;
mod calls;
mod console;
mod credentials;
mod end;
mod options;
mod page;
mod plan;
mod redaction;
mod sdk;
mod session;
mod signals;
mod status;
mod summary;

use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) use options::Options;

use console::Console;
use end::{Failure, Result};
use plan::Plan;
use redaction::Redactor;

/// Runs it to its end; the last line says why it ended.
pub(crate) fn run(options: Options) -> ExitCode {
    match Plan::new(options) {
        Ok(plan) => {
            let console = Console::new(plan.verbosity, Redactor::new(&plan.credentials));
            let console = Arc::new(console);
            let ended = bridge(&plan, &console);
            tell(ended, &console)
        }
        Err(failure) => {
            eprintln!("acscall: {failure}");
            failure.code()
        }
    }
}

fn bridge(plan: &Plan, console: &Arc<Console>) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Machine(error.to_string()))?;
    runtime.block_on(session::run(plan, console))
}

fn tell(ended: Result<String>, console: &Console) -> ExitCode {
    console.leave();
    match ended {
        Ok(reason) => {
            console.say(&reason);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            console.warn(&format!("acscall: {failure}"));
            failure.code()
        }
    }
}

/// 32 hexadecimal digits that nobody can guess.
fn random() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let mut text = String::new();
    for byte in bytes {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}
