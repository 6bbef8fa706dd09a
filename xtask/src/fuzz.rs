//! `cargo xtask fuzz`, and the step `fuzz` of `cargo xtask test`: the targets of fuzz/.
//!
//! The corpus is replayed by an ordinary Rust test, everywhere. Looking for more takes cargo-fuzz,
//! a C++ compiler for libFuzzer, and a compiler that can count what code is reached; a stable one
//! can. No sanitizer: what is fuzzed has no unsafe code, and GStreamer's is not built here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::{self, find, probe};
use crate::setup::{self, Purpose};
use crate::steps::Outcome;
use crate::workspace::{Profile, Workspace};

/// Where each target is looked after in `cargo xtask test`, in seconds.
const BRIEFLY: u32 = 10;
/// What one input may take, in seconds: the slowest, a leg, waits 60 s for an answer.
const TIMEOUT: u32 = 100;

/// How cargo-fuzz builds: as quickly as it can, and the code as users get it.
const BUILD: [&str; 5] = [
    "--sanitizer=none",
    "--no-cfg-fuzzing",
    "--codegen-units=16",
    "--features=libfuzzer",
    // The folder, since it is no member of the workspace.
    "--fuzz-dir=fuzz",
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Those to run, by name; all of them one after the other if none is named
    targets: Vec<String>,
    /// How long each is run
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Takes what was found into the corpus of the repository, as little of it as shows as much
    #[arg(long)]
    keep: bool,
}

/// Looks for inputs that break an invariant.
///
/// # Errors
/// If one was found, or nothing can be looked for here.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::prepare(Purpose::Test)?;
    let workspace = Workspace::new()?;
    let fuzz = Fuzz::new(&workspace)?;
    if let Some(reason) = fuzz.obstacle() {
        bail!("{reason}");
    }
    let mut targets = fuzz.targets()?;
    if let Some(unknown) = arguments
        .targets
        .iter()
        .find(|name| !targets.contains(name))
    {
        bail!("no target is called '{unknown}': {}", targets.join(", "));
    }
    targets.retain(|name| arguments.targets.is_empty() || arguments.targets.contains(name));
    fuzz.build()?;
    for target in &targets {
        fuzz.run(target, arguments.seconds, &fuzz.found(target))?;
        if arguments.keep {
            fuzz.keep(target)?;
        }
    }
    Ok(())
}

/// Replays the corpus, and looks for more for a moment where that is possible.
///
/// # Errors
/// If an invariant does not hold.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let fuzz = Fuzz::new(workspace)?;
    let manifest = "--manifest-path=fuzz/Cargo.toml";
    command::run(workspace.cargo("fmt").args([manifest, "--check"]))?;
    let mut lints = workspace.cargo("clippy");
    command::run(lints.args([manifest, "--all-targets", "--", "--deny=warnings"]))?;
    let mut replay = workspace.cargo("test");
    workspace.set_environment(&mut replay, Profile::Dev);
    command::run(replay.args([manifest, "--quiet", "--test=corpus"]))?;
    if let Some(reason) = fuzz.obstacle() {
        return Ok(Outcome::Skipped(format!("the corpus passed; {reason}")));
    }
    fuzz.build()?;
    // What was found before would be gone through each time, which takes longer and longer.
    let found = fuzz.found("briefly");
    if found.exists() {
        fs::remove_dir_all(&found)?;
    }
    for target in fuzz.targets()? {
        fuzz.run(&target, BRIEFLY, &found.join(&target))?;
    }
    Ok(Outcome::Passed)
}

struct Fuzz<'a> {
    workspace: &'a Workspace,
}

impl Fuzz<'_> {
    fn new(workspace: &Workspace) -> Result<Fuzz<'_>> {
        let fuzz = Fuzz { workspace };
        fs::create_dir_all(fuzz.found(""))?;
        Ok(fuzz)
    }

    /// Why nothing can be looked for on this machine, if so.
    fn obstacle(&self) -> Option<String> {
        if ["c++", "g++", "clang++"]
            .into_iter()
            .all(|name| find(name).is_none())
        {
            return Some("there is no C++ compiler, which libFuzzer needs".to_owned());
        }
        let mut rustc = Command::new("rustc");
        rustc.args([
            "-Cpasses=sancov-module",
            "--crate-type=lib",
            "--emit=obj",
            "-",
            "-o",
        ]);
        if probe(rustc.arg(self.found("nothing.o"))).is_none() {
            return Some("this Rust cannot count what code is reached".to_owned());
        }
        let has_cargo_fuzz = find("cargo-fuzz").is_some()
            || self.workspace.tools().join("cargo-fuzz").is_file()
            || self.install();
        (!has_cargo_fuzz).then(|| "cargo-fuzz cannot be installed".to_owned())
    }

    fn install(&self) -> bool {
        println!("Installing cargo-fuzz into the target folder: it runs the fuzz targets");
        let mut install = self.workspace.cargo("install");
        install
            .args(["cargo-fuzz", "--locked", "--root"])
            .arg(self.workspace.target.join("tools"))
            // Nothing of it is of use to later builds.
            .env_remove("CARGO_TARGET_DIR");
        command::run(&mut install).is_ok()
    }

    /// The names of all targets.
    fn targets(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.workspace.root.join("fuzz/fuzz_targets"))? {
            let path = entry?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            names.push(name.context("a target has a name")?.to_owned());
        }
        names.sort();
        Ok(names)
    }

    fn build(&self) -> Result<()> {
        command::run(&mut self.cargo_fuzz("build"))
    }

    /// What is found goes into the folder `found`, and what is there already is built on.
    fn run(&self, target: &str, seconds: u32, found: &Path) -> Result<()> {
        command::headline(&format!("{target}, for {seconds} s"));
        fs::create_dir_all(found)?;
        let mut fuzz = self.cargo_fuzz("run");
        fuzz.arg(target)
            // What is found goes into the first of these.
            .arg(found)
            .arg(self.corpus(target))
            .arg("--")
            .args([
                format!("-max_total_time={seconds}"),
                format!("-timeout={TIMEOUT}"),
                "-print_final_stats=1".to_owned(),
                "-verbosity=0".to_owned(),
                "-print_funcs=0".to_owned(),
            ]);
        command::run(&mut fuzz)
    }

    /// Merges what was found into the corpus, and leaves out what shows nothing new.
    fn keep(&self, target: &str) -> Result<()> {
        let corpus = self.corpus(target);
        for entry in fs::read_dir(self.found(target))? {
            let entry = entry?;
            fs::copy(entry.path(), corpus.join(entry.file_name()))?;
        }
        let mut minimise = self.cargo_fuzz("cmin");
        command::run(minimise.arg(target).arg(corpus))
    }

    fn cargo_fuzz(&self, subcommand: &str) -> Command {
        let mut fuzz = self.workspace.cargo("fuzz");
        self.workspace.set_environment(&mut fuzz, Profile::Dev);
        fuzz.arg(subcommand).args(BUILD);
        fuzz
    }

    /// Of the repository.
    fn corpus(&self, target: &str) -> PathBuf {
        self.workspace.root.join("fuzz/corpus").join(target)
    }

    /// What runs on this machine have found.
    fn found(&self, target: &str) -> PathBuf {
        self.workspace.target.join("fuzz").join(target)
    }
}
