//! `cargo xtask bench call`: the costs and the speed of a call over loopback.
//!
//! Each figure is shown with its minimum, median and maximum.

mod cost;
mod latency;
mod measure;
mod process;
mod speed;

use std::process::ExitCode;

use anyhow::Result;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench_call: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    acscall_tests::pipeline::init()?;
    match arguments {
        // The roles in which this program starts itself.
        ["--role", role, rest @ ..] => process::play(role, rest),
        [] => all(&[
            "join", "start", "latency", "encoders", "threads", "leaks", "cpu",
        ]),
        names => all(names),
    }
}

fn all(names: &[&str]) -> Result<()> {
    measure::print_machine();
    for name in names {
        match *name {
            "join" => speed::join()?,
            "start" => speed::start()?,
            "latency" => latency::raw_to_raw()?,
            "encoders" => cost::encoders()?,
            "threads" => cost::threads()?,
            "leaks" => cost::leaks()?,
            "cpu" => cost::audio_only()?,
            other => anyhow::bail!(
                "there is no figure '{other}', only join, start, latency, encoders, threads, leaks, cpu"
            ),
        }
    }
    Ok(())
}
