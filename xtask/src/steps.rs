//! The steps of `cargo xtask test` and `cargo xtask check`.
//!
//! All of them build into the one target folder with the dev profile. Whatever runs something
//! that was built takes it from the step `build`, which builds tests, programs and plugins in one
//! go: another selection of packages or targets has other features of dependencies, and would
//! build those a second time.

use anyhow::{Context as _, Result, bail};

use crate::command::probe;
use crate::log::Log;
use crate::workspace::{ALL_TARGETS, Profile, Workspace};
use crate::{browser, demo, fuzz, inspect, kernels, layers, rust};

/// One step.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    /// Its name on the command line, in the summary and of its log.
    pub(crate) name: &'static str,
    /// What it shows.
    pub(crate) what: &'static str,
    /// Whether it runs what the step [`BUILD`] builds.
    needs_build: bool,
    run: fn(&Context<'_>) -> Result<Outcome>,
}

/// How a step ended, if it did not fail.
pub(crate) enum Outcome {
    /// As it should.
    Passed,
    /// It was not run, and why.
    Skipped(String),
}

/// What a step works with.
pub(crate) struct Context<'a> {
    pub(crate) workspace: &'a Workspace,
    /// Takes what the step's programs print.
    pub(crate) log: &'a Log,
    /// Whether golden files are written instead of compared.
    pub(crate) bless: bool,
}

/// Shows that the project works, to everybody.
pub(crate) const TEST: &[Step] = &[
    BUILD,
    step("rust", "the Rust tests", rust::run_tests).after_build(),
    step(
        "pipelines",
        "every script of pipelines/ in a call",
        rust::run_pipelines,
    )
    .after_build(),
    step("browser", "calls with Chromium", browser::run_calls).after_build(),
    step("demo", "a few seconds of the demo", demo::check).after_build(),
];

/// Keeps the project in order, for those who change it. The quick ones that fail often come first.
pub(crate) const CHECK: &[Step] = &[
    step("format", "the format of the sources", check_format),
    step("clippy", "lints", check_lints),
    step("layers", "what each package may depend on", layers::check),
    step(
        "doc",
        "the documentation builds without warnings",
        build_documentation,
    ),
    step("xtask", "the tests of this program", rust::run_own_tests),
    step(
        "library",
        "the types of acscall.js, and its size",
        browser::check_library,
    ),
    step(
        "arm",
        "the kernels for ARM compile without warnings",
        kernels::check_arm,
    ),
    BUILD,
    step(
        "inspect",
        "gst-inspect-1.0 of each element is as in tests/inspect",
        inspect::check,
    )
    .after_build(),
    step(
        "memory",
        "the kernels touch no byte outside their rows",
        kernels::check_memory,
    )
    .after_build(),
    step(
        "page",
        "the page, acscall.js and the bridges, in Chromium and Firefox",
        browser::run_rest,
    )
    .after_build(),
    step("fuzz", "hostile input breaks nothing", fuzz::check),
];

const BUILD: Step = step("build", "everything is built", build);

const fn step(
    name: &'static str,
    what: &'static str,
    run: fn(&Context<'_>) -> Result<Outcome>,
) -> Step {
    Step {
        name,
        what,
        needs_build: false,
        run,
    }
}

impl Step {
    const fn after_build(mut self) -> Step {
        self.needs_build = true;
        self
    }

    /// Whether it cannot be run where that other step has failed.
    pub(crate) fn needs(&self, other: &Step) -> bool {
        self.needs_build && other.name == BUILD.name
    }

    /// Does it.
    ///
    /// # Errors
    /// If what it shows is not so.
    pub(crate) fn run(&self, context: &Context<'_>) -> Result<Outcome> {
        (self.run)(context)
    }
}

/// The steps of `all` that are named, in their order, with the build where they need it; all of
/// them if none is named.
///
/// # Errors
/// If there is no such step.
pub(crate) fn chosen(all: &[Step], names: &[String]) -> Result<Vec<Step>> {
    if names.is_empty() {
        return Ok(all.to_vec());
    }
    if let Some(unknown) = names
        .iter()
        .find(|name| all.iter().all(|step| step.name != **name))
    {
        let known: Vec<_> = all.iter().map(|step| step.name).collect();
        bail!(
            "there is no step '{unknown}' here, only {}",
            known.join(", ")
        );
    }
    let is_named = |step: &Step| names.iter().any(|name| name == step.name);
    let needs_build = all.iter().any(|step| is_named(step) && step.needs_build);
    Ok(all
        .iter()
        .filter(|step| is_named(step) || (needs_build && step.name == BUILD.name))
        .copied()
        .collect())
}

fn build(context: &Context<'_>) -> Result<Outcome> {
    let workspace = context.workspace;
    let mut build = workspace.cargo_for_tests("build");
    context.log.run(build.args(ALL_TARGETS))?;
    // The registry is written here once, and not by every test that starts first.
    let inspect = || workspace.with_plugin("gst-inspect-1.0", Profile::Dev);
    for plugin in ["acscall", "rawmedia"] {
        probe(inspect().arg(plugin)).with_context(|| {
            format!(
                "gst-inspect-1.0 does not find the plugin that was built: \
                 `GST_PLUGIN_PATH=target/debug gst-inspect-1.0 {plugin}` says why"
            )
        })?;
    }
    Ok(Outcome::Passed)
}

fn check_format(context: &Context<'_>) -> Result<Outcome> {
    let mut format = context.workspace.cargo("fmt");
    context.log.run(format.args(["--all", "--check"]))?;
    Ok(Outcome::Passed)
}

fn check_lints(context: &Context<'_>) -> Result<Outcome> {
    let mut clippy = context.workspace.cargo("clippy");
    clippy.args(["--workspace", "--all-targets", "--", "--deny=warnings"]);
    context.log.run(&mut clippy)?;
    Ok(Outcome::Passed)
}

fn build_documentation(context: &Context<'_>) -> Result<Outcome> {
    let mut doc = context.workspace.cargo("doc");
    doc.args(["--workspace", "--no-deps", "--document-private-items"])
        .env("RUSTDOCFLAGS", "--deny=warnings");
    context.log.run(&mut doc)?;
    Ok(Outcome::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[Step], only: &[&str]) -> Result<Vec<&'static str>> {
        let only: Vec<_> = only.iter().map(ToString::to_string).collect();
        let steps = chosen(all, &only)?;
        Ok(steps.iter().map(|step| step.name).collect())
    }

    #[test]
    fn a_step_that_runs_what_is_built_brings_the_build_with_it() {
        assert_eq!(names(TEST, &["browser"]).unwrap(), ["build", "browser"]);
        assert_eq!(
            names(CHECK, &["clippy", "format"]).unwrap(),
            ["format", "clippy"]
        );
        assert_eq!(names(TEST, &[]).unwrap().len(), TEST.len());
    }

    #[test]
    fn an_unknown_step_is_an_error_that_names_the_known_ones() {
        let error = names(TEST, &["clippy"]).unwrap_err().to_string();
        assert!(
            error.contains("'clippy'") && error.contains("browser"),
            "{error}"
        );
    }
}
