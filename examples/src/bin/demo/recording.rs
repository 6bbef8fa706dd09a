//! A recording that cannot disturb the call.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gst::prelude::*;

/// Low, to leave the processor to the call.
const FRAMES_PER_SECOND: f64 = 15.0;
/// Size and colorimetry are fixed: the recorded stream may change them, a WebM file cannot.
const WRITER: &str = "videoconvert ! videoscale add-borders=true \
    ! video/x-raw,format=I420,colorimetry=bt601,width=320,height=180,pixel-aspect-ratio=1/1 \
    ! vp8enc deadline=1 cpu-used=8 threads=1 target-bitrate=250000 keyframe-max-dist=60 \
    ! webmmux ! filesink name=file sync=false async=false";
/// The timeout for writing the end of the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// A WebM file with the frames of a tap.
pub(crate) struct Recording {
    path: PathBuf,
    /// The `rawtap` in the stream.
    tap: gst::Element,
    pad: gst::Pad,
    writer: gst::Element,
    has_failed: bool,
}

impl Recording {
    /// Records the stream through `tap`, a `rawtap` in a pipeline that has not been started.
    ///
    /// # Errors
    /// If an element is missing or the file cannot be created.
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
        // Its state is locked, so a file that cannot be written does not prevent the call from
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

    /// Whether `message` is from the recording, not from the call.
    pub(crate) fn is_of(&self, message: &gst::Message) -> bool {
        is_of(&self.writer, message)
    }

    /// Marks the recording as failed. Returns whether this was the first error.
    pub(crate) fn fail(&mut self) -> bool {
        !std::mem::replace(&mut self.has_failed, true)
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The tap's frame counts, such as `300 of 600 frames`.
    pub(crate) fn counted(&self) -> String {
        let stats = self.pad.property::<gst::Structure>("stats");
        let count = |name| stats.get::<u64>(name).unwrap_or_default();
        format!("{} of {} frames", count("out"), count("in"))
    }

    /// Writes the end of the file; not every player can play a file without it.
    ///
    /// # Errors
    /// If writing failed or timed out, such as on a disk that hangs.
    pub(crate) fn finish(&self) -> Result<()> {
        let entrance = self.entrance()?;
        // No buffer enters from here on. A write in progress may still take long.
        let _failed_before = self.pad.unlink(&entrance);
        self.tap.release_request_pad(&self.pad);
        let (sender, ended) = mpsc::channel();
        let writer = self.writer.clone();
        thread::spawn(move || {
            // When this returns the file is complete, because the branch has no queue.
            entrance.send_event(gst::event::Eos::new());
            let stopped = writer.set_state(gst::State::Null);
            let _nobody_waits_any_more = sender.send(stopped.is_ok());
        });
        let has_ended = ended.recv_timeout(PATIENCE) == Ok(true);
        // The last write may have failed, too.
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
        // The pipeline does not stop it, because its state is locked. Changing to NULL cannot fail.
        let _stopped = self.writer.set_state(gst::State::Null);
    }
}

/// Pops the errors from the bus of a pipeline that nobody watches, and returns the writer's first
/// one.
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
