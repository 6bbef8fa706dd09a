//! Code shared by the examples.
//!
//! * [`Call`]: a pipeline with one of the call's elements, and its bus.
//! * [`LocalStream`]: a sent stream, whose source can be switched during the call.
//! * [`canvas`]: a video source whose frames this program draws.

mod call;
pub mod canvas;
mod local_stream;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use gst::prelude::*;

pub use call::{Call, FOREVER};
pub use local_stream::LocalStream;

/// The call to join, and the user to join as.
#[derive(clap::Args, Clone, Debug)]
pub struct Place {
    /// The call to join
    #[arg(long, default_value = "demo")]
    pub call: String,
    /// The user to join as [default: a generated name]
    #[arg(long)]
    pub user: Option<String>,
    /// The signalling server [default: ws://127.0.0.1:7788]
    #[arg(long)]
    pub server: Option<String>,
}

/// The pace of an example.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Pace {
    /// The duration of each step
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub seconds_per_step: Duration,
}

/// The user pressed Ctrl-C.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Runs an example. On failure it prints the error and returns exit code 1.
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

/// Initialises GStreamer and registers this project's elements.
///
/// The plugins are linked statically. For installed plugins, `gst::init()` is enough.
///
/// # Errors
/// If GStreamer cannot be initialised.
pub fn init() -> Result<()> {
    gst::init()?;
    gstacscall::plugin_register_static().context("the plugin acscall cannot be registered")?;
    gstrawmedia::plugin_register_static().context("the plugin rawmedia cannot be registered")
}

/// Parses a number of seconds from the command line.
///
/// # Errors
/// If `text` is not a number of seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text
        .parse()
        .map_err(|_| format!("'{text}' is not a number"))?;
    Duration::try_from_secs_f64(number).map_err(|error| error.to_string())
}

/// Creates a source bin with one pad, `src`, from a description in the syntax of `gst-launch-1.0`.
///
/// # Errors
/// If an element is missing or the description is invalid.
pub fn source(description: &str) -> Result<gst::Element> {
    let bin = gst::parse::bin_from_description(description, true)
        .with_context(|| format!("cannot create a source from '{description}'"))?;
    Ok(bin.upcast())
}
