//! Sends a camera, then frames that the program draws, then another camera.
//!
//! ```text
//! cargo run -p acscall-examples --bin switch_video -- --call demo
//! ```

use std::process::ExitCode;

use acscall_examples::{Call, LocalStream, Pace, Place, canvas, source};
use anyhow::Result;
use clap::Parser;

/// Switches between cameras and custom video during a call.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    pace: Pace,
    /// Use a real camera such as /dev/video0 instead of a test picture; give two to switch between
    /// them
    #[arg(long, value_name = "DEVICE")]
    device: Vec<String>,
}

fn main() -> ExitCode {
    acscall_examples::main(|| run(Arguments::parse()))
}

fn run(
    Arguments {
        place,
        pace,
        device,
    }: Arguments,
) -> Result<()> {
    acscall_examples::init()?;
    let camera = match device.first() {
        Some(device) => real_camera(device),
        None => test_camera("smpte", 640, 480),
    };
    let other_camera = match device.last() {
        Some(device) => real_camera(device),
        None => test_camera("pinwheel", 1280, 720),
    };

    let call = Call::new("acscallsink", &place)?;
    let mut video = LocalStream::start(&call, "video", source(&camera)?)?;
    call.join()?;
    call.step(pace, "Sending the camera")?;

    // Another size and format: the receivers see the new picture in place of the old one.
    video.switch(canvas::source()?)?;
    call.step(pace, "Sending a custom video, 1500×845")?;

    // Both cameras may be the same device, which can be opened only once: stop it before starting
    // the other.
    video.stop()?;
    call.step(pace, "Sending no video, still in the call")?;

    let video = LocalStream::start(&call, "video", source(&other_camera)?)?;
    call.step(pace, "Sending the other camera")?;

    video.stop()?;
    println!("Leaving");
    Ok(())
}

fn test_camera(pattern: &str, width: u32, height: u32) -> String {
    format!(
        "videotestsrc is-live=true pattern={pattern} \
         ! capsfilter caps=video/x-raw,format=I420,width={width},height={height},framerate=30/1"
    )
}

fn real_camera(device: &str) -> String {
    // Most cameras send JPEG at their largest sizes.
    format!("v4l2src device=\"{device}\" ! decodebin ! videoconvert")
}
