//! Checks the dependencies of each package.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::command;
use crate::steps::{Context, Outcome};

/// A rule of ARCHITECTURE.md.
struct Layer {
    package: &'static str,
    /// Prefixes of package names that its dependencies must not have.
    without: &'static [&'static str],
    /// The reason, for messages.
    because: &'static str,
}

const LAYERS: [Layer; 4] = [
    Layer {
        package: "acscall",
        without: &["gst", "glib", "gobject"],
        because: "the core knows no GStreamer",
    },
    Layer {
        package: "acscall-pixels",
        without: &[""],
        because: "the kernels depend on nothing",
    },
    Layer {
        package: "gst-plugin-rawmedia",
        without: &["tokio", "axum", "hyper", "acscall "],
        because: "rawtap and bwfilter have no network",
    },
    Layer {
        package: "gst-plugin-acscall",
        without: &["clap", "nix ", "prometheus-client", "tracing-subscriber"],
        because: "the plugin does not contain the program",
    },
];

/// Checks the dependencies that cargo lists for each package.
///
/// # Errors
/// Returns an error if a package depends on something that its layer excludes.
pub(crate) fn check(context: &Context<'_>) -> Result<Outcome> {
    for layer in &LAYERS {
        let tree = command::read(context.workspace.cargo("tree").args([
            "--package",
            layer.package,
            "--edges=normal",
            "--prefix=none",
            "--no-dedupe",
            "--format={p}",
        ]))?;
        let above = above(layer, &tree);
        if !above.is_empty() {
            let above: Vec<_> = above.into_iter().collect();
            bail!(
                "{}, but {} depends on {}",
                layer.because,
                layer.package,
                above.join(", ")
            );
        }
        context.log.note(&format!("{}: ok", layer.because))?;
    }
    Ok(Outcome::Passed)
}

/// The first line of `tree` is the package itself.
fn above<'a>(layer: &Layer, tree: &'a str) -> BTreeSet<&'a str> {
    tree.lines()
        .skip(1)
        .filter(|line| !line.is_empty())
        .filter(|line| layer.without.iter().any(|name| line.starts_with(name)))
        .filter_map(|line| line.split(' ').next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_match_by_prefix() {
        let tree = "gst-plugin-rawmedia v0.1.0 (/x)\nacscall-pixels v0.1.0 (/x)\n\
                    gstreamer v0.25.4\n";
        assert!(above(&LAYERS[2], tree).is_empty());
        let tree = format!("{tree}acscall v0.1.0 (/x)\ntokio-macros v2.0.0\n");
        assert_eq!(
            above(&LAYERS[2], &tree),
            BTreeSet::from(["acscall", "tokio-macros"])
        );
        assert_eq!(
            above(&LAYERS[1], "acscall-pixels v0.1.0 (/x)\nlibc v0.2.0\n"),
            BTreeSet::from(["libc"])
        );
    }
}
