//! Every `gst-launch-1.0` line of the README and of the elements' pages works.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot continue fails its test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use acscall_tests::pipeline::{TIMEOUT, init};
use gst::glib;
use gst::prelude::*;

/// The README, and the pages of elements.
const DOCUMENTS: [&str; 3] = [
    "README.md",
    "plugins/rawmedia/docs/bwfilter.md",
    "plugins/rawmedia/docs/rawtap.md",
];

/// A line with one of these elements needs a call with another participant.
const CALLS: [&str; 2] = ["acscallsrc", "acscallsink"];
/// These need a display.
const WINDOWS: [&str; 3] = ["autovideosink", "ximagesink", "ximagesrc"];

/// A line passes when each sink has received this many buffers.
const ENOUGH: usize = 3;

#[test]
fn every_line_is_a_pipeline() {
    init().unwrap();
    for document in DOCUMENTS {
        let lines = lines_of(document);
        assert!(!lines.is_empty(), "{document} has no line to try");
        for line in lines {
            line.parse();
        }
    }
}

#[test]
fn every_line_that_needs_no_call_runs() {
    init().unwrap();
    // Some lines write files, and some read files that others have written.
    let folder = std::env::temp_dir().join(format!("acscall-documents-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    std::env::set_current_dir(&folder).unwrap();
    let mut run = 0;
    for line in DOCUMENTS.iter().flat_map(|document| lines_of(document)) {
        if !line.names_any(&CALLS) && !line.names_any(&["ximagesrc"]) {
            line.without_windows().run();
            run += 1;
        }
    }
    assert!(run > 0, "no line was run");
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_page_of_bwfilter_names_the_formats_it_takes_and_no_others() {
    init().unwrap();
    let factory = gst::ElementFactory::find("bwfilter").unwrap();
    let templates = factory.static_pad_templates();
    let caps = templates.iter().next().unwrap().caps();
    let taken: BTreeSet<String> = caps
        .iter()
        .flat_map(|structure| structure.get::<gst::List>("format").unwrap().to_vec())
        .map(|format| format.get().unwrap())
        .collect();

    let page = fs::read_to_string(root().join("plugins/rawmedia/docs/bwfilter.md")).unwrap();
    let (_, formats) = page.split_once("\n## Formats").unwrap();
    let (formats, _) = formats.split_once("\n## ").unwrap();
    // In the second column of the table.
    let named: BTreeSet<String> = formats
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| |"))
        .flat_map(|line| line.split('|').nth(2).unwrap().split_whitespace())
        .map(str::to_owned)
        .collect();
    assert_eq!(named, taken);
}

/// The arguments of `gst-launch-1.0` in a document.
#[derive(Debug)]
struct Line {
    /// The document and the command, for messages.
    text: String,
    /// The option `-e`: an interrupt sends EOS.
    sends_eos: bool,
    arguments: Vec<String>,
}

impl Line {
    fn new(document: &str, command: &str) -> Line {
        let text = format!("{document}: {command}");
        let words = glib::shell_parse_argv(command).expect(&text);
        let words = words.iter().map(|word| word.to_str().unwrap().to_owned());
        let mut after = words.skip_while(|word| word != "gst-launch-1.0").skip(1);
        let mut arguments = Vec::new();
        let mut sends_eos = false;
        for word in after.by_ref() {
            match word.as_str() {
                "-e" => sends_eos = true,
                option if option.starts_with('-') => {}
                _ => arguments.push(word),
            }
        }
        Line {
            text,
            sends_eos,
            arguments,
        }
    }

    fn names_any(&self, elements: &[&str]) -> bool {
        self.arguments
            .iter()
            .any(|argument| elements.contains(&argument.as_str()))
    }

    /// Replaces the elements that need a display by fakesink.
    fn without_windows(mut self) -> Line {
        for argument in &mut self.arguments {
            if WINDOWS.contains(&argument.as_str()) {
                *argument = "fakesink".to_owned();
            }
        }
        self
    }

    fn parse(&self) -> gst::Pipeline {
        let arguments: Vec<_> = self.arguments.iter().map(String::as_str).collect();
        let element = gst::parse::launchv(&arguments).unwrap_or_else(|error| {
            panic!("{}: {error}", self.text);
        });
        element.downcast().expect("more than one element")
    }

    /// Runs until each sink has received [`ENOUGH`] buffers, then to EOS if the line has `-e`.
    fn run(&self) {
        let pipeline = self.parse();
        let arrivals = arrivals(&pipeline);
        pipeline.set_state(gst::State::Playing).expect(&self.text);
        for (sink, arrivals) in arrivals {
            for _ in 0..ENOUGH {
                if arrivals.recv_timeout(TIMEOUT).is_err() {
                    panic!(
                        "{}: {sink} receives nothing: {:?}",
                        self.text,
                        error(&pipeline)
                    );
                }
            }
        }
        if self.sends_eos {
            pipeline.send_event(gst::event::Eos::new());
            let ends = [gst::MessageType::Eos, gst::MessageType::Error];
            let timeout = gst::ClockTime::try_from(TIMEOUT).unwrap();
            let end = pipeline
                .bus()
                .unwrap()
                .timed_pop_filtered(timeout, &ends)
                .map(|message| message.type_());
            assert_eq!(end, Some(gst::MessageType::Eos), "{}", self.text);
        }
        assert_eq!(error(&pipeline), None, "{}", self.text);
        pipeline.set_state(gst::State::Null).unwrap();
    }
}

/// A channel for each sink, by its name, that receives a value for each buffer.
fn arrivals(pipeline: &gst::Pipeline) -> Vec<(String, Receiver<()>)> {
    let sinks = pipeline.iterate_sinks().into_iter().map(Result::unwrap);
    sinks
        .flat_map(|sink| sink.sink_pads())
        .map(|pad| {
            let (sender, receiver) = channel();
            pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
                let _receiver_dropped = sender.send(());
                gst::PadProbeReturn::Ok
            });
            (pad.parent().unwrap().name().into(), receiver)
        })
        .collect()
}

fn error(pipeline: &gst::Pipeline) -> Option<String> {
    let message = pipeline
        .bus()
        .unwrap()
        .pop_filtered(&[gst::MessageType::Error])?;
    Some(format!("{message:?}"))
}

/// The lines with gst-launch-1.0, in ```` ```sh ```` blocks and in single backticks.
fn lines_of(document: &str) -> Vec<Line> {
    let text = fs::read_to_string(root().join(document)).expect(document);
    let mut lines = Vec::new();
    for (at, part) in text.split("```").enumerate() {
        if at % 2 == 0 {
            let inline = part.split('`').skip(1).step_by(2);
            let commands = inline.filter(|code| code.starts_with("gst-launch-1.0 "));
            lines.extend(commands.map(|line| Line::new(document, line)));
        } else if let Some(block) = part.strip_prefix("sh\n") {
            let whole = block.replace("\\\n", " ");
            let commands = whole.lines().filter(|line| line.contains("gst-launch-1.0"));
            lines.extend(commands.map(|line| Line::new(document, line)));
        }
    }
    lines
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
