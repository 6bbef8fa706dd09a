//! Checks of the kernels beyond their own tests.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::command;
use crate::steps::{Context, Outcome};

/// Cases of each property under valgrind, which is about 50 times slower than the processor.
const CASES: &str = "12";

const ARM: &str = "aarch64-unknown-linux-gnu";

/// Runs the kernels' tests under valgrind. Their rows end where the allocations end.
///
/// # Errors
/// A kernel reads or writes outside its row, or a test fails.
pub(crate) fn check_memory(context: &Context<'_>) -> Result<Outcome> {
    let mut tests = context.workspace.cargo_for_tests("test");
    tests.args(["--test=kernels", "--config"]).arg(
        "target.'cfg(all())'.runner = ['valgrind', '--quiet', '--error-exitcode=1', \
         '--leak-check=no']",
    );
    tests
        .env("PROPTEST_CASES", CASES)
        // valgrind runs one thread at a time anyway.
        .env("RUST_TEST_THREADS", "1");
    context.log.run(&mut tests)?;
    Ok(Outcome::Passed)
}

/// Type checks and lints the kernels for ARM, if Rust's library for it is installed.
///
/// # Errors
/// The kernels do not compile without warnings.
pub(crate) fn check_arm(context: &Context<'_>) -> Result<Outcome> {
    let libraries =
        command::read(Command::new("rustc").args(["--print=target-libdir", "--target", ARM]))?;
    if !Path::new(libraries.trim()).is_dir() {
        return Ok(Outcome::Skipped(format!(
            "Rust's library for ARM is missing: `rustup target add {ARM}`"
        )));
    }
    let mut clippy = context.workspace.cargo("clippy");
    clippy.args([
        "--package=acscall-pixels",
        "--target",
        ARM,
        "--",
        "--deny=warnings",
    ]);
    context.log.run(&mut clippy)?;
    Ok(Outcome::Passed)
}
