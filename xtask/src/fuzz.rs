//! `cargo xtask fuzz`, and the step `fuzz` of `cargo xtask check`: the targets of fuzz/.
//!
//! An ordinary Rust test replays the corpus on every machine. Fuzzing needs a C++ compiler for
//! libFuzzer. cargo builds the targets, not cargo-fuzz, which would build all dependencies a second
//! time: only our own crates are instrumented for coverage (fuzz/rustc-with-coverage). There is no
//! sanitizer, since the fuzzed code has no unsafe code and GStreamer is not built here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::command::{self, find};
use crate::setup::{self, Purpose};
use crate::steps::{Context, Outcome};
use crate::workspace::{Profile, Workspace};

/// How long each target is fuzzed in `cargo xtask check`, in seconds.
const BRIEFLY: u32 = 10;
/// How long one input may take, in seconds: the slowest, a leg, waits 60 s for an answer.
const TIMEOUT: u32 = 100;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Names of the targets; all if none is named
    targets: Vec<String>,
    /// How long each target is fuzzed
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Merge new inputs into the corpus of the repository, minimised
    #[arg(long)]
    keep: bool,
}

/// Looks for inputs that break an invariant.
///
/// # Errors
/// Such an input was found, or the targets cannot be built.
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
        bail!(
            "there is no target '{unknown}', only {}",
            targets.join(", ")
        );
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

/// Replays the corpus, then fuzzes each target briefly if there is a C++ compiler.
///
/// # Errors
/// An input breaks an invariant.
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
            "the corpus passed; fuzzing needs a C++ compiler".to_owned(),
        ));
    }
    context.log.run(&mut fuzz.build())?;
    // Replaying earlier finds would take longer each time.
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
    /// Dev to reuse the dependencies of other steps, release for long runs.
    profile: Profile,
}

impl Fuzz<'_> {
    /// The names of all targets, sorted.
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

    /// Fuzzes from the corpus and the inputs in the folder `found`, which also receives new inputs.
    fn search(&self, target: &str, seconds: u32, found: &Path) -> Result<Command> {
        fs::create_dir_all(found)?;
        let mut program = self.program(target);
        program
            // New inputs go into the first folder.
            .args([found, &self.corpus(target)])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-timeout={TIMEOUT}"))
            // An input that breaks an invariant.
            .arg(format!("-artifact_prefix={}/failed-", found.display()))
            .args(["-print_final_stats=1", "-verbosity=0", "-print_funcs=0"]);
        Ok(program)
    }

    /// Merges the inputs in `found` into the corpus, without those that add no coverage.
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
            "no input of {target} was kept"
        );
        fs::remove_dir_all(&corpus)?;
        fs::create_dir_all(&corpus)?;
        for entry in fs::read_dir(&smaller)? {
            let entry = entry?;
            fs::copy(entry.path(), corpus.join(entry.file_name()))?;
        }
        Ok(fs::remove_dir_all(&smaller)?)
    }

    /// The corpus of the repository.
    fn corpus(&self, target: &str) -> PathBuf {
        self.workspace.root.join("fuzz/corpus").join(target)
    }

    /// The inputs that runs on this machine have found.
    fn found(&self, target: &str) -> PathBuf {
        self.workspace.target.join("fuzz").join(target)
    }
}
