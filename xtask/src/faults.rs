//! `cargo xtask test --faults`: builds the program that lets networks and parties fail, as users
//! get the elements, and runs it.

use anyhow::Result;

use crate::command;
use crate::setup::{self, Purpose};
use crate::workspace::{Profile, Workspace};

/// Runs these faults, or all of them.
///
/// # Errors
/// If the machine cannot be made ready, the build fails, or something is not as promised.
pub(crate) fn run(names: &[String]) -> Result<()> {
    setup::prepare(Purpose::Faults)?;
    let workspace = Workspace::new()?;
    command::run(&mut workspace.build_measured())?;
    let faults = workspace.built(Profile::Release).join("faults");
    command::run(
        workspace
            .with_plugin(faults, Profile::Release)
            // What GLib and GStreamer complain of is a mistake.
            .env("G_DEBUG", "fatal_warnings")
            .args(names),
    )
}
