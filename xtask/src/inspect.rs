//! Compares the output of `gst-inspect-1.0` for each element with its golden file in tests/inspect.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command;
use crate::log::Log;
use crate::steps::{Context, Outcome};
use crate::workspace::Profile;

/// The elements that have a file.
const ELEMENTS: [&str; 4] = ["acscallsink", "acscallsrc", "bwfilter", "rawtap"];

/// The GStreamer version of the files: others print another format, and their base classes have
/// other properties.
const GSTREAMER: &str = "1.22.";

/// Lines that change with every build.
const VOLATILE: [&str; 3] = ["Filename", "Version", "Source release date"];

/// Compares each element with its file, or rewrites the files with `--bless`.
///
/// # Errors
/// A file differs; the difference is printed.
pub(crate) fn check(context: &Context<'_>) -> Result<Outcome> {
    let workspace = context.workspace;
    let version =
        command::read(Command::new("pkg-config").args(["--modversion", "gstreamer-1.0"]))?;
    if !version.starts_with(GSTREAMER) {
        return Ok(Outcome::Skipped(format!(
            "the files are for GStreamer {GSTREAMER}x, this is {}",
            version.trim()
        )));
    }
    let mut different = Vec::new();
    for element in ELEMENTS {
        let mut inspect = workspace.with_plugin("gst-inspect-1.0", Profile::Dev);
        let now = stable(&command::read(
            inspect.arg(element).env("LC_ALL", "C.UTF-8"),
        )?);
        let file = workspace.root.join(format!("tests/inspect/{element}.txt"));
        if context.bless {
            fs::create_dir_all(workspace.root.join("tests/inspect"))?;
            fs::write(&file, now).with_context(|| format!("writing {}", file.display()))?;
            context
                .log
                .note(&format!("{} was written", file.display()))?;
        } else if fs::read_to_string(&file).unwrap_or_default() != now {
            show_difference(context.log, &workspace.target, &file, element, &now)?;
            different.push(element);
        } else {
            context.log.note(&format!("{element} matches its file"))?;
        }
    }
    if different.is_empty() {
        return Ok(Outcome::Passed);
    }
    bail!(
        "{} changed; if that is intended, run `cargo xtask check --only inspect --bless` and \
         review the change",
        different.join(" and ")
    )
}

/// `shown` without the lines that change with every build.
fn stable(shown: &str) -> String {
    let mut kept = String::new();
    for line in shown.lines() {
        let (name, _) = line.trim_start().split_once("  ").unwrap_or((line, ""));
        if !VOLATILE.contains(&name) {
            kept.push_str(line.trim_end());
            kept.push('\n');
        }
    }
    kept
}

fn show_difference(log: &Log, target: &Path, file: &Path, element: &str, now: &str) -> Result<()> {
    let other = target.join(format!("{element}.txt"));
    fs::write(&other, now)?;
    let old = if file.is_file() {
        file
    } else {
        Path::new("/dev/null")
    };
    // diff fails if there is a difference, which is known.
    let _is_different = log.run(Command::new("diff").arg("-u").arg(old).arg(&other));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_change_with_every_build_are_left_out() {
        let shown = "Plugin Details:\n  Name                     acscall\n  \
                     Filename                 /somewhere/libgstacscall.so\n  \
                     Version                  0.1.0-abc\n  Source release date      2026-01-01\n\n\
                     Element Properties:\n  version             : The protocol's Version  \n";
        assert_eq!(
            stable(shown),
            "Plugin Details:\n  Name                     acscall\n\nElement Properties:\n  \
             version             : The protocol's Version\n"
        );
    }
}
