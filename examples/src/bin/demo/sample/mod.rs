//! The caller that is always present.

mod file;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use gst::prelude::*;

use crate::bot;
use crate::recording::Recording;
use crate::stamp::Stamps;
use crate::stream::{Stream, Way};
use crate::{Place, start};

/// The caller's user name.
pub(crate) const USER: &str = "sample";

/// The clip that it sends without a file.
const CLIP: &str = "\
    videotestsrc is-live=true pattern=smpte100 horizontal-speed=2 \
        ! video/x-raw,format=I420,width=640,height=360,framerate=30/1 \
        ! timeoverlay font-desc=\"Sans 28\" halignment=center valignment=center \
        ! identity name=pictures ! out.video \
    audiotestsrc name=tune is-live=true wave=triangle volume=0.15 \
        ! audio/x-raw,format=S16LE,rate=48000,channels=2 ! out.audio";

/// The screen that it sends in any case.
const SCREEN: &str = "\
    videotestsrc is-live=true pattern=ball foreground-color=0xffffb000 background-color=0xff1c6e8c \
        ! video/x-raw,format=I420,width=1280,height=720,framerate=5/1 \
        ! timeoverlay text=\"The screen of sample\" font-desc=\"Sans 20\" \
        ! identity name=shared ! out.screen";

/// The frequencies of a pentatonic scale in Hz. In any order they are a tune.
const NOTES: [f64; 8] = [261.6, 392.0, 329.6, 440.0, 293.7, 523.3, 392.0, 329.6];

/// The files that are played instead of [`CLIP`].
#[derive(Clone, Copy)]
pub(crate) struct Played<'a> {
    /// A file with video, audio, or both.
    pub(crate) media: &'a Path,
    /// A file with audio, instead of that of `media`.
    pub(crate) speech: Option<&'a Path>,
}

/// Sends a clip and a screen, and receives the bot's streams.
pub(crate) struct Sample {
    /// Separate pipelines, so that each file can restart on its own.
    clips: Vec<gst::Pipeline>,
    /// The screen and the received streams.
    rest: gst::Pipeline,
    stamps: Option<Stamps>,
    notes: usize,
    /// Grows when a stream is found in a file.
    sent: Arc<Mutex<Vec<Stream>>>,
    received: Vec<Stream>,
    /// The recording of the bot's answer.
    recording: Option<Recording>,
}

impl Sample {
    /// Joins the call with the files of `played`, and records to `folder`.
    ///
    /// # Errors
    /// If an element is missing, a file cannot be read, or the call cannot be joined.
    pub(crate) fn join(place: &Place, played: Option<Played>, folder: &Path) -> Result<Sample> {
        let description = format!(
            "acscallsrc name=in acscallsink name=out {SCREEN} {}",
            receivers()
        );
        let rest = pipeline(place, &description)?;
        let source = rest.by_name("in").context("the pipeline has a source")?;
        let received: Vec<_> = source
            .src_pads()
            .iter()
            .map(|pad| Stream::on(pad, USER, Way::Received, kind_of(pad), Some(bot::USER)))
            .collect();

        let files = played.map(|played| played.files()).unwrap_or_default();
        let clip = |clip| pipeline(place, &format!("acscallsink name=out {clip}"));
        let clips = match files.len() {
            0 => vec![clip(CLIP)?],
            _ => files
                .iter()
                .map(|_| clip(file::DESCRIPTION))
                .collect::<Result<_>>()?,
        };
        let sent = Arc::default();
        for pipeline in clips.iter().chain([&rest]) {
            let sink = pipeline.by_name("out").context("the pipeline has a sink")?;
            for pad in sink.sink_pads() {
                lock(&sent).push(Stream::on(&pad, USER, Way::Sent, kind_of(&pad), None));
            }
        }
        for (clip, (file, kinds)) in clips.iter().zip(&files) {
            file::prepare(clip, file, kinds, &sent)?;
        }
        let stamps = measure(clips.iter().chain([&rest]), &source);
        let tap = rest.by_name("tap").context("the pipeline has a tap")?;
        let file = format!("{USER}-received-video-of-{}.webm", bot::USER);
        let recording = Recording::start(tap, folder.join(file))
            .inspect_err(|error| eprintln!("Warning: nothing is recorded: {error:#}"))
            .ok();

        let sample = Sample {
            clips,
            rest,
            stamps,
            notes: 0,
            sent,
            received,
            recording,
        };
        sample.start(&files)?;
        Ok(sample)
    }

    fn start(&self, files: &[(&Path, &[&str])]) -> Result<()> {
        start(&self.rest)?;
        if files.is_empty() {
            self.clips.iter().try_for_each(start)?;
        }
        for (clip, (file, _)) in self.clips.iter().zip(files) {
            file::start(clip).with_context(|| format!("{} cannot be played", file.display()))?;
        }
        Ok(())
    }

    pub(crate) fn pipelines(&self) -> impl Iterator<Item = &gst::Pipeline> {
        self.clips.iter().chain([&self.rest])
    }

    /// The received streams.
    pub(crate) fn received(&self) -> Vec<Stream> {
        self.received.clone()
    }

    /// The sent and received streams.
    pub(crate) fn all_streams(&self) -> Vec<Stream> {
        [lock(&self.sent).clone(), self.received.clone()].concat()
    }

    /// See [`Sample::recording`].
    pub(crate) fn recording_mut(&mut self) -> Option<&mut Recording> {
        self.recording.as_mut()
    }

    /// The recording, if its file could be created.
    pub(crate) fn recording(&self) -> Option<&Recording> {
        self.recording.as_ref()
    }

    /// The median latency since the last call, from a sent raw frame to the bot's answer as a raw
    /// frame; `None` while the bot answers somebody else.
    pub(crate) fn loop_latency(&self) -> Option<Duration> {
        self.stamps.as_ref()?.latency()
    }

    /// Plays the next note of the tune.
    pub(crate) fn next_note(&mut self) {
        if let Some(tune) = self.clips.iter().find_map(|clip| clip.by_name("tune")) {
            tune.set_property("freq", NOTES[self.notes % NOTES.len()]);
            self.notes += 1;
        }
    }

    /// Restarts a file that has ended.
    ///
    /// # Errors
    /// If it can no longer be played.
    pub(crate) fn play_again(&self, ended: &gst::Message) -> Result<()> {
        let is_it = |clip: &&gst::Pipeline| ended.src() == Some(clip.upcast_ref());
        match self.clips.iter().find(is_it) {
            Some(clip) => file::play_again(clip, ended),
            None => Ok(()),
        }
    }
}

impl<'a> Played<'a> {
    /// The files, each with the kinds of streams that are played.
    fn files(self) -> Vec<(&'a Path, &'static [&'static str])> {
        match self.speech {
            None => vec![(self.media, &["video", "audio"])],
            Some(speech) => vec![(self.media, &["video"]), (speech, &["audio"])],
        }
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        for pipeline in self.pipelines() {
            // Leaves the call. Changing to NULL cannot fail.
            let _stopped = pipeline.set_state(gst::State::Null);
        }
    }
}

fn pipeline(place: &Place, description: &str) -> Result<gst::Pipeline> {
    let pipeline = gst::parse::launch(description)?
        .downcast::<gst::Pipeline>()
        .ok()
        .context("several elements make a pipeline")?;
    for element in ["in", "out"]
        .into_iter()
        .filter_map(|name| pipeline.by_name(name))
    {
        element.set_property("server", &place.server);
        element.set_property("call", &place.call);
        element.set_property("user", USER);
        element.set_property("display-name", "Sample caller");
    }
    Ok(pipeline)
}

/// A fakesink for each stream of the bot, with a tap before that of the camera.
fn receivers() -> String {
    [
        ("audio", ""),
        ("video", "! rawtap name=tap "),
        ("screen", ""),
    ]
    .map(|(kind, tap)| {
        let from = bot::USER;
        format!("in.{kind}_{from} {tap}! fakesink sync=false async=false ")
    })
    .concat()
}

fn kind_of(pad: &gst::Pad) -> &'static str {
    let name = pad.name();
    ["audio", "video"]
        .into_iter()
        .find(|kind| name.starts_with(kind))
        .unwrap_or("screen")
}

/// Writes numbers into the clip and reads them from the bot's answer. With a file it uses the
/// screen instead, so that the file's frames stay unchanged.
fn measure<'a>(
    mut pipelines: impl Iterator<Item = &'a gst::Pipeline>,
    source: &gst::Element,
) -> Option<Stamps> {
    let (pictures, kind) = pipelines.find_map(|pipeline| {
        let clip = pipeline.by_name("pictures").map(|clip| (clip, "video"));
        clip.or_else(|| Some((pipeline.by_name("shared")?, "screen")))
    })?;
    let pictures = pictures.static_pad("src")?;
    let answer = source
        .src_pads()
        .into_iter()
        .find(|pad| kind_of(pad) == kind)?;
    let stamps = Stamps::default();
    stamps.write_on(&pictures);
    stamps.read_on(&answer);
    Some(stamps)
}

/// Locks the list, which is valid even if a thread panicked while it held the lock.
fn lock(streams: &Mutex<Vec<Stream>>) -> MutexGuard<'_, Vec<Stream>> {
    streams.lock().unwrap_or_else(PoisonError::into_inner)
}
