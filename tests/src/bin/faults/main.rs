//! `cargo xtask test --faults`: calls while the network, the machine or the parties fail.
//!
//! A sender, a receiver and the server are processes in their own network namespaces, connected by
//! the program `link`, whose lines get the conditions of each case. The sender draws a number into
//! each frame and the receiver reads it from the frames that leave the pad.
//!
//! `faults [CASE…]` runs these cases, or all, and prints a table in Markdown. `faults list` lists
//! the cases.

mod call;
mod cases;
mod isolation;
mod measure;
mod party;
mod record;
mod table;
mod world;

use std::process::ExitCode;

use anyhow::{Result, bail};
use cases::CASES;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("faults: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns false if a promise was not kept.
fn run(arguments: &[&str]) -> Result<bool> {
    match arguments {
        ["list"] => {
            for case in CASES {
                println!("{:<22} {}", case.name, case.what);
            }
            Ok(true)
        }
        // This program as started by itself.
        ["--party", role, rest @ ..] => party::play(role, rest).map(|()| true),
        [isolation::INSIDE, name] => cases::run_inside(name).map(|()| true),
        names => {
            for name in names {
                if !CASES.iter().any(|case| case.name == *name) {
                    bail!("there is no fault '{name}'; `list` lists all");
                }
            }
            let chosen = CASES
                .iter()
                .filter(|case| names.is_empty() || names.contains(&case.name));
            isolation::check()?;
            Ok(table::run(chosen))
        }
    }
}
