//! The tests in Rust: with cargo-nextest where it is installed, which gives each test a process
//! of its own and ends those that hang, or else with plain `cargo test`.

use std::thread;

use anyhow::Result;

use crate::command::find;
use crate::steps::{Context, Outcome};
use crate::workspace::{ALL_TARGETS, Profile};

/// The module of the tests that are a step of their own.
const PIPELINES: &str = "pipelines::";

/// All but those of pipelines/.
///
/// # Errors
/// If one fails.
pub(crate) fn run_tests(context: &Context<'_>) -> Result<Outcome> {
    run(
        context,
        &format!("not test(/^{PIPELINES}/)"),
        &["--skip", PIPELINES],
    )
}

/// Those of pipelines/.
///
/// # Errors
/// If one fails.
pub(crate) fn run_pipelines(context: &Context<'_>) -> Result<Outcome> {
    run(context, &format!("test(/^{PIPELINES}/)"), &[PIPELINES])
}

/// Those of this program.
///
/// # Errors
/// If one fails.
pub(crate) fn run_own_tests(context: &Context<'_>) -> Result<Outcome> {
    let mut tests = context.workspace.cargo("test");
    context.log.run(tests.arg("--package=xtask"))?;
    Ok(Outcome::Passed)
}

/// Runs the tests that cargo-nextest finds by `filter`, and `cargo test` by `arguments`.
fn run(context: &Context<'_>, filter: &str, arguments: &[&str]) -> Result<Outcome> {
    let workspace = context.workspace;
    // They wait more than they compute.
    let threads = 2 * thread::available_parallelism().map_or(1, usize::from);
    let threads = format!("--test-threads={threads}");
    let mut tests = if find("cargo-nextest").is_some() {
        let mut nextest = workspace.cargo_for_tests("nextest run");
        nextest.args(ALL_TARGETS);
        nextest.args(["--no-fail-fast", "--failure-output=final", &threads]);
        nextest.args(["--filterset", filter]);
        nextest
    } else {
        let mut cargo = workspace.cargo_for_tests("test");
        cargo.args(ALL_TARGETS);
        cargo.args(["--no-fail-fast", "--", &threads]);
        cargo.args(arguments);
        cargo
    };
    workspace.set_environment(&mut tests, Profile::Dev);
    // What GLib and GStreamer complain of is a mistake, in tests and in what they start.
    tests.env("G_DEBUG", "fatal_warnings");
    context.log.run(&mut tests)?;
    Ok(Outcome::Passed)
}
