//! A short run of `cargo xtask soak`, which does not check memory.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The output of a run, and whether it has no findings.
fn soak(arguments: &[&str]) -> Result<(String, bool)> {
    let output = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(arguments)
        // The program collects the log of GLib.
        .env_remove("G_DEBUG")
        .env_remove("GST_TRACERS")
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok((text, output.status.success()))
}

/// The steps in the output of a run with `--verbose`, in order.
fn steps(text: &str) -> Vec<&str> {
    let done = text.lines().filter(|line| line.ends_with(" ms)"));
    done.filter_map(|line| Some(line.split_once(" (")?.0))
        .collect()
}

#[test]
fn participants_come_and_go_by_the_seed_and_leave_no_object_thread_or_unexplained_message()
-> Result<()> {
    ensure!(Path::new(env!("CARGO_BIN_EXE_participant")).is_file());
    let run = [
        "--seed",
        "4",
        "--rounds",
        "1",
        "--steps",
        "30",
        "--pause",
        "100",
        "--verbose",
        "--busy",
    ];
    let (text, is_clean) = soak(&run)?;
    ensure!(is_clean, "{text}");
    let done = steps(&text);
    ensure!(done.first() == Some(&"join stay Both"), "{text}");
    ensure!(done.last() == Some(&"rest"), "{text}");
    // The tour and one round, each with its end.
    ensure!(done.len() > 80, "{} steps: {text}", done.len());
    let row = |what: &str| {
        let row = text.lines().find(|line| line.contains(what));
        row.with_context(|| format!("'{what}' is not in {text}"))
    };
    ensure!(
        row("| messages on the buses |")?.trim_end_matches(" |") > "| messages on the buses | 0"
    );
    ensure!(row("| findings |")? == "| findings | 0 |");
    Ok(())
}
