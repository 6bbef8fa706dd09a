//! The steps of `cargo xtask test`.
//!
//! All of them build into the one target folder with the dev profile, and those that run
//! something select the whole workspace: another selection has other features of dependencies,
//! which would be built a second time.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::command::{self, find, probe};
use crate::demo;
use crate::fuzz;
use crate::inspect;
use crate::kernels;
use crate::layers;
use crate::setup;
use crate::workspace::{Profile, Workspace};

/// One step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Step {
    /// The form of the sources
    Format,
    /// Lints
    Clippy,
    /// The documentation builds without warnings
    Doc,
    /// No package depends on what its layer may not know
    Layers,
    /// The types of acscall.js, and its size
    Library,
    /// Everything is built
    Build,
    /// The Rust tests
    Rust,
    /// The kernels touch no byte outside their rows
    Memory,
    /// The kernels for ARM compile
    Arm,
    /// Hostile input breaks nothing
    Fuzz,
    /// What gst-inspect-1.0 shows of each element
    Inspect,
    /// Every script of pipelines/
    Pipelines,
    /// Calls with real browsers
    Browser,
    /// A few seconds of the demo
    Demo,
}

/// How a step ended, if it did not fail.
pub(crate) enum Outcome {
    /// As it should.
    Passed,
    /// It was not run, and why.
    Skipped(String),
}

/// What the steps share.
pub(crate) struct Context {
    workspace: Workspace,
    bless: bool,
    /// Whether cargo-nextest runs the tests, once that was found out.
    nextest: OnceCell<bool>,
}

impl Context {
    pub(crate) fn new(workspace: Workspace, bless: bool) -> Context {
        Context {
            workspace,
            bless,
            nextest: OnceCell::new(),
        }
    }
}

impl Step {
    /// All steps, in their order: the quick ones that fail often first.
    pub(crate) const ALL: [Step; 14] = [
        Step::Format,
        Step::Clippy,
        Step::Doc,
        Step::Layers,
        Step::Library,
        Step::Build,
        Step::Rust,
        Step::Memory,
        Step::Arm,
        Step::Fuzz,
        Step::Inspect,
        Step::Pipelines,
        Step::Browser,
        Step::Demo,
    ];

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Step::Format => "format",
            Step::Clippy => "clippy",
            Step::Doc => "doc",
            Step::Layers => "layers",
            Step::Library => "library",
            Step::Build => "build",
            Step::Rust => "rust",
            Step::Memory => "memory",
            Step::Arm => "arm",
            Step::Fuzz => "fuzz",
            Step::Inspect => "inspect",
            Step::Pipelines => "pipelines",
            Step::Browser => "browser",
            Step::Demo => "demo",
        }
    }

    /// What it shows, for the headline.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Step::Format => "the form of the sources",
            Step::Clippy => "lints",
            Step::Doc => "the documentation builds without warnings",
            Step::Layers => "no package depends on what its layer may not know",
            Step::Library => "the types of acscall.js, and its size",
            Step::Build => "everything is built",
            Step::Rust => "the Rust tests",
            Step::Memory => "the kernels touch no byte outside their rows",
            Step::Arm => "the kernels for ARM compile",
            Step::Fuzz => "hostile input breaks nothing",
            Step::Inspect => "what gst-inspect-1.0 shows of each element",
            Step::Pipelines => "every script of pipelines/",
            Step::Browser => "calls with real browsers",
            Step::Demo => "a few seconds of the demo",
        }
    }

    /// Whether it runs what [`Step::Build`] builds.
    pub(crate) fn needs_build(self) -> bool {
        matches!(
            self,
            Step::Rust | Step::Inspect | Step::Pipelines | Step::Browser | Step::Demo
        )
    }

    /// Does it.
    ///
    /// # Errors
    /// If what it shows is not so.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome> {
        let workspace = &context.workspace;
        match self {
            Step::Format => command::run(workspace.cargo("fmt").args(["--all", "--check"]))?,
            Step::Clippy => command::run(workspace.cargo("clippy").args([
                "--workspace",
                "--all-targets",
                "--",
                "--deny=warnings",
            ]))?,
            Step::Doc => command::run(
                workspace
                    .cargo("doc")
                    .args(["--workspace", "--no-deps", "--document-private-items"])
                    .env("RUSTDOCFLAGS", "--deny=warnings"),
            )?,
            Step::Layers => layers::check(workspace)?,
            Step::Library => check_library(workspace)?,
            Step::Build => build(workspace)?,
            Step::Rust => run_rust_tests(context, Part::AllButPipelines)?,
            Step::Memory => kernels::check_memory(workspace)?,
            Step::Arm => return kernels::check_arm(workspace),
            Step::Fuzz => return fuzz::check(workspace),
            Step::Inspect => return inspect::check(workspace, context.bless),
            Step::Pipelines => run_rust_tests(context, Part::Pipelines)?,
            Step::Browser => run_browser_tests(workspace)?,
            Step::Demo => demo::check(workspace)?,
        }
        Ok(Outcome::Passed)
    }
}

fn build(workspace: &Workspace) -> Result<()> {
    // This program itself is running.
    command::run(
        workspace
            .cargo("build")
            .args(["--workspace", "--exclude=xtask"]),
    )?;
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
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    AllButPipelines,
    Pipelines,
}

/// With cargo-nextest, which runs each test in a process of its own and ends it after a minute,
/// or with plain `cargo test` where that is not to be had.
fn run_rust_tests(context: &Context, part: Part) -> Result<()> {
    let workspace = &context.workspace;
    let mut tests = if *context.nextest.get_or_init(|| has_nextest(workspace)) {
        let mut nextest = workspace.cargo("nextest");
        nextest.args(["run", "--workspace", "-E"]).arg(match part {
            Part::AllButPipelines => "not binary(=pipelines)",
            Part::Pipelines => "binary(=pipelines)",
        });
        nextest
    } else {
        let mut cargo = workspace.cargo("test");
        cargo.arg("--workspace");
        match part {
            Part::AllButPipelines => {
                cargo.args(["--lib", "--bins"]);
                for test in integration_tests(&workspace.root)? {
                    cargo.args(["--test", &test]);
                }
            }
            // One after the other: they are heavy, and what they see is timed.
            Part::Pipelines => {
                cargo.args(["--test", "pipelines", "--", "--test-threads=1"]);
            }
        }
        cargo
    };
    workspace.set_environment(&mut tests, Profile::Dev);
    // What GLib and GStreamer complain of is a mistake, in tests and in what they start.
    tests.env("G_DEBUG", "fatal_warnings");
    command::run(&mut tests)
}

/// Whether cargo-nextest is there, after trying to install it into the target folder.
fn has_nextest(workspace: &Workspace) -> bool {
    if find("cargo-nextest").is_some() || workspace.tools().join("cargo-nextest").is_file() {
        return true;
    }
    println!("Installing cargo-nextest into the target folder: it runs the tests");
    let installed = command::run(
        workspace
            .cargo("install")
            .args(["cargo-nextest", "--locked", "--root"])
            .arg(workspace.target.join("tools"))
            // Nothing of it is of use to later builds.
            .env_remove("CARGO_TARGET_DIR"),
    );
    if let Err(error) = &installed {
        println!("Going on with plain `cargo test`: {error}");
    }
    installed.is_ok()
}

/// The names of all integration tests but the pipelines'.
fn integration_tests(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("tests/tests"))? {
        let path = entry?.path();
        let is_test = path.extension().is_some_and(|extension| extension == "rs")
            || path.join("main.rs").is_file();
        if is_test
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
            && name != "pipelines"
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// What can be said of the library in `web/` without running it.
fn check_library(workspace: &Workspace) -> Result<()> {
    let folder = browser_tests(workspace)?;
    for script in ["types", "size"] {
        command::run(
            Command::new("npm")
                .args(["run", "--silent", script])
                .current_dir(&folder),
        )?;
    }
    Ok(())
}

fn run_browser_tests(workspace: &Workspace) -> Result<()> {
    let folder = browser_tests(workspace)?;
    let built = workspace.built(Profile::Dev);
    let mut node = workspace.with_plugin("node", Profile::Dev);
    // One file after the other: the browsers and the elements are timed.
    node.current_dir(&folder)
        .args(["--test", "--test-concurrency=1"])
        .env("ACSCALL_BIN", built.join("acscall"))
        .env("ACSCALL_GST_PLUGIN_PATH", &built);
    for (variable, programs) in [
        ("CHROMIUM_BIN", setup::CHROMIUM),
        ("FIREFOX_BIN", setup::FIREFOX),
    ] {
        if let Some(browser) = programs.iter().find_map(|name| find(name)) {
            node.env(variable, browser);
        }
    }
    command::run(&mut node)
}

/// The folder of the tests in JavaScript, with the packages that they need.
fn browser_tests(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.root.join("tests/browser");
    install_node_packages(&folder)?;
    Ok(folder)
}

/// Unless what is installed is that of the lock file already.
fn install_node_packages(folder: &Path) -> Result<()> {
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let installed = changed(&folder.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= changed(&folder.join("package-lock.json")) {
        return Ok(());
    }
    command::run(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(folder),
    )
}
