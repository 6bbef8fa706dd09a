//! `cargo xtask fuzz`, and the step `fuzz` of `cargo xtask check`: the targets of fuzz/.
//!
//! The corpus is replayed by an ordinary Rust test, everywhere. Looking for more takes a C++
//! compiler for libFuzzer. The targets are built by cargo itself, not by cargo-fuzz, which would
//! build all dependencies once more: only our own crates count what is reached
//! (fuzz/rustc-with-coverage). No sanitizer: what is fuzzed has no unsafe code, and GStreamer's is
//! not built here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::command::{self, find};
use crate::setup::{self, Purpose};
use crate::steps::{Context, Outcome};
use crate::workspace::{Profile, Workspace};

/// Where each target is looked after in `cargo xtask check`, in seconds.
const BRIEFLY: u32 = 10;
/// What one input may take, in seconds: the slowest, a leg, waits 60 s for an answer.
const TIMEOUT: u32 = 100;

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
    setup::prepare(Purpose::Check)?;
    let workspace = Workspace::new()?;
    let fuzz = Fuzz {
        workspace: &workspace,
        profile: Profile::Release,
    };
    let mut targets = fuzz.targets()?;
    if let Some(unknown) = arguments
        .targets
        .iter()
        .find(|name| !targets.contains(name))
    {
        bail!("no target is called '{unknown}': {}", targets.join(", "));
    }
    targets.retain(|name| arguments.targets.is_empty() || arguments.targets.contains(name));
    command::run(&mut fuzz.build())?;
    for target in &targets {
        command::headline(&format!("{target}, for {} s", arguments.seconds));
        let found = fuzz.found(target);
        command::run(&mut fuzz.search(target, arguments.seconds, &found)?)?;
        if arguments.keep {
            fuzz.keep(target, &found)?;
        }
    }
    Ok(())
}

/// Replays the corpus, and looks for more for a moment where that is possible.
///
/// # Errors
/// If an invariant does not hold.
pub(crate) fn check(context: &Context<'_>) -> Result<Outcome> {
    let fuzz = Fuzz {
        workspace: context.workspace,
        profile: Profile::Dev,
    };
    let mut replay = context.workspace.cargo("test");
    context.workspace.set_environment(&mut replay, Profile::Dev);
    replay.args(["--package=acscall-fuzz", "--test=corpus"]);
    context.log.run(&mut replay)?;
    if ["c++", "g++", "clang++"]
        .iter()
        .all(|name| find(name).is_none())
    {
        return Ok(Outcome::Skipped(
            "the corpus passed; to look for more takes a C++ compiler".to_owned(),
        ));
    }
    context.log.run(&mut fuzz.build())?;
    // What was found before would be gone through each time, which takes longer and longer.
    let found = fuzz.found("briefly");
    if found.exists() {
        fs::remove_dir_all(&found)?;
    }
    for target in fuzz.targets()? {
        let mut search = fuzz.search(&target, BRIEFLY, &found.join(&target))?;
        context.log.run(&mut search)?;
    }
    Ok(Outcome::Passed)
}

struct Fuzz<'a> {
    workspace: &'a Workspace,
    /// Dev where the dependencies are built with it already, release where it runs for long.
    profile: Profile,
}

impl Fuzz<'_> {
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

    fn build(&self) -> Command {
        let mut build = self.workspace.cargo("build");
        build
            .args(["--package=acscall-fuzz", "--bins", "--features=libfuzzer"])
            .env(
                "RUSTC_WORKSPACE_WRAPPER",
                self.workspace.root.join("fuzz/rustc-with-coverage"),
            );
        if matches!(self.profile, Profile::Release) {
            build.arg("--release");
        }
        build
    }

    fn program(&self, target: &str) -> Command {
        let program = self.workspace.built(self.profile).join(target);
        self.workspace.with_plugin(program, self.profile)
    }

    /// What is found goes into the folder `found`, and what is there already is built on.
    fn search(&self, target: &str, seconds: u32, found: &Path) -> Result<Command> {
        fs::create_dir_all(found)?;
        let mut program = self.program(target);
        program
            // What is found goes into the first of these.
            .args([found, &self.corpus(target)])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-timeout={TIMEOUT}"))
            // The input that breaks something, if one does.
            .arg(format!("-artifact_prefix={}/failed-", found.display()))
            .args(["-print_final_stats=1", "-verbosity=0", "-print_funcs=0"]);
        Ok(program)
    }

    /// Merges what was found into the corpus, and leaves out what shows nothing new.
    fn keep(&self, target: &str, found: &Path) -> Result<()> {
        let corpus = self.corpus(target);
        let smaller = self.found(&format!("{target}-kept"));
        let _none = fs::remove_dir_all(&smaller);
        fs::create_dir_all(&smaller)?;
        let mut merge = self.program(target);
        command::run(
            merge
                .arg("-merge=1")
                .args([smaller.as_path(), &corpus, found]),
        )?;
        ensure!(
            fs::read_dir(&smaller)?.next().is_some(),
            "nothing was kept of {target}"
        );
        fs::remove_dir_all(&corpus)?;
        fs::create_dir_all(&corpus)?;
        for entry in fs::read_dir(&smaller)? {
            let entry = entry?;
            fs::copy(entry.path(), corpus.join(entry.file_name()))?;
        }
        Ok(fs::remove_dir_all(&smaller)?)
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
