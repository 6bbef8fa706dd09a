//! Receives every camera and screen that appears, and the audio of everybody, and measures them.
//!
//! ```text
//! cargo run -p acscall-examples --bin incoming -- --call demo
//! ```

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use acscall_examples::{Call, FOREVER, Place, seconds};
use anyhow::{Context, Result};
use clap::Parser;
use gst::prelude::*;
use gst_video::prelude::*;

/// Watches the streams of a call come and go, and processes their frames.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Leave after this time [default: stay until Ctrl-C]
    #[arg(long, value_parser = seconds)]
    seconds: Option<Duration>,
}

fn main() -> ExitCode {
    acscall_examples::main(|| run(Arguments::parse()))
}

fn run(Arguments { place, seconds }: Arguments) -> Result<()> {
    acscall_examples::init()?;
    let call = Call::new("acscallsrc", &place)?;
    // The mix of everybody. The pad delivers sound or silence from the start.
    let heard = branch("audioconvert ! level interval=1000000000 ! fakesink async=false")?;
    connect(&call, "audio", &heard)?;
    call.start()?;

    let mut watched = BTreeSet::new();
    let mut failure = None;
    call.wait(seconds.unwrap_or(FOREVER), |message| {
        let result = message
            .structure()
            .map(|structure| show(&call, structure, &mut watched));
        failure = result.and_then(Result::err);
        failure.is_some()
    })?;
    failure.map_or(Ok(()), Err)
}

/// Prints a message, and watches the pad of a new picture.
fn show(call: &Call, structure: &gst::StructureRef, watched: &mut BTreeSet<String>) -> Result<()> {
    match structure.name().as_str() {
        "acscall-state" => println!("The call is {}", structure.get::<&str>("state")?),
        "acscall-participant" => {
            println!(
                "{} is {}",
                structure.get::<&str>("participant")?,
                structure.get::<&str>("state")?
            );
        }
        "acscall-stream" => {
            let (pad, available) = (
                structure.get::<&str>("pad")?,
                structure.get::<bool>("available")?,
            );
            println!("{pad} is {}", if available { "on" } else { "off" });
            // The pad stays when the stream is turned off, and continues with the next one.
            let is_picture = structure.get::<&str>("kind")? != "audio";
            if is_picture && available && watched.insert(pad.to_owned()) {
                watch(call, pad)?;
            }
        }
        "level" => {
            let channels = structure.get::<gst::glib::ValueArray>("rms")?;
            let loudest = channels.iter().filter_map(|level| level.get::<f64>().ok());
            println!(
                "Everybody: {:.0} dB",
                loudest.fold(f64::NEG_INFINITY, f64::max)
            );
        }
        _ => {}
    }
    Ok(())
}

/// Processes the frames of `pad`.
fn watch(call: &Call, pad: &str) -> Result<()> {
    let name = pad.to_owned();
    let mut last = None;
    let callbacks = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |frames| {
            let sample = frames.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let (size, luma) = mean_luma(&sample).ok_or(gst::FlowError::NotNegotiated)?;
            // Print once a second, and when the size changes.
            let time = sample.buffer().and_then(|frame| frame.pts());
            let now = (size, time.map(gst::ClockTime::seconds));
            if last.replace(now) != Some(now) {
                println!("{name}: {}×{}, mean luma {luma:.0}", size.0, size.1);
            }
            Ok(gst::FlowSuccess::Ok)
        })
        .build();

    // GRAY8 consists of the luma. With async=false the pipeline does not wait for the first frame,
    // which may come late.
    let branch = branch(
        "queue ! videoconvert ! video/x-raw,format=GRAY8 ! appsink name=frames async=false",
    )?;
    let frames = branch.by_name("frames").and_downcast::<gst_app::AppSink>();
    frames
        .context("the branch ends in an appsink")?
        .set_callbacks(callbacks);
    connect(call, pad, &branch)
}

fn mean_luma(sample: &gst::Sample) -> Option<((u32, u32), f64)> {
    let info = gst_video::VideoInfo::from_caps(sample.caps()?).ok()?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer()?, &info).ok()?;
    let stride = usize::try_from(frame.plane_stride()[0]).ok()?;
    // A row may be padded.
    let rows = frame
        .plane_data(0)
        .ok()?
        .chunks(stride)
        .take(frame.height() as usize);
    let sum: u64 = rows
        .flat_map(|row| row.iter().take(frame.width() as usize))
        .map(|luma| u64::from(*luma))
        .sum();
    let pixels = u64::from(frame.width()) * u64::from(frame.height());
    Some(((frame.width(), frame.height()), sum as f64 / pixels as f64))
}

/// Requests a pad of the call and links a branch to it. The stream need not exist yet.
fn connect(call: &Call, pad: &str, branch: &gst::Bin) -> Result<()> {
    call.pipeline.add(branch)?;
    branch.sync_state_with_parent()?;
    let input = branch
        .static_pad("sink")
        .context("the branch has one end to link")?;
    let output = call.element.request_pad_simple(pad);
    output
        .with_context(|| format!("there is no pad {pad}"))?
        .link(&input)?;
    Ok(())
}

/// Creates a bin with one unlinked pad, from a description in the syntax of `gst-launch-1.0`.
fn branch(description: &str) -> Result<gst::Bin> {
    Ok(gst::parse::bin_from_description(description, true)?)
}
