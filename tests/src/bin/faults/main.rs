//! `cargo xtask test --faults`: what calls do while the network, the machine or the parties fail.
//!
//! A sender, a receiver and the server are processes in network namespaces of their own, joined by
//! the program `link`, whose lines go bad as each case says. The sender numbers its frames in the
//! picture, the receiver reads the numbers: what counts is what comes out of the pad.
//!
//! `faults [CASE…]` runs these cases or all of them and prints a table in Markdown, `faults list`
//! names them.

mod call;
mod cases;
mod isolation;
mod marker;
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

/// True where everything was as promised.
fn run(arguments: &[&str]) -> Result<bool> {
    match arguments {
        ["list"] => {
            for case in CASES {
                println!("{:<22} {}", case.name, case.what);
            }
            Ok(true)
        }
        // Processes that this program starts of itself.
        ["--party", role, rest @ ..] => party::play(role, rest).map(|()| true),
        [isolation::INSIDE, name] => cases::run_inside(name).map(|()| true),
        names => {
            for name in names {
                if !CASES.iter().any(|case| case.name == *name) {
                    bail!("no fault is called '{name}'; `list` lists them");
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
