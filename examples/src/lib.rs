//! What the examples share.
//!
//! * [`Call`]: a pipeline with one of the call's elements in it, and what its bus tells.
//! * [`LocalStream`]: a stream that is sent; its source can be switched in mid-call.
//! * [`canvas`]: a source of video whose pictures this program draws.

mod call;
pub mod canvas;
mod local_stream;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use gst::prelude::*;

pub use call::{Call, FOREVER};
pub use local_stream::LocalStream;

/// Which call to join, and as whom.
#[derive(clap::Args, Clone, Debug)]
pub struct Place {
    /// The call to join
    #[arg(long, default_value = "demo")]
    pub call: String,
    /// Who to be in it [default: a name made up for this run]
    #[arg(long)]
    pub user: Option<String>,
    /// The signalling server [default: ws://127.0.0.1:7788]
    #[arg(long)]
    pub server: Option<String>,
}

/// How fast an example goes through its steps.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Pace {
    /// How long each step takes
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub seconds_per_step: Duration,
}

/// Somebody pressed Ctrl-C.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Runs an example. Its failure is shown and ends the program with code 1.
pub fn main(run: impl FnOnce() -> Result<()>) -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => {
            println!("{error}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Makes GStreamer and this project's elements ready.
///
/// The plugins are linked into the program. Installed ones need only `gst::init()`.
///
/// # Errors
/// If GStreamer cannot be used.
pub fn init() -> Result<()> {
    gst::init()?;
    gstacscall::plugin_register_static().context("the plugin acscall cannot be registered")?;
    gstrawmedia::plugin_register_static().context("the plugin rawmedia cannot be registered")
}

/// A number of seconds on the command line.
///
/// # Errors
/// If `text` is none.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text
        .parse()
        .map_err(|_| format!("'{text}' is not a number"))?;
    Duration::try_from_secs_f64(number).map_err(|error| error.to_string())
}

/// A source that `gst-launch-1.0` would understand, as one element with one pad, `src`.
///
/// # Errors
/// If an element is missing or the text is none.
pub fn source(description: &str) -> Result<gst::Element> {
    let bin = gst::parse::bin_from_description(description, true)
        .with_context(|| format!("no source can be made of '{description}'"))?;
    Ok(bin.upcast())
}
