//! `cargo xtask demo`: a running call to watch and to join.
//!
//! The call itself is the program `demo` of the examples; this module builds and starts it.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command;
use crate::media;
use crate::setup::{self, Purpose};
use crate::steps::{self, Outcome};
use crate::workspace::{Profile, Workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// End after this many seconds
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
    /// File that the sample caller plays instead of a clip that is downloaded once
    #[arg(long, value_name = "FILE")]
    media: Option<PathBuf>,
    /// Let the sample caller send a test picture and a tune
    #[arg(long, conflicts_with = "media")]
    test_picture: bool,
    /// Name of the call
    #[arg(long, default_value = "demo")]
    call: String,
    /// Port of the server, on this machine only; 0 for any free port
    #[arg(long, default_value_t = 7788)]
    port: u16,
    /// Start without the sample caller
    #[arg(long)]
    no_caller: bool,
}

/// Builds the demo and replaces this process with it.
///
/// # Errors
/// A requirement cannot be installed, or the build or the start fails.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::prepare(Purpose::Run)?;
    let workspace = Workspace::new()?;
    if !workspace.built(Profile::Dev).join("demo").is_file() {
        println!("Building; the first time this takes a few minutes");
    }
    // GStreamer's libraries and the kernels, which this profile optimises too, do nearly all of the
    // computing. This profile builds in a third of the time of a release.
    command::run(workspace.cargo("build").args(["--bins", "--lib"]))?;
    // Replaces this process, so that Ctrl-C reaches only the demo and its summary comes last.
    Err(start(&workspace, arguments).exec()).context("the demo cannot be started")
}

/// Adds the options for the media of the sample caller.
fn add_media(demo: &mut Command, workspace: &Workspace, arguments: &Arguments) {
    if let Some(media) = &arguments.media {
        // The path may be relative, and the demo runs in the checkout.
        demo.arg("--media")
            .arg(fs::canonicalize(media).unwrap_or_else(|_| media.clone()));
    } else if !arguments.no_caller && !arguments.test_picture {
        match media::fetch(workspace) {
            Ok(media) => {
                demo.arg("--media").arg(media.clip);
                demo.arg("--speech").arg(media.speech);
            }
            Err(error) => println!(
                "The sample caller sends a test picture and a tune, since its media cannot be \
                 downloaded: {error:#}"
            ),
        }
    }
}

/// Runs the demo for a few seconds and checks the files that it writes.
///
/// # Errors
/// The demo fails, or a picture or the recording is missing.
pub(crate) fn check(context: &steps::Context<'_>) -> Result<Outcome> {
    let workspace = context.workspace;
    let pictures = workspace.target.join("demo");
    if let Err(error) = fs::remove_dir_all(&pictures) {
        ensure!(
            error.kind() == io::ErrorKind::NotFound,
            "{}: {error}",
            pictures.display()
        );
    }
    let arguments = Arguments {
        seconds: Some(8),
        media: None,
        test_picture: false,
        call: "demo".to_owned(),
        port: 0,
        no_caller: false,
    };
    context.log.run(&mut start(workspace, &arguments))?;
    for picture in [
        "bot-received-video-of-sample.png",
        "sample-received-video-of-bot.png",
    ] {
        ensure!(
            begins_with(&pictures.join(picture), b"\x89PNG"),
            "the demo wrote no target/demo/{picture}"
        );
    }
    let recording = "sample-received-video-of-bot.webm";
    ensure!(
        begins_with(&pictures.join(recording), b"\x1a\x45\xdf\xa3"),
        "the demo wrote no target/demo/{recording}"
    );
    Ok(Outcome::Passed)
}

fn start(workspace: &Workspace, arguments: &Arguments) -> Command {
    let built = workspace.built(Profile::Dev);
    let mut demo = workspace.with_plugin(built.join("demo"), Profile::Dev);
    demo.arg("--server-program").arg(built.join("acscall"));
    demo.arg("--pictures").arg(workspace.target.join("demo"));
    demo.args([
        "--call",
        &arguments.call,
        "--port",
        &arguments.port.to_string(),
    ]);
    if let Some(seconds) = arguments.seconds {
        demo.args(["--seconds", &seconds.to_string()]);
    }
    add_media(&mut demo, workspace, arguments);
    if arguments.no_caller {
        demo.arg("--no-caller");
    }
    demo
}

fn begins_with(path: &Path, magic: &[u8]) -> bool {
    fs::read(path).is_ok_and(|content| content.starts_with(magic))
}
