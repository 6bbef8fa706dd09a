//! Shares a screen, makes it black and white for a while, and stops sharing.
//!
//! ```text
//! cargo run -p acscall-examples --bin share_screen -- --call demo
//! ```

use std::process::ExitCode;

use acscall_examples::{Call, LocalStream, Pace, Place, canvas, source};
use anyhow::Result;
use clap::Parser;

/// Shares a screen, and inserts and removes a black-and-white filter.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    pace: Pace,
    /// Share the real screen (X11) instead of a drawn canvas
    #[arg(long)]
    screen: bool,
}

fn main() -> ExitCode {
    acscall_examples::main(|| run(Arguments::parse()))
}

fn run(
    Arguments {
        place,
        pace,
        screen,
    }: Arguments,
) -> Result<()> {
    acscall_examples::init()?;
    let shared = if screen {
        source("ximagesrc use-damage=false ! video/x-raw,framerate=15/1")?
    } else {
        canvas::source()?
    };

    let call = Call::new("acscallsink", &place)?;
    let mut share = LocalStream::start(&call, "screen", shared)?;
    call.join()?;
    call.step(pace, "Sharing the screen")?;

    share.set_filter(Some(source("bwfilter")?))?;
    call.step(pace, "Black and white")?;

    share.set_filter(None)?;
    call.step(pace, "In colour again")?;

    share.stop()?;
    call.step(pace, "Sharing nothing, still in the call")?;
    println!("Leaving");
    Ok(())
}
