//! Joins a call with the microphone, sends a tone for a while, returns to the microphone, and mutes
//! it.
//!
//! ```text
//! cargo run -p acscall-examples --bin switch_audio -- --call demo
//! ```

use std::process::ExitCode;

use acscall_examples::{Call, LocalStream, Pace, Place, source};
use anyhow::Result;
use clap::Parser;

/// Switches to custom audio during a call, and back.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    pace: Pace,
    /// Use the real microphone instead of generated ticks
    #[arg(long)]
    microphone: bool,
}

fn main() -> ExitCode {
    acscall_examples::main(|| run(Arguments::parse()))
}

fn run(
    Arguments {
        place,
        pace,
        microphone,
    }: Arguments,
) -> Result<()> {
    acscall_examples::init()?;
    let microphone = if microphone {
        "autoaudiosrc ! audioconvert ! audioresample \
         ! capsfilter caps=audio/x-raw,format=S16LE,rate=48000"
    } else {
        "audiotestsrc is-live=true wave=ticks \
         ! capsfilter caps=audio/x-raw,format=S16LE,rate=48000,channels=1"
    };
    let tone = "audiotestsrc is-live=true freq=500 \
                ! capsfilter caps=audio/x-raw,format=S16LE,rate=48000,channels=2";

    let call = Call::new("acscallsink", &place)?;
    let mut audio = LocalStream::start(&call, "audio", source(microphone)?)?;
    call.join()?;
    call.step(pace, "Sending the microphone")?;

    audio.switch(source(tone)?)?;
    call.step(pace, "Sending a tone of 500 Hz")?;

    audio.switch(source(microphone)?)?;
    call.step(pace, "Sending the microphone again")?;

    audio.set_muted(true);
    call.step(pace, "Muted")?;

    audio.set_muted(false);
    call.step(pace, "Unmuted")?;

    audio.stop()?;
    call.step(pace, "Sending no audio, still in the call")?;
    println!("Leaving");
    Ok(())
}
