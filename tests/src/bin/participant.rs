//! A participant in a process of its own, for tests that kill it.
//!
//! `participant DESCRIPTION` plays the pipeline and prints a line for each thing that happens:
//!
//! * `told NAME FIELD=VALUE …`: an element message
//! * `frames SINK COUNT`: so many buffers came to the sink so far; every 100 ms
//! * `rate PAD KBITS ENCODED`: how fast a pad of acscallsink is encoded, and how many frames were
//! * `error TEXT`, `warning TEXT`, `eos`
//!
//! It leaves in an orderly way when its standard input closes.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use acscall_tests::pipeline::{Pipeline, init};
use anyhow::{Context, Result};
use gst::prelude::*;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let description = std::env::args()
        .nth(1)
        .context("usage: participant DESCRIPTION")?;
    init()?;
    let pipeline = Pipeline::new(&description)?;
    let counts = count_frames(&pipeline);
    let sinks: Vec<_> = pipeline
        .0
        .iterate_all_by_element_factory_name("acscallsink")
        .into_iter()
        .flatten()
        .collect();
    let ended = watch_input();
    pipeline.play()?;
    let bus = pipeline.0.bus().context("a pipeline has a bus")?;
    while !ended.load(Ordering::Acquire) {
        if let Some(message) = bus.timed_pop(gst::ClockTime::from_mseconds(100)) {
            tell(&message)?;
        }
        for (sink, count) in &counts {
            say(&format!("frames {sink} {}", count.load(Ordering::Acquire)))?;
        }
        for pad in sinks.iter().flat_map(|sink| sink.sink_pads()) {
            let stats = pad.property::<gst::Structure>("stats");
            if let (Ok(rate), Ok(encoded)) =
                (stats.get::<u32>("bitrate"), stats.get::<u64>("encoded"))
            {
                say(&format!("rate {} {rate} {encoded}", pad.name()))?;
            }
        }
    }
    Ok(())
}

/// Counts what comes to each sink.
fn count_frames(pipeline: &Pipeline) -> BTreeMap<String, Arc<AtomicU64>> {
    let sinks = pipeline.0.iterate_all_by_element_factory_name("fakesink");
    let mut counts = BTreeMap::new();
    for sink in sinks.into_iter().flatten() {
        let count: Arc<AtomicU64> = Arc::default();
        if let Some(pad) = sink.static_pad("sink") {
            let count = count.clone();
            pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
                count.fetch_add(1, Ordering::AcqRel);
                gst::PadProbeReturn::Ok
            });
        }
        counts.insert(sink.name().to_string(), count);
    }
    counts
}

fn watch_input() -> Arc<AtomicBool> {
    let ended: Arc<AtomicBool> = Arc::default();
    let seen = ended.clone();
    std::thread::spawn(move || {
        let mut line = String::new();
        while std::io::stdin()
            .read_line(&mut line)
            .is_ok_and(|count| count > 0)
        {}
        seen.store(true, Ordering::Release);
    });
    ended
}

fn tell(message: &gst::Message) -> Result<()> {
    match message.view() {
        gst::MessageView::Error(error) => say(&format!("error {}", error.error())),
        gst::MessageView::Warning(warning) => say(&format!("warning {}", warning.error())),
        gst::MessageView::Eos(_) => say("eos"),
        gst::MessageView::Element(element) => {
            let Some(structure) = element.structure() else {
                return Ok(());
            };
            let mut line = format!("told {}", structure.name());
            for (field, value) in structure.iter() {
                let text = value
                    .transform::<String>()
                    .ok()
                    .and_then(|v| v.get::<String>().ok());
                line.push_str(&format!(" {field}={}", text.unwrap_or_default()));
            }
            say(&line)
        }
        _ => Ok(()),
    }
}

fn say(line: &str) -> Result<()> {
    let mut output = std::io::stdout();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}
