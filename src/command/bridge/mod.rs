//! `acscall bridge`: connects a call of another service with one of ours.
//!
//! The service's own web SDK runs in headless Chromium, in a page that makes the bridge
//! (`web/bridge/`). This command serves the page and relays its connections to our server. It
//! controls Chromium over a pipe, which also carries the credentials. docs/bridges.md is the manual.

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

/// Runs the bridge. The last line of output says why it ended.
pub(crate) fn run(options: Options) -> ExitCode {
    match Plan::new(options) {
        Ok(plan) => {
            let console = Console::new(plan.verbosity, Redactor::new(&plan.credentials));
            let console = Arc::new(console);
            let ended = bridge(&plan, &console);
            report_end(ended, &console)
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

fn report_end(ended: Result<String>, console: &Console) -> ExitCode {
    console.clear_status();
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

/// Returns 32 random hexadecimal digits.
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
