//! The JavaScript tests.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::command::find;
use crate::log::Log;
use crate::setup;
use crate::steps::{Context, Outcome};
use crate::workspace::Profile;

/// The packages of `package.json` that a step needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packages {
    /// The driver of Chromium.
    Dependencies,
    /// Also the SDKs, compilers and checkers.
    All,
}

/// Runs the calls between pipelines and Chromium.
///
/// # Errors
/// A test fails.
pub(crate) fn run_calls(context: &Context<'_>) -> Result<Outcome> {
    run(context, Packages::Dependencies, "test:calls")
}

/// Runs all other tests: the page, the library and the bridges alone, and Firefox.
///
/// # Errors
/// A test fails.
pub(crate) fn run_rest(context: &Context<'_>) -> Result<Outcome> {
    run(context, Packages::All, "test:rest")
}

/// Checks the types and the size of the library in `web/`.
///
/// # Errors
/// Its types are wrong, or it is too large.
pub(crate) fn check_library(context: &Context<'_>) -> Result<Outcome> {
    run(context, Packages::All, "types")?;
    run(context, Packages::All, "size")
}

fn run(context: &Context<'_>, packages: Packages, script: &str) -> Result<Outcome> {
    let workspace = context.workspace;
    let folder = workspace.root.join("tests/browser");
    install(context.log, &folder, packages)?;
    let built = workspace.built(Profile::Dev);
    let mut npm = workspace.with_plugin("npm", Profile::Dev);
    npm.current_dir(&folder)
        .args(["run", "--silent", script])
        .env("ACSCALL_BIN", built.join("acscall"))
        .env("ACSCALL_GST_PLUGIN_PATH", &built);
    for (variable, programs) in [
        ("CHROMIUM_BIN", setup::CHROMIUM),
        ("FIREFOX_BIN", setup::FIREFOX),
    ] {
        if let Some(browser) = programs.iter().find_map(|name| find(name)) {
            npm.env(variable, browser);
        }
    }
    context.log.run(&mut npm)?;
    Ok(Outcome::Passed)
}

/// Installs the packages of the lock file, unless they are up to date.
fn install(log: &Log, folder: &Path, packages: Packages) -> Result<()> {
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let installed = folder.join("node_modules/.package-lock.json");
    let is_current = changed(&installed) >= changed(&folder.join("package-lock.json"));
    let has_all = folder.join("node_modules/typescript").is_dir();
    if is_current && (has_all || packages == Packages::Dependencies) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]);
    if packages == Packages::Dependencies {
        npm.arg("--omit=dev");
    }
    log.run(npm.current_dir(folder))
}
