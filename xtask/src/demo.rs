//! `cargo xtask demo`: a living call to look at and to join.
//!
//! The call itself is the program `demo` of the examples; this only builds and starts it.

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
    /// Ends by itself after so many seconds
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
    /// What the sample caller plays, instead of a clip with speech that is fetched once
    #[arg(long, value_name = "FILE")]
    media: Option<PathBuf>,
    /// The sample caller shows a test picture and plays a tune
    #[arg(long, conflicts_with = "media")]
    test_picture: bool,
    /// The call's name
    #[arg(long, default_value = "demo")]
    call: String,
    /// Where the server listens, on this machine only; 0 for any port that is free
    #[arg(long, default_value_t = 7788)]
    port: u16,
    /// Nobody but the bot and whoever joins
    #[arg(long)]
    no_caller: bool,
}

/// Builds the demo and becomes it.
///
/// # Errors
/// If the machine cannot be made ready, or the build or the start fails.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::prepare(Purpose::Run)?;
    let workspace = Workspace::new()?;
    if !workspace.built(Profile::Dev).join("demo").is_file() {
        println!("Building; this first time it takes a few minutes");
    }
    // Nearly all that computes is in GStreamer's own libraries and in the kernels, which are
    // optimised in this profile too; it builds in a third of the time of a release.
    command::run(workspace.cargo("build").args(["--bins", "--lib"]))?;
    // In place of this program, so that Ctrl-C reaches it alone and its summary is the last word.
    Err(start(&workspace, arguments).exec()).context("the demo cannot be started")
}

/// Tells the demo what the sample caller plays.
fn add_media(demo: &mut Command, workspace: &Workspace, arguments: &Arguments) {
    if let Some(media) = &arguments.media {
        // The demo runs in the checkout, the user may be elsewhere.
        demo.arg("--media")
            .arg(fs::canonicalize(media).unwrap_or_else(|_| media.clone()));
    } else if !arguments.no_caller && !arguments.test_picture {
        match media::fetch(workspace) {
            Ok(media) => {
                demo.arg("--media").arg(media.clip);
                demo.arg("--speech").arg(media.speech);
            }
            Err(error) => println!(
                "The sample caller shows a test picture and plays a tune, since what it should \
                 play cannot be fetched: {error:#}"
            ),
        }
    }
}

/// A few seconds of the demo, as built for the tests, and what it leaves behind.
///
/// # Errors
/// If it fails or leaves no pictures or no recording.
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
            "the demo left no target/demo/{picture}"
        );
    }
    let recording = "sample-received-video-of-bot.webm";
    ensure!(
        begins_with(&pictures.join(recording), b"\x1a\x45\xdf\xa3"),
        "the demo left no target/demo/{recording}"
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
