//! A party of the call, in a separate process.
//!
//! It prints a line for each event. Times are those of the system clock in µs, which is the same in
//! all processes:
//!
//! * `sent NUMBER TIME`: a frame entered the sink's pad
//! * `got NUMBER TIME`: a frame left the source's pad; `damaged TIME` if its number is unreadable
//! * `sound TIME`: a block with the tone arrived
//! * `message …`, `warning …`, `error ELEMENT TEXT`, `eos`: from the bus

use std::sync::atomic::{AtomicU32, Ordering};

use acscall_tests::pipeline::{Pipeline, init, now};
use acscall_tests::process::{self, wait_for_end};
use acscall_tests::stamp;
use anyhow::{Context, Result, bail};
use gst::prelude::*;

/// The width of the pictures.
pub(crate) const WIDTH: usize = 640;

/// A block of samples with a higher mean level is the tone, whose level is about 16000 of 32767.
const AUDIBLE: u64 = 1000;

/// Plays a role until standard input closes: `sender DESCRIPTION FIRST-NUMBER`,
/// `receiver DESCRIPTION`.
pub(crate) fn play(role: &str, arguments: &[&str]) -> Result<()> {
    init()?;
    let pipeline = match (role, arguments) {
        ("sender", [description, first]) => {
            let pipeline = Pipeline::new(description)?;
            number_frames(&pipeline, first.parse().context("FIRST-NUMBER")?)?;
            pipeline
        }
        ("receiver", [description]) => {
            let pipeline = Pipeline::new(description)?;
            watch_frames(&pipeline)?;
            watch_sound(&pipeline)?;
            pipeline
        }
        _ => bail!("no role is called '{role}'"),
    };
    // A sync handler, since this thread waits for the end.
    let bus = pipeline.0.bus().context("a pipeline has a bus")?;
    bus.set_sync_handler(|_, message| {
        print_message(message);
        gst::BusSyncReply::Drop
    });
    pipeline.play()?;
    wait_for_end();
    Ok(())
}

fn number_frames(pipeline: &Pipeline, first: u32) -> Result<()> {
    let next = AtomicU32::new(first);
    stamp::draw(pipeline, WIDTH, move || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        say(&format!("sent {number} {}", now().useconds()));
        number
    })
}

fn watch_frames(pipeline: &Pipeline) -> Result<()> {
    let pad = pipeline.element("video")?.static_pad("sink");
    pad.context("a sink has a pad")?
        .add_probe(gst::PadProbeType::BUFFER, |_, info| {
            let time = now().useconds();
            let number = info
                .buffer()
                .and_then(|picture| stamp::read(picture, WIDTH));
            match number {
                Some(number) => say(&format!("got {number} {time}")),
                None => say(&format!("damaged {time}")),
            }
            gst::PadProbeReturn::Ok
        });
    Ok(())
}

fn watch_sound(pipeline: &Pipeline) -> Result<()> {
    let pad = pipeline.element("audio")?.static_pad("sink");
    pad.context("a sink has a pad")?
        .add_probe(gst::PadProbeType::BUFFER, |_, info| {
            let map = info.buffer().and_then(|buffer| buffer.map_readable().ok());
            if map.is_some_and(|map| level(&map) > AUDIBLE) {
                say(&format!("sound {}", now().useconds()));
            }
            gst::PadProbeReturn::Ok
        });
    Ok(())
}

/// The mean absolute value of S16LE samples.
fn level(samples: &[u8]) -> u64 {
    let samples = samples.chunks_exact(2);
    let count = samples.len().max(1) as u64;
    let sum: u64 = samples
        .map(|sample| u64::from(i16::from_le_bytes([sample[0], sample[1]]).unsigned_abs()))
        .sum();
    sum / count
}

fn print_message(message: &gst::Message) {
    let source = message.src().map(|src| src.name()).unwrap_or_default();
    match message.view() {
        gst::MessageView::Error(error) => say(&format!("error {source} {}", error.error())),
        gst::MessageView::Warning(warning) => say(&format!("warning {}", warning.error())),
        gst::MessageView::Eos(_) => say("eos"),
        gst::MessageView::Element(element) => {
            if let Some(structure) = element.structure() {
                say(&format!("message {structure}"));
            }
        }
        _ => {}
    }
}

/// Prints a line. Ignores errors: a party without a reader is about to be ended.
fn say(line: &str) {
    let _nobody_reads = process::say(line);
}
