//! `cargo xtask bench call`: what a call costs and how fast it is, over loopback.
//!
//! Every figure is the minimum, median and maximum of its runs.

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
        // A process that this program starts of itself.
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
                "no figure is called '{other}': join, start, latency, encoders, threads, leaks, cpu"
            ),
        }
    }
    Ok(())
}
