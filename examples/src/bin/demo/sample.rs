//! The caller that is always there.

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

/// Its user.
pub(crate) const USER: &str = "sample";

/// What it sends where no file is played.
const CLIP: &str = "\
    videotestsrc is-live=true pattern=smpte100 horizontal-speed=2 \
        ! video/x-raw,format=I420,width=640,height=360,framerate=30/1 \
        ! timeoverlay font-desc=\"Sans 28\" halignment=center valignment=center \
        ! identity name=pictures ! out.video \
    audiotestsrc name=tune is-live=true wave=triangle volume=0.15 \
        ! audio/x-raw,format=S16LE,rate=48000,channels=2 ! out.audio";

/// In either case.
const SCREEN: &str = "\
    videotestsrc is-live=true pattern=ball foreground-color=0xffffb000 background-color=0xff1c6e8c \
        ! video/x-raw,format=I420,width=1280,height=720,framerate=5/1 \
        ! timeoverlay text=\"The screen of sample\" font-desc=\"Sans 20\" ! out.screen";

/// In Hz: a pentatonic scale, in which every order is a tune.
const NOTES: [f64; 8] = [261.6, 392.0, 329.6, 440.0, 293.7, 523.3, 392.0, 329.6];

/// Sends a clip and a screen, and receives what the bot sends.
pub(crate) struct Sample {
    /// Apart from the other, so that a file can begin again without leaving the call.
    clip: gst::Pipeline,
    /// The screen, and what is received.
    rest: gst::Pipeline,
    stamps: Option<Stamps>,
    notes: usize,
    /// Grows as a file's streams are found.
    sent: Arc<Mutex<Vec<Stream>>>,
    received: Vec<Stream>,
    /// Of the bot's answer.
    recording: Option<Recording>,
}

impl Sample {
    /// Joins with what is in the file `media`, and records into `folder`.
    ///
    /// # Errors
    /// If an element is missing, the file cannot be read, or the call cannot be joined.
    pub(crate) fn join(place: &Place, media: Option<&Path>, folder: &Path) -> Result<Sample> {
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

        let clip = if media.is_some() {
            file::DESCRIPTION
        } else {
            CLIP
        };
        let clip = pipeline(place, &format!("acscallsink name=out {clip}"))?;
        let sent = Arc::default();
        for pipeline in [&clip, &rest] {
            let sink = pipeline.by_name("out").context("the pipeline has a sink")?;
            for pad in sink.sink_pads() {
                lock(&sent).push(Stream::on(&pad, USER, Way::Sent, kind_of(&pad), None));
            }
        }
        if let Some(media) = media {
            file::play(&clip, media, &sent)?;
        }
        let stamps = measure(&clip, &source);
        let tap = rest.by_name("tap").context("the pipeline has a tap")?;
        let file = format!("{USER}-received-video-of-{}.webm", bot::USER);
        let recording = Recording::start(tap, folder.join(file))
            .inspect_err(|error| eprintln!("Warning: nothing is recorded: {error:#}"))
            .ok();

        start(&rest)?;
        start(&clip).with_context(|| match media {
            Some(file) => format!("{} cannot be played", file.display()),
            None => "the clip cannot be played".to_owned(),
        })?;
        Ok(Sample {
            clip,
            rest,
            stamps,
            notes: 0,
            sent,
            received,
            recording,
        })
    }

    pub(crate) fn pipelines(&self) -> [&gst::Pipeline; 2] {
        [&self.clip, &self.rest]
    }

    /// What it receives.
    pub(crate) fn received(&self) -> Vec<Stream> {
        self.received.clone()
    }

    /// What it sends and receives.
    pub(crate) fn all_streams(&self) -> Vec<Stream> {
        [lock(&self.sent).clone(), self.received.clone()].concat()
    }

    /// See [`Sample::recording`].
    pub(crate) fn recording_mut(&mut self) -> Option<&mut Recording> {
        self.recording.as_mut()
    }

    /// What it records, if that can be written.
    pub(crate) fn recording(&self) -> Option<&Recording> {
        self.recording.as_ref()
    }

    /// From a raw frame sent to the bot's answer to it as a raw frame, the median since the last
    /// look; `None` while the bot answers somebody else.
    pub(crate) fn loop_latency(&self) -> Option<Duration> {
        self.stamps.as_ref()?.latency()
    }

    /// Goes on with the tune.
    pub(crate) fn next_note(&mut self) {
        if let Some(tune) = self.clip.by_name("tune") {
            tune.set_property("freq", NOTES[self.notes % NOTES.len()]);
            self.notes += 1;
        }
    }

    /// A file that has ended begins again.
    ///
    /// # Errors
    /// If it cannot be played any more.
    pub(crate) fn play_again(&self, ended: &gst::Message) -> Result<()> {
        if ended.src() == Some(self.clip.upcast_ref()) {
            self.clip.set_state(gst::State::Ready)?;
            self.clip.set_state(gst::State::Playing)?;
        }
        Ok(())
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        for pipeline in self.pipelines() {
            // Leaves the call. It cannot fail on the way down.
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

/// A sink that shows nothing for each stream of the bot; the camera passes a tap.
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

/// Writes numbers into the clip and reads them from what the bot sends back. A file's pictures
/// stay as they are.
fn measure(clip: &gst::Pipeline, source: &gst::Element) -> Option<Stamps> {
    let pictures = clip.by_name("pictures")?.static_pad("src")?;
    let answer = source
        .src_pads()
        .into_iter()
        .find(|pad| kind_of(pad) == "video")?;
    let stamps = Stamps::default();
    stamps.write_on(&pictures);
    stamps.read_on(&answer);
    Some(stamps)
}

/// Whatever a thread that panicked left there is still a list.
fn lock(streams: &Mutex<Vec<Stream>>) -> MutexGuard<'_, Vec<Stream>> {
    streams.lock().unwrap_or_else(PoisonError::into_inner)
}
