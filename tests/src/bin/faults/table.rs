//! Runs cases one after the other and prints a table of the results.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use acscall_tests::namespace;
use anyhow::{Context as _, Result, ensure};

use crate::cases::Case;
use crate::measure::Figures;
use crate::record::Record;

const HEAD: &str = "\
| fault | frames delivered while it lasts | delay, median and longest (ms) | longest pause of picture, sound (ms) | picture, sound back after (ms) | all frames again after (ms) |
|---|---|---|---|---|---|";
/// The beginning of a row in the output of a case.
const ROW: &str = "| ";

/// Returns false if a promise was not kept.
pub(crate) fn run<'a>(cases: impl Iterator<Item = &'a Case>) -> bool {
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    for case in cases {
        println!("{}: {}", case.name, case.what);
        if let Err(error) = run_case(case, &mut rows) {
            println!("  FAILED: {error:#}");
            failures.push(case.name);
        }
    }
    println!("\n{HEAD}");
    for row in rows {
        println!("{row}");
    }
    if !failures.is_empty() {
        println!("\nPromises not kept: {}", failures.join(", "));
    }
    failures.is_empty()
}

fn run_case(case: &Case, rows: &mut Vec<String>) -> Result<()> {
    let mut process = namespace::again(&[case.name])?
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = process.stdout.take().context("its output is piped")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("  {line}");
        if line.starts_with(ROW) {
            rows.push(line);
        }
    }
    ensure!(process.wait()?.success(), "see above");
    Ok(())
}

/// Prints messages and errors, then the row of the table.
pub(crate) fn print_row(case: &Case, figures: &Figures, record: &Record) {
    for message in &record.messages {
        println!("{message}");
    }
    for error in &record.errors {
        println!("{error}");
    }
    if !record.damaged.is_empty() {
        println!("{} damaged pictures", record.damaged.len());
    }
    let time = |time: Option<u64>| time.map_or("never".to_owned(), |time| time.to_string());
    let delay = figures.delay.map_or("-".to_owned(), |(median, longest)| {
        format!("{median}, {longest}")
    });
    println!(
        "{ROW}{} | {:.1} % ({} of {}) | {delay} | {}, {} | {}, {} | {} |",
        case.what,
        figures.percent(),
        figures.delivered,
        figures.sent,
        figures.picture_pause,
        figures.sound_pause,
        time(figures.picture_back),
        time(figures.sound_back),
        time(figures.whole),
    );
}
