//! The project's own commands: `cargo xtask demo | test | check | bench | fuzz | soak`.
//!
//! Each first makes sure that the machine has what it needs (see [`setup`]). This crate must
//! build on a machine that has nothing but Rust, so it knows no GStreamer: whatever does is a
//! program of its own that is built and started from here.

mod bench;
mod browser;
mod children;
mod command;
mod counts;
mod demo;
mod faults;
mod fuzz;
mod inspect;
mod kernels;
mod layers;
mod log;
mod media;
mod rust;
mod setup;
mod soak;
mod steps;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "The project's own commands"
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Shows a living call: a server, a page to join by, a bot that answers
    Demo(demo::Arguments),
    /// Shows that the project works here: Rust tests, pipelines, calls with Chromium, the demo
    Test(test::TestArguments),
    /// For contributors: format, lints, documentation, golden files, fuzzing and further browsers
    Check(test::CheckArguments),
    /// Measures what the project promises
    Bench(bench::Arguments),
    /// Looks for hostile input that breaks an invariant
    Fuzz(fuzz::Arguments),
    /// Calls in which people come and go for half an hour, and what is left of it
    Soak(soak::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Demo(arguments) => demo::run(&arguments).map(|()| ExitCode::SUCCESS),
        Task::Test(arguments) => test::test(&arguments),
        Task::Check(arguments) => test::check(&arguments),
        Task::Bench(arguments) => bench::run(&arguments).map(|()| ExitCode::SUCCESS),
        Task::Fuzz(arguments) => fuzz::run(&arguments).map(|()| ExitCode::SUCCESS),
        Task::Soak(arguments) => soak::run(&arguments).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("Error: {error:#}");
        ExitCode::FAILURE
    })
}
