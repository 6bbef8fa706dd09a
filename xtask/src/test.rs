//! `cargo xtask test`: every check and test in order, and a summary.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::command::{self, Failed};
use crate::faults;
use crate::setup::{self, Purpose};
use crate::steps::{Context, Outcome, Step};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Runs these steps only, with what they need built
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Step>,
    /// Writes the files of tests/inspect anew instead of comparing with them
    #[arg(long)]
    bless: bool,
    /// Runs none of these, but calls whose network, machine or parties fail: all faults, which
    /// takes a quarter of an hour, or those of these names (`list` names them); needs root
    #[arg(long, value_name = "FAULT", num_args = 0.., conflicts_with_all = ["only", "bless"])]
    faults: Option<Vec<String>>,
}

/// Runs all steps, the later ones also after one has failed.
///
/// # Errors
/// If the machine cannot be made ready. Failing steps are in the exit code: that of the first
/// of them.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(names) = &arguments.faults {
        return faults::run(names).map(|()| ExitCode::SUCCESS);
    }
    setup::prepare(Purpose::Test)?;
    let workspace = Workspace::new()?;
    let context = Context::new(workspace, arguments.bless);

    let mut results = Vec::new();
    for step in chosen(&arguments.only) {
        command::headline(&format!("{}: {}", step.name(), step.what()));
        let unbuilt = results.iter().any(|(step, result, _)| {
            *step == Step::Build && !matches!(result, Ok(Outcome::Passed))
        });
        let (result, time) = timed(|| {
            if unbuilt && step.needs_build() {
                Ok(Outcome::Skipped("the build failed".to_owned()))
            } else {
                step.run(&context)
            }
        });
        if let Err(error) = &result {
            println!("{} failed: {error:#}", step.name());
        }
        results.push((step, result, time));
    }
    Ok(summarize(&results))
}

/// The steps asked for, in their order, with the build where they need it.
fn chosen(only: &[Step]) -> Vec<Step> {
    if only.is_empty() {
        return Step::ALL.to_vec();
    }
    let build = only.iter().any(|step| step.needs_build());
    Step::ALL
        .into_iter()
        .filter(|step| only.contains(step) || (build && *step == Step::Build))
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "the one clock of this program")]
fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = act();
    (result, start.elapsed())
}

fn summarize(results: &[(Step, Result<Outcome>, Duration)]) -> ExitCode {
    command::headline("Summary");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (step, result, time) in results {
        let outcome = match result {
            Ok(Outcome::Passed) => {
                passed += 1;
                "passed".to_owned()
            }
            Ok(Outcome::Skipped(reason)) => {
                skipped += 1;
                format!("skipped: {reason}")
            }
            Err(error) => {
                failed += 1;
                format!("FAILED: {error}")
            }
        };
        println!(
            "{:<10} {:>7.1} s  {outcome}",
            step.name(),
            time.as_secs_f64()
        );
    }
    println!();
    if skipped == 0 {
        println!("{passed} passed, {failed} failed");
    } else {
        println!("{passed} passed, {failed} failed, {skipped} skipped");
    }
    results
        .iter()
        .find_map(|(_, result, _)| result.as_ref().err())
        .map_or(ExitCode::SUCCESS, |error| {
            let code = error
                .downcast_ref::<Failed>()
                .map_or(1, |failed| failed.code);
            ExitCode::from(code.max(1))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_runs_elements_brings_the_build_with_it() {
        assert_eq!(chosen(&[Step::Browser]), [Step::Build, Step::Browser]);
        assert_eq!(
            chosen(&[Step::Clippy, Step::Format]),
            [Step::Format, Step::Clippy]
        );
        assert_eq!(chosen(&[]), Step::ALL);
    }

    #[test]
    fn the_exit_code_is_that_of_the_first_failure() {
        let failure = |code| Err(Failed::new("false", code).into());
        let none = Duration::ZERO;
        let results = [
            (Step::Format, Ok(Outcome::Passed), none),
            (Step::Clippy, failure(101), none),
            (Step::Rust, failure(100), none),
        ];
        assert_eq!(
            format!("{:?}", summarize(&results)),
            format!("{:?}", ExitCode::from(101))
        );
        assert_eq!(
            format!("{:?}", summarize(&results[..1])),
            format!("{:?}", ExitCode::SUCCESS)
        );
    }
}
