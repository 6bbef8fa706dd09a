//! The Rust tests. cargo-nextest runs them if it is installed: it gives each test its own process
//! and ends tests that hang. Otherwise `cargo test` runs them.

use std::fs;
use std::thread;

use anyhow::Result;

use crate::command::find;
use crate::steps::{Context, Outcome};
use crate::workspace::{ALL_TARGETS, Profile};

/// The module of the tests that are a separate step.
const PIPELINES: &str = "pipelines::";

/// The variable with the file to which tests that cannot run here append a line with the reason
/// (tests/src/skipped.rs).
const SKIPPED: &str = "ACSCALL_SKIPPED";

/// Runs all tests except those of pipelines/.
///
/// # Errors
/// A test fails.
pub(crate) fn run_tests(context: &Context<'_>) -> Result<Outcome> {
    run(
        context,
        &format!("not test(/^{PIPELINES}/)"),
        &["--skip", PIPELINES],
    )
}

/// Runs the tests of pipelines/.
///
/// # Errors
/// A test fails.
pub(crate) fn run_pipelines(context: &Context<'_>) -> Result<Outcome> {
    run(context, &format!("test(/^{PIPELINES}/)"), &[PIPELINES])
}

/// Runs the tests of this program.
///
/// # Errors
/// A test fails.
pub(crate) fn run_own_tests(context: &Context<'_>) -> Result<Outcome> {
    let mut tests = context.workspace.cargo("test");
    context.log.run(tests.arg("--package=xtask"))?;
    Ok(Outcome::Passed)
}

/// Runs a selection of tests: `filter` for cargo-nextest, `arguments` for `cargo test`.
fn run(context: &Context<'_>, filter: &str, arguments: &[&str]) -> Result<Outcome> {
    let workspace = context.workspace;
    // Tests wait more than they compute.
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
    // A warning of GLib or GStreamer is a bug, in tests and in the programs that they start.
    tests.env("G_DEBUG", "fatal_warnings");
    let skipped = context.log.path().with_extension("skipped");
    fs::write(&skipped, "")?;
    let result = context.log.run(tests.env(SKIPPED, &skipped));
    for reason in fs::read_to_string(&skipped)?.lines() {
        context.log.skip(reason);
    }
    result.map(|()| Outcome::Passed)
}
