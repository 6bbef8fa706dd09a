//! Tests that cannot run on this machine.

use std::fs::OpenOptions;
use std::io::Write as _;

use anyhow::{Context as _, Result};

/// The variable in which `cargo xtask test` names the file of skipped tests.
const FILE: &str = "ACSCALL_SKIPPED";

/// Reports that the running test is skipped, and why. Rust's test harness then counts it as passed;
/// `cargo xtask test` counts it as skipped and shows the reason.
///
/// # Errors
/// The report cannot be written.
pub fn skip(reason: &str) -> Result<()> {
    println!("skipped: {reason}");
    let Some(path) = std::env::var_os(FILE) else {
        return Ok(());
    };
    let line = format!("{}\n", reason.replace('\n', "; "));
    // One write, since other tests append to the same file.
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(line.as_bytes()))
        .with_context(|| format!("{} cannot be written", path.display()))
}
