//! A recording beside the call, which it cannot disturb.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gst::prelude::*;

/// Small and slow: the machine has a call to hold.
const FRAMES_PER_SECOND: f64 = 15.0;
/// Size and colorimetry are fixed: a WebM file cannot change them, and whoever is recorded may.
const WRITER: &str = "videoconvert ! videoscale add-borders=true \
    ! video/x-raw,format=I420,colorimetry=bt601,width=320,height=180,pixel-aspect-ratio=1/1 \
    ! vp8enc deadline=1 cpu-used=8 threads=1 target-bitrate=250000 keyframe-max-dist=60 \
    ! webmmux ! filesink name=file sync=false async=false";
/// How long the end of the file may take to be written.
const PATIENCE: Duration = Duration::from_secs(5);

/// A tap's pictures, as a WebM file.
pub(crate) struct Recording {
    path: PathBuf,
    /// The `rawtap` that the stream passes.
    tap: gst::Element,
    pad: gst::Pad,
    writer: gst::Element,
    has_failed: bool,
}

impl Recording {
    /// Records what passes `tap`, an element `rawtap` of a pipeline that was not started yet.
    ///
    /// # Errors
    /// If an element is missing or the file cannot be made.
    pub(crate) fn start(tap: gst::Element, path: PathBuf) -> Result<Recording> {
        let pipeline = tap
            .parent()
            .and_downcast::<gst::Bin>()
            .context("the tap is in a pipeline")?;
        let writer = gst::parse::bin_from_description(WRITER, true)?;
        writer
            .by_name("file")
            .context("the writer has a file")?
            .set_property("location", &path);
        // Its state is its own: a file that cannot be written to does not keep the call from
        // starting.
        writer.set_locked_state(true);
        pipeline.add(&writer)?;
        if writer.set_state(gst::State::Playing).is_err() {
            let words = words_of_error(&pipeline, &writer);
            writer.set_state(gst::State::Null)?;
            pipeline.remove(&writer)?;
            bail!(words.unwrap_or_else(|| format!("{} cannot be written", path.display())));
        }
        let pad = tap
            .request_pad_simple("tap_%u")
            .context("a tap has as many pads as are asked for")?;
        pad.set_property("max-rate", FRAMES_PER_SECOND);
        let recording = Recording {
            path,
            tap,
            pad,
            writer: writer.upcast(),
            has_failed: false,
        };
        recording.pad.link(&recording.entrance()?)?;
        Ok(recording)
    }

    /// Whether this message is of the recording and not of the call.
    pub(crate) fn is_of(&self, message: &gst::Message) -> bool {
        is_of(&self.writer, message)
    }

    /// It got an error; whether that was the first.
    pub(crate) fn fail(&mut self) -> bool {
        !std::mem::replace(&mut self.has_failed, true)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the tap counted, such as `300 of 600 frames`.
    pub(crate) fn counted(&self) -> String {
        let stats = self.pad.property::<gst::Structure>("stats");
        let count = |name| stats.get::<u64>(name).unwrap_or_default();
        format!("{} of {} frames", count("out"), count("in"))
    }

    /// Writes the end of the file, without which it does not play everywhere.
    ///
    /// # Errors
    /// If writing has failed or takes too long, such as on a disk that hangs.
    pub(crate) fn finish(&self) -> Result<()> {
        let entrance = self.entrance()?;
        // From here on nothing else enters. What is being written now may take its time.
        let _failed_before = self.pad.unlink(&entrance);
        self.tap.release_request_pad(&self.pad);
        let (sender, ended) = mpsc::channel();
        let writer = self.writer.clone();
        thread::spawn(move || {
            // On return the file is whole: there is no queue on the way.
            entrance.send_event(gst::event::Eos::new());
            let stopped = writer.set_state(gst::State::Null);
            let _nobody_waits_any_more = sender.send(stopped.is_ok());
        });
        let has_ended = ended.recv_timeout(PATIENCE) == Ok(true);
        // What was written last may have failed as well.
        let words = self
            .tap
            .parent()
            .and_downcast::<gst::Bin>()
            .and_then(|pipeline| words_of_error(&pipeline, &self.writer));
        ensure!(
            has_ended && !self.has_failed && words.is_none(),
            "{} is not complete. {}",
            self.path.display(),
            words.unwrap_or_default()
        );
        Ok(())
    }

    fn entrance(&self) -> Result<gst::Pad> {
        self.writer
            .static_pad("sink")
            .context("the writer has a sink pad")
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // Nothing else does that: its state is its own. It cannot fail on the way down.
        let _stopped = self.writer.set_state(gst::State::Null);
    }
}

/// Takes the errors off the bus of a pipeline that nobody watches; the first of those of the
/// writer says why.
fn words_of_error(pipeline: &gst::Bin, writer: &impl IsA<gst::Object>) -> Option<String> {
    let bus = pipeline.bus()?;
    let mut first = None;
    while let Some(message) = bus.pop_filtered(&[gst::MessageType::Error]) {
        if let gst::MessageView::Error(words) = message.view()
            && is_of(writer, &message)
        {
            first.get_or_insert_with(|| words.error().to_string());
        }
    }
    first
}

fn is_of(writer: &impl IsA<gst::Object>, message: &gst::Message) -> bool {
    message
        .src()
        .is_some_and(|source| source.has_as_ancestor(writer))
}
