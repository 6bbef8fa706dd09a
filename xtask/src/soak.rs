//! `cargo xtask soak`: builds the program `soak` with the release profile and runs it.

use anyhow::Result;

use crate::command;
use crate::setup::{self, Purpose};
use crate::workspace::{Profile, Workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Chooses the steps; the seed of an earlier run repeats its steps. Random by default
    #[arg(long)]
    seed: Option<u64>,
    /// How long to run
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Print each step
    #[arg(long)]
    verbose: bool,
}

/// Builds and runs the program.
///
/// # Errors
/// A requirement cannot be installed, the build fails, or the run has findings.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::prepare(Purpose::Soak)?;
    let workspace = Workspace::new()?;
    command::run(&mut workspace.build_measured())?;
    let built = workspace.built(Profile::Release);
    let mut soak = workspace.with_plugin(built.join("soak"), Profile::Release);
    soak.arg("--server").arg(built.join("acscall"));
    soak.args(["--minutes", &arguments.minutes.to_string()]);
    if let Some(seed) = arguments.seed {
        soak.args(["--seed", &seed.to_string()]);
    }
    if arguments.verbose {
        soak.arg("--verbose");
    }
    command::run(&mut soak)
}
