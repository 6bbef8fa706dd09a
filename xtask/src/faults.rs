//! `cargo xtask test --faults`: builds the program `faults`, which makes networks and participants
//! fail, with the release profile and runs it.

use anyhow::Result;

use crate::command;
use crate::setup::{self, Purpose};
use crate::workspace::{Profile, Workspace};

/// Runs the named faults, or all if none is named.
///
/// # Errors
/// A requirement cannot be installed, the build fails, or a promise is not kept.
pub(crate) fn run(names: &[String]) -> Result<()> {
    setup::prepare(Purpose::Faults)?;
    let workspace = Workspace::new()?;
    command::run(&mut workspace.build_measured())?;
    let faults = workspace.built(Profile::Release).join("faults");
    command::run(
        workspace
            .with_plugin(faults, Profile::Release)
            // A warning of GLib or GStreamer is a bug.
            .env("G_DEBUG", "fatal_warnings")
            .args(names),
    )
}
