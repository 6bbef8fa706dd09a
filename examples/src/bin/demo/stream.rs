//! Statistics and a picture of the stream on a pad.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use gst::prelude::*;

/// The timeout for the conversion to PNG.
const PATIENCE: Option<gst::ClockTime> = Some(gst::ClockTime::from_seconds(5));

/// The direction of a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Into the call.
    Sent,
    /// Out of the call.
    Received,
}

/// One stream of one participant. Clones refer to the same stream.
#[derive(Clone)]
pub(crate) struct Stream {
    /// The participant that sends or receives it.
    pub(crate) who: &'static str,
    pub(crate) way: Way,
    /// `audio`, `video` or `screen`.
    pub(crate) kind: &'static str,
    /// The sender of a received stream.
    pub(crate) of: Option<String>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    buffers: u64,
    duration: gst::ClockTime,
    begin: Option<gst::ClockTime>,
    end: Option<gst::ClockTime>,
    caps: Option<gst::Caps>,
    picture: Option<gst::Buffer>,
    /// The next buffer is to be kept. Not every one: elements that work in place must copy a buffer
    /// that somebody else holds.
    wants_picture: bool,
    /// The time and the number of buffers at the last call of `rate`.
    last_look: Option<(gst::ClockTime, u64)>,
}

impl Stream {
    /// Watches `pad` while it exists.
    pub(crate) fn on(
        pad: &gst::Pad,
        who: &'static str,
        way: Way,
        kind: &'static str,
        of: Option<&str>,
    ) -> Stream {
        let seen = Arc::new(Mutex::new(Seen {
            wants_picture: true,
            ..Seen::default()
        }));
        let stream = Stream {
            who,
            way,
            kind,
            of: of.map(str::to_owned),
            seen,
        };
        stream.also_on(pad);
        stream
    }

    /// Continues on another pad, for a stream that returns.
    pub(crate) fn also_on(&self, pad: &gst::Pad) {
        let seen = self.seen.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if let Some(buffer) = info.buffer() {
                let caps = pad.current_caps();
                lock(&seen).add(buffer, caps);
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// The text for the status line, such as `video of alice 30 fps`; `None` if no buffer arrived
    /// since the last call.
    pub(crate) fn rate(&self) -> Option<String> {
        let now = gst::get_timestamp();
        let mut seen = lock(&self.seen);
        seen.wants_picture = true;
        let buffers = seen.buffers;
        let (then, before) = seen.last_look.replace((now, buffers))?;
        let new = buffers - before;
        if new == 0 {
            return None;
        }
        let name = match &self.of {
            Some(of) => format!("{} of {of}", self.kind),
            None => self.kind.to_owned(),
        };
        if self.kind == "audio" {
            return Some(name);
        }
        let seconds = (now - then).nseconds() as f64 / 1e9;
        Some(format!("{name} {:.0} fps", new as f64 / seconds))
    }

    /// The number of frames, or the seconds of audio.
    pub(crate) fn amount(&self) -> String {
        let seen = lock(&self.seen);
        if self.kind == "audio" {
            format!("{:.1} s", seen.duration.nseconds() as f64 / 1e9)
        } else {
            format!("{} frames", seen.buffers)
        }
    }

    /// Whether any buffer passed.
    pub(crate) fn is_alive(&self) -> bool {
        lock(&self.seen).buffers > 0
    }

    /// The frame size, such as `640×360`; empty for audio.
    pub(crate) fn size(&self) -> String {
        let seen = lock(&self.seen);
        let structure = seen.caps.as_ref().and_then(|caps| caps.structure(0));
        let field = |name| structure.and_then(|structure| structure.get::<i32>(name).ok());
        match (field("width"), field("height")) {
            (Some(width), Some(height)) => format!("{width}×{height}"),
            _ => String::new(),
        }
    }

    /// The average rate, such as `29.9 fps`; empty for audio.
    pub(crate) fn average(&self) -> String {
        let seen = lock(&self.seen);
        match (seen.begin, seen.end) {
            (Some(begin), Some(end)) if end > begin && self.kind != "audio" => {
                let seconds = (end - begin).nseconds() as f64 / 1e9;
                format!("{:.1} fps", (seen.buffers - 1) as f64 / seconds)
            }
            _ => String::new(),
        }
    }

    /// The last kept picture.
    pub(crate) fn picture(&self) -> Option<gst::Sample> {
        let seen = lock(&self.seen);
        let (picture, caps) = (seen.picture.as_ref()?, seen.caps.as_ref()?);
        (self.kind != "audio").then(|| gst::Sample::builder().buffer(picture).caps(caps).build())
    }

    /// Writes the picture of a received stream to `folder` and returns its path.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn save(&self, folder: &Path) -> Result<Option<PathBuf>> {
        let (Way::Received, Some(of), Some(picture)) = (self.way, &self.of, self.picture()) else {
            return Ok(None);
        };
        let png = gst::Caps::new_empty_simple("image/png");
        let png = gst_video::convert_sample(&picture, &png, PATIENCE)
            .context("a picture cannot be converted to PNG")?;
        let map = png
            .buffer()
            .and_then(|buffer| buffer.map_readable().ok())
            .context("a converted picture can be read")?;
        let path = folder.join(format!("{}-received-{}-of-{of}.png", self.who, self.kind));
        std::fs::write(&path, &map)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Some(path))
    }
}

impl Seen {
    fn add(&mut self, buffer: &gst::Buffer, caps: Option<gst::Caps>) {
        let now = gst::get_timestamp();
        self.begin.get_or_insert(now);
        self.end = Some(now);
        self.buffers += 1;
        self.duration += buffer.duration().unwrap_or_default();
        if std::mem::take(&mut self.wants_picture) {
            self.picture = Some(buffer.clone());
            self.caps = caps;
        }
    }
}

/// Locks the counts, which are good enough even if a thread panicked while it held the lock.
fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
