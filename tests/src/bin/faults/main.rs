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
mod measure;
mod party;
mod record;
mod table;
mod world;

use std::process::ExitCode;

use acscall_tests::namespace;
use anyhow::{Context as _, Result, bail};
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
        // The roles in which this program starts itself.
        ["--party", role, rest @ ..] => party::play(role, rest).map(|()| true),
        [name] if namespace::is_inside() => cases::run_inside(name).map(|()| true),
        names => {
            for name in names {
                if !CASES.iter().any(|case| case.name == *name) {
                    bail!("there is no fault '{name}'; `list` lists all");
                }
            }
            let chosen = CASES
                .iter()
                .filter(|case| names.is_empty() || names.contains(&case.name));
            namespace::check("ip netns add try && exec 3<>/dev/net/tun")
                .context("run this as root, or with a /dev/net/tun that everybody may open")?;
            Ok(table::run(chosen))
        }
    }
}
