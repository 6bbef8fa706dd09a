//! The steps of `cargo xtask test` and `cargo xtask check`.
//!
//! All steps build into the same target folder with the dev profile. The step `build` builds tests,
//! programs and plugins at once for the later steps: another selection of packages or targets
//! enables other features of dependencies and would build those a second time.

use anyhow::{Context as _, Result, bail};

use crate::command::probe;
use crate::log::Log;
use crate::workspace::{ALL_TARGETS, Profile, Workspace};
use crate::{browser, demo, fuzz, inspect, kernels, layers, rust};

/// One step.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    /// Its name on the command line, in the summary and in the name of its log.
    pub(crate) name: &'static str,
    /// What it checks.
    pub(crate) what: &'static str,
    /// Whether it needs the result of the step [`BUILD`].
    needs_build: bool,
    run: fn(&Context<'_>) -> Result<Outcome>,
}

/// The result of a step that did not fail.
pub(crate) enum Outcome {
    /// The step passed.
    Passed,
    /// The step was skipped for this reason.
    Skipped(String),
}

/// The context of a step.
pub(crate) struct Context<'a> {
    pub(crate) workspace: &'a Workspace,
    /// Receives the output of the step's programs.
    pub(crate) log: &'a Log,
    /// Whether golden files are rewritten instead of compared.
    pub(crate) bless: bool,
}

/// The steps of `cargo xtask test`.
pub(crate) const TEST: &[Step] = &[
    BUILD,
    step("rust", "the Rust tests", rust::run_tests).after_build(),
    step(
        "pipelines",
        "each script of pipelines/ in a call",
        rust::run_pipelines,
    )
    .after_build(),
    step("browser", "calls with Chromium", browser::run_calls).after_build(),
    step("demo", "a few seconds of the demo", demo::check).after_build(),
];

/// The steps of `cargo xtask check`. Quick steps that fail often come first.
pub(crate) const CHECK: &[Step] = &[
    step("format", "the source format", check_format),
    step("clippy", "lints", check_lints),
    step("layers", "the dependencies of each package", layers::check),
    step(
        "doc",
        "the documentation builds without warnings",
        build_documentation,
    ),
    step("xtask", "the tests of this program", rust::run_own_tests),
    step(
        "library",
        "the types and the size of acscall.js",
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
        "gst-inspect-1.0 shows each element as in tests/inspect",
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
        "the page, acscall.js and the bridges in Chromium and Firefox",
        browser::run_rest,
    )
    .after_build(),
    step("fuzz", "hostile input breaks nothing", fuzz::check),
];

const BUILD: Step = step("build", "builds tests, programs and plugins", build);

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

    /// Whether this step cannot run if `other` failed.
    pub(crate) fn needs(&self, other: &Step) -> bool {
        self.needs_build && other.name == BUILD.name
    }

    /// Runs the step.
    ///
    /// # Errors
    /// The check fails.
    pub(crate) fn run(&self, context: &Context<'_>) -> Result<Outcome> {
        (self.run)(context)
    }
}

/// Returns the named steps of `all` in their order, with the build if one needs it. Returns all if
/// none is named.
///
/// # Errors
/// There is no step with such a name.
pub(crate) fn chosen(all: &[Step], names: &[String]) -> Result<Vec<Step>> {
    if names.is_empty() {
        return Ok(all.to_vec());
    }
    if let Some(unknown) = names
        .iter()
        .find(|name| all.iter().all(|step| step.name != **name))
    {
        let known: Vec<_> = all.iter().map(|step| step.name).collect();
        bail!("there is no step '{unknown}', only {}", known.join(", "));
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
    // Writes the registry once, so that tests which start at the same time do not all write it.
    let inspect = || workspace.with_plugin("gst-inspect-1.0", Profile::Dev);
    for plugin in ["acscall", "rawmedia"] {
        probe(inspect().arg(plugin)).with_context(|| {
            format!(
                "gst-inspect-1.0 does not find the built plugin; \
                 `GST_PLUGIN_PATH=target/debug gst-inspect-1.0 {plugin}` shows why"
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
    fn a_step_that_needs_the_build_brings_it_along() {
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
