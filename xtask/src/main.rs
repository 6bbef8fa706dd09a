//! The project's own commands: `cargo xtask demo | test | check | bench | fuzz | soak`.
//!
//! Each command first installs what the machine lacks (see [`setup`]). This crate must build on a
//! machine with nothing but Rust, so it does not use GStreamer: programs that do are built and
//! started from here.

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
    /// Run a call: a server, a page to join with, a bot that answers
    Demo(demo::Arguments),
    /// Test that the project works here: Rust tests, pipelines, calls with Chromium, the demo
    Test(test::TestArguments),
    /// For contributors: format, lints, documentation, golden files, fuzzing and more browsers
    Check(test::CheckArguments),
    /// Measure what the project promises
    Bench(bench::Arguments),
    /// Look for hostile input that breaks an invariant
    Fuzz(fuzz::Arguments),
    /// Run a call in which participants come and go for half an hour, and look for leaks
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
