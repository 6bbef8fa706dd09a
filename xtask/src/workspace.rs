//! The folders of the project, and commands that run in them.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The targets for [`Workspace::cargo_for_tests`]: plugins, programs and tests, always all of them
/// for the same reason.
pub(crate) const ALL_TARGETS: [&str; 3] = ["--lib", "--bins", "--tests"];

/// The checkout and cargo's target folder.
pub(crate) struct Workspace {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
}

/// A profile of cargo.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    /// Quick to build.
    Dev,
    /// As users build it.
    Release,
}

impl Workspace {
    /// The workspace that this program was built from.
    ///
    /// # Errors
    /// The program is not in its target folder.
    pub(crate) fn new() -> Result<Workspace> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask is not inside the workspace")?
            .to_path_buf();
        // This program is in the target folder, wherever that is: target/debug/xtask.
        let target = env::current_exe()
            .context("xtask does not find its program file")?
            .ancestors()
            .nth(2)
            .context("xtask is not inside a target folder: run it as `cargo xtask`")?
            .to_path_buf();
        Ok(Workspace { root, target })
    }

    /// `cargo SUBCOMMAND`, run in the checkout, building into the same folder.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .arg(subcommand)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// `cargo SUBCOMMAND` for the tests and the packages that they need. The selection is always the
    /// same, since another one would enable other features of dependencies and build those a second
    /// time.
    pub(crate) fn cargo_for_tests(&self, subcommand: &str) -> Command {
        let mut words = subcommand.split(' ');
        let mut cargo = self.cargo(words.next().unwrap_or_default());
        cargo.args(words).args([
            "--workspace",
            // This program is running.
            "--exclude=xtask",
            // These have other dependencies and features.
            "--exclude=acscall-benches",
            "--exclude=acscall-fuzz",
        ]);
        cargo
    }

    /// Builds the benchmarks and everything that they measure with the release profile.
    pub(crate) fn build_measured(&self) -> Command {
        let mut build = self.cargo("build");
        build.args([
            "--release",
            "--package=acscall",
            "--package=gst-plugin-acscall",
            "--package=gst-plugin-rawmedia",
            "--package=acscall-tests",
            "--bins",
            "--lib",
        ]);
        build
    }

    /// `program` with an environment in which GStreamer finds the plugins built with `profile` and
    /// does not write the user's plugin registry.
    pub(crate) fn with_plugin(&self, program: impl AsRef<OsStr>, profile: Profile) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        self.set_environment(&mut command, profile);
        command
    }

    /// Sets the environment of [`Workspace::with_plugin`].
    pub(crate) fn set_environment(&self, command: &mut Command, profile: Profile) {
        // Keeps the user's plugins, for example to compare with them.
        let mut path = self.built(profile).into_os_string();
        if let Some(users) = env::var_os("GST_PLUGIN_PATH").filter(|users| !users.is_empty()) {
            path.push(":");
            path.push(users);
        }
        let registry = match profile {
            Profile::Dev => "gst-registry-debug.bin",
            Profile::Release => "gst-registry-release.bin",
        };
        command
            .env("CARGO_TARGET_DIR", &self.target)
            .env("GST_PLUGIN_PATH", path)
            .env("GST_REGISTRY", self.target.join(registry));
    }

    /// The folder with the programs and plugins built with `profile`.
    pub(crate) fn built(&self, profile: Profile) -> PathBuf {
        self.target.join(match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        })
    }
}
