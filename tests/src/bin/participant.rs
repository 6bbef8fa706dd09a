//! A participant in a separate process, for tests that kill it.
//!
//! `participant [--without ELEMENTS] [--exit-after MS] DESCRIPTION` plays the pipeline and prints a line for each
//! event:
//!
//! * `message NAME FIELD=VALUE …`: an element message
//! * `frames SINK COUNT`: the number of buffers that the sink has received, every 100 ms
//! * `caps SINK CAPS`: the new caps of the sink
//! * `rate PAD KBITS ENCODED`: the bit rate and the number of encoded frames of a pad of acscallsink
//! * `coding PAD CODEC ENCODERS`: its codec and the number of its encoders
//! * `error TEXT`, `warning TEXT`, `eos`
//! * `echo LINE`: a line of standard input
//!
//! It leaves the call and ends when its standard input closes. `--without` hides elements,
//! separated by commas, from this process. With `--exit-after` it returns from `main` MS
//! milliseconds after it started to play, without stopping the pipeline.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use acscall_tests::pipeline::{Pipeline, init};
use acscall_tests::process::say;
use anyhow::{Context as _, Result};
use gst::prelude::*;

const USAGE: &str = "usage: participant [--without ELEMENTS] [--exit-after MS] DESCRIPTION";

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
    let mut arguments = std::env::args().skip(1);
    let mut exit_after = None;
    let description = loop {
        let argument = arguments.next().context(USAGE)?;
        match argument.as_str() {
            "--without" => {
                init()?;
                remove(&arguments.next().context(USAGE)?);
            }
            "--exit-after" => {
                let time = arguments.next().context(USAGE)?;
                exit_after = Some(gst::ClockTime::from_mseconds(time.parse().context(USAGE)?));
            }
            _ => break argument,
        }
    };
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
    if let Some(time) = exit_after {
        let error = bus.timed_pop_filtered(time, &[gst::MessageType::Error]);
        std::mem::forget(pipeline);
        return error.map_or(Ok(()), |error| print_message(&error));
    }
    while !ended.load(Ordering::Acquire) {
        if let Some(message) = bus.timed_pop(gst::ClockTime::from_mseconds(100)) {
            print_message(&message)?;
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
            if let (Ok(codec), Ok(encoders)) =
                (stats.get::<String>("codec"), stats.get::<u32>("encoders"))
            {
                say(&format!("coding {} {codec} {encoders}", pad.name()))?;
            }
        }
    }
    Ok(())
}

/// Removes these elements, separated by commas, from the registry of this process.
fn remove(elements: &str) {
    let registry = gst::Registry::get();
    for name in elements.split(',') {
        if let Some(feature) = registry.lookup_feature(name) {
            registry.remove_feature(&feature);
        }
    }
}

/// Counts the buffers of each sink, and prints its caps when they change.
fn count_frames(pipeline: &Pipeline) -> BTreeMap<String, Arc<AtomicU64>> {
    let sinks = pipeline.0.iterate_all_by_element_factory_name("fakesink");
    let mut counts = BTreeMap::new();
    for sink in sinks.into_iter().flatten() {
        let count: Arc<AtomicU64> = Arc::default();
        if let Some(pad) = sink.static_pad("sink") {
            let count = count.clone();
            let name = sink.name();
            let before = Mutex::new(None);
            pad.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
                let caps = pad.current_caps();
                let mut before = before.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(caps) = caps.filter(|caps| before.as_ref() != Some(caps)) {
                    let _reader_is_gone = say(&format!("caps {name} {caps}"));
                    *before = Some(caps);
                }
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
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let _reader_is_gone = say(&format!("echo {line}"));
        }
        seen.store(true, Ordering::Release);
    });
    ended
}

fn print_message(message: &gst::Message) -> Result<()> {
    match message.view() {
        gst::MessageView::Error(error) => say(&format!("error {}", error.error())),
        gst::MessageView::Warning(warning) => say(&format!("warning {}", warning.error())),
        gst::MessageView::Eos(_) => say("eos"),
        gst::MessageView::Element(element) => {
            let Some(structure) = element.structure() else {
                return Ok(());
            };
            let mut line = format!("message {}", structure.name());
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
