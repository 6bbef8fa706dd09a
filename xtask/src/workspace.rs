//! Where things are, and how the project's programs are started.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// With [`Workspace::cargo_for_tests`]: the plugins, the programs and the tests. All at once, for
/// the same reason.
pub(crate) const ALL_TARGETS: [&str; 3] = ["--lib", "--bins", "--tests"];

/// The checkout and the folder that cargo builds into.
pub(crate) struct Workspace {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
}

/// Which of cargo's profiles a program is built with.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    /// Quick to build.
    Dev,
    /// As users get it.
    Release,
}

impl Workspace {
    /// Of the checkout that this program was built from.
    ///
    /// # Errors
    /// If this program was copied to elsewhere.
    pub(crate) fn new() -> Result<Workspace> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask is not inside the workspace")?
            .to_path_buf();
        // However the folder was chosen, this program lies in it: target/debug/xtask.
        let target = env::current_exe()
            .context("xtask does not find its own program file")?
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

    /// `cargo SUBCOMMAND` for the packages that tests run and are: always the same ones, since
    /// another selection has other features of dependencies, which would be built a second time.
    pub(crate) fn cargo_for_tests(&self, subcommand: &str) -> Command {
        let mut words = subcommand.split(' ');
        let mut cargo = self.cargo(words.next().unwrap_or_default());
        cargo.args(words).args([
            "--workspace",
            // It is running.
            "--exclude=xtask",
            // These have dependencies and features of their own.
            "--exclude=acscall-benches",
            "--exclude=acscall-fuzz",
        ]);
        cargo
    }

    /// The build of what is measured, as users get it, and of the programs that measure.
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

    /// `program` with the environment in which GStreamer finds the plugin that was built with
    /// `profile`, and nothing is written into the user's own registry of plugins.
    pub(crate) fn with_plugin(&self, program: impl AsRef<OsStr>, profile: Profile) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        self.set_environment(&mut command, profile);
        command
    }

    /// Adds the environment of [`Workspace::with_plugin`] to `command`.
    pub(crate) fn set_environment(&self, command: &mut Command, profile: Profile) {
        // What the user has there already, such as plugins to compare with, stays usable.
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

    /// The folder of what was built with `profile`.
    pub(crate) fn built(&self, profile: Profile) -> PathBuf {
        self.target.join(match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        })
    }
}
