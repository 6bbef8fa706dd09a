//! `cargo xtask test` and `cargo xtask check`: their steps in order, and a summary.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use crate::children;
use crate::command::{self, Failed};
use crate::counts::Counts;
use crate::faults;
use crate::log::Log;
use crate::setup::{self, Purpose};
use crate::steps::{self, Context, Outcome, Step};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct TestArguments {
    /// Runs only these steps, and the build if they need it
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    only: Vec<String>,
    /// Runs no steps, but calls whose network, machine or participants fail: the faults with these
    /// names (`list` prints them) or all, which takes 15 minutes; needs root
    #[arg(long, value_name = "FAULT", num_args = 0.., conflicts_with = "only")]
    faults: Option<Vec<String>>,
}

#[derive(clap::Args)]
pub(crate) struct CheckArguments {
    /// Runs only these steps, and the build if they need it
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    only: Vec<String>,
    /// Rewrites the files of tests/inspect instead of comparing with them
    #[arg(long)]
    bless: bool,
}

/// Runs `cargo xtask test`. Returns the exit code of the first step that fails.
///
/// # Errors
/// A requirement cannot be installed.
pub(crate) fn test(arguments: &TestArguments) -> Result<ExitCode> {
    if let Some(names) = &arguments.faults {
        return faults::run(names).map(|()| ExitCode::SUCCESS);
    }
    let steps = steps::chosen(steps::TEST, &arguments.only)?;
    setup::prepare(Purpose::Test)?;
    run(&steps, false)
}

/// Runs `cargo xtask check`. Returns the exit code of the first step that fails.
///
/// # Errors
/// A requirement cannot be installed.
pub(crate) fn check(arguments: &CheckArguments) -> Result<ExitCode> {
    let steps = steps::chosen(steps::CHECK, &arguments.only)?;
    setup::prepare(Purpose::Check)?;
    run(&steps, arguments.bless)
}

/// The result of a step.
struct Done {
    name: &'static str,
    result: Result<Outcome>,
    time: Duration,
    counts: Counts,
    /// The reasons for which tests were skipped.
    skipped: Vec<String>,
    /// Describes the failure and names the log.
    failures: String,
}

/// Runs all steps, even after one has failed.
fn run(steps: &[Step], bless: bool) -> Result<ExitCode> {
    let workspace = Workspace::new()?;
    children::end_on_interrupt()?;
    let mut done: Vec<Done> = Vec::new();
    for step in steps {
        command::headline(&format!("{}: {}", step.name, step.what));
        let log = Log::new(&workspace.target.join("logs"), step.name)?;
        let failed = done.iter().zip(steps).any(|(done, before)| {
            step.needs(before) && !matches!(done.result, Ok(Outcome::Passed))
        });
        let result = if failed {
            Ok(Outcome::Skipped("the build failed".to_owned()))
        } else {
            step.run(&Context {
                workspace: &workspace,
                log: &log,
                bless,
            })
        };
        // Processes that are left behind must not disturb the next step.
        children::end_all();
        let one = Done::new(step, result, &log);
        println!("{}", one.line());
        done.push(one);
    }
    Ok(summarize(&done))
}

impl Done {
    fn new(step: &Step, result: Result<Outcome>, log: &Log) -> Done {
        let mut counts = log.counts();
        let failures = match &result {
            Ok(_) => String::new(),
            Err(error) => format!(
                "{error:#}\n{}\nFull log: {}",
                log.failures(),
                log.path().display()
            ),
        };
        match &result {
            // A step without tests counts as one test.
            Ok(Outcome::Passed) if counts.is_empty() => counts.passed = 1,
            Ok(Outcome::Skipped(_)) if counts.is_empty() => counts.skipped = 1,
            Err(_) if counts.failed == 0 => counts.failed = 1,
            _ => {}
        }
        Done {
            name: step.name,
            result,
            time: log.elapsed(),
            counts,
            skipped: log.skipped(),
            failures,
        }
    }

    fn line(&self) -> String {
        let outcome = match &self.result {
            Ok(Outcome::Passed) => self.counts.to_string(),
            Ok(Outcome::Skipped(reason)) => format!("skipped: {reason}"),
            Err(_) => format!("FAILED: {}", self.counts),
        };
        let mut line = format!(
            "{:<10} {:>6.1} s  {outcome}",
            self.name,
            self.time.as_secs_f64()
        );
        for skipped in &self.skipped {
            line.push_str(&format!("\n{:21}{skipped}", ""));
        }
        line
    }
}

/// Prints all steps, then the failures, then the total.
fn summarize(done: &[Done]) -> ExitCode {
    command::headline("Summary");
    let mut counts = Counts::default();
    let mut time = Duration::ZERO;
    for one in done {
        println!("{}", one.line());
        counts += one.counts;
        time += one.time;
    }
    println!("{:<10} {:>6.1} s", "total", time.as_secs_f64());
    for one in done.iter().filter(|one| one.result.is_err()) {
        command::headline(&format!("{} failed", one.name));
        println!("{}", one.failures);
    }
    println!("\n{counts}");
    done.iter()
        .find_map(|one| one.result.as_ref().err())
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

    fn done(result: Result<Outcome>) -> Done {
        let folder = std::env::temp_dir().join(format!("xtask-test-{}", std::process::id()));
        let log = Log::new(&folder, "step").unwrap();
        Done::new(&steps::TEST[0], result, &log)
    }

    fn failure(code: u8) -> Result<Outcome> {
        let line = "false".to_owned();
        Err(Failed { line, code }.into())
    }

    #[test]
    fn the_exit_code_is_that_of_the_first_failure() {
        let all = [
            done(Ok(Outcome::Passed)),
            done(failure(101)),
            done(failure(100)),
        ];
        let code = |all: &[Done]| format!("{:?}", summarize(all));
        assert_eq!(code(&all), format!("{:?}", ExitCode::from(101)));
        assert_eq!(code(&all[..1]), format!("{:?}", ExitCode::SUCCESS));
    }

    #[test]
    fn a_step_without_tests_counts_as_one() {
        assert_eq!(done(Ok(Outcome::Passed)).counts.passed, 1);
        assert_eq!(done(failure(1)).counts.failed, 1);
        let skipped = done(Ok(Outcome::Skipped("why".to_owned())));
        assert!(skipped.line().ends_with("skipped: why"));
    }
}
