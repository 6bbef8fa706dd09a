//! `cargo xtask bench`: builds the benchmarks with the release profile and runs them.

use std::ffi::OsString;

use anyhow::Result;
use clap::Subcommand;

use crate::command;
use crate::setup::{self, Purpose};
use crate::workspace::{Profile, Workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Joining, starting streams, latency, threads, memory and processor time of calls
    #[command(disable_help_flag = true)]
    Call {
        /// For the benchmark; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// What floods of a hostile client cost a call of two others; all floods or the named ones
    #[command(disable_help_flag = true)]
    Floods {
        /// For the benchmark; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// rawtap compared with tee and identity, bwfilter with videobalance, memcpy and memset
    #[command(disable_help_flag = true)]
    Elements {
        /// For criterion, such as a part of a name; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// The grayscale kernels compared with memcpy and memset
    #[command(disable_help_flag = true)]
    Kernels {
        /// For criterion, such as a part of a name; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Builds and runs a benchmark.
///
/// # Errors
/// A requirement cannot be installed, or the build or the benchmark fails.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::prepare(Purpose::Run)?;
    let workspace = Workspace::new()?;
    match &arguments.bench {
        Bench::Call { arguments } => program(&workspace, "bench_call", arguments),
        Bench::Floods { arguments } => program(&workspace, "bench_floods", arguments),
        Bench::Elements { arguments } => criterion(&workspace, &["bwfilter", "rawtap"], arguments),
        Bench::Kernels { arguments } => criterion(&workspace, &["kernels"], arguments),
    }
}

fn program(workspace: &Workspace, name: &str, arguments: &[OsString]) -> Result<()> {
    command::run(&mut workspace.build_measured())?;
    let program = workspace.built(Profile::Release).join(name);
    command::run(
        workspace
            .with_plugin(program, Profile::Release)
            .args(arguments),
    )
}

fn criterion(workspace: &Workspace, benches: &[&str], arguments: &[OsString]) -> Result<()> {
    let mut bench = workspace.cargo("bench");
    bench.arg("--package=acscall-benches");
    for name in benches {
        bench.args(["--bench", name]);
    }
    workspace.set_environment(&mut bench, Profile::Release);
    command::run(bench.arg("--").args(arguments))
}
