//! A call with its own server port, and partners in it.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process;

use acscall_tests::pipeline::{TIMEOUT, free_port, init, until};
use gst::prelude::*;
use gst_video::prelude::*;

use super::display::Pixel;
use super::sound::Sound;

/// How long a wait may take.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(TIMEOUT.as_secs());

/// The name of the call.
pub(crate) const CALL: &str = "pipelines";

/// A call, its server port, and a folder for recordings.
pub(crate) struct Meeting {
    port: u16,
    folder: PathBuf,
}

impl Meeting {
    pub(crate) fn new() -> Meeting {
        init().unwrap();
        let port = free_port().unwrap();
        let folder = env::temp_dir().join(format!("acscall-pipelines-{}-{port}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        Meeting { port, folder }
    }

    /// The address of the server, which the first partner or script starts.
    pub(crate) fn server(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The path of a file to record to.
    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    /// Joins as `user` with a pipeline. If `description` contains `s.`, that is the user's acscallsink;
    /// if it contains `c.`, that is the user's acscallsrc.
    pub(crate) fn partner(&self, user: &str, description: &str) -> Partner {
        self.partner_with(&format!("call={CALL}"), user, description)
    }

    /// As [`Meeting::partner`], with other call properties: `callee`, `auto-accept`.
    pub(crate) fn partner_with(&self, how: &str, user: &str, description: &str) -> Partner {
        let settings = format!("{how} user={user} server={}", self.server());
        let mut whole = String::new();
        if description.contains("s.") {
            whole += &format!("acscallsink name=s {settings} ");
        }
        if description.contains("c.") {
            whole += &format!("acscallsrc name=c {settings} ");
        }
        Partner::play(&(whole + description))
    }
}

impl Drop for Meeting {
    fn drop(&mut self) {
        // A failure leaves files in the system's temporary folder.
        let _left_over = fs::remove_dir_all(&self.folder);
    }
}

/// A running pipeline.
pub(crate) struct Partner(gst::Pipeline);

impl Partner {
    pub(crate) fn play(description: &str) -> Partner {
        init().unwrap();
        let pipeline = gst::parse::launch(description).expect(description);
        let partner = Partner(pipeline.downcast().expect("more than one element"));
        partner.0.set_state(gst::State::Playing).expect(description);
        partner
    }

    /// The frames that arrive at the appsink `name` until EOS. Waits for each.
    pub(crate) fn frames(&self, name: &str) -> impl Iterator<Item = Frame> {
        let sink = self.sink(name);
        std::iter::from_fn(move || self.next(&sink).map(Frame))
    }

    /// Collects the audio that arrives at the appsink `name`, as F32LE in one channel, until `wanted`
    /// returns a part of it, without the silence at the start.
    pub(crate) fn hears(&self, name: &str, wanted: impl Fn(&Sound) -> Option<Sound>) -> Sound {
        let sink = self.sink(name);
        let mut samples = Vec::new();
        for count in 1.. {
            let sample = self.next(&sink).expect("the stream ended");
            let map = sample.buffer().unwrap().map_readable().unwrap();
            samples.extend(
                map.chunks_exact(4)
                    .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())),
            );
            // Analysing all of it takes longer than a buffer lasts.
            if count % 10 == 0
                && let Some(heard) = Sound::of_samples(&samples).try_after_silence()
                && let Some(found) = wanted(&heard)
            {
                return found;
            }
        }
        unreachable!("the loop has no end")
    }

    /// Waits until `more` pictures of its camera have been encoded.
    pub(crate) fn sends(&self, more: u64) {
        let sink = self.0.by_name("s").unwrap();
        let pad = sink.static_pad("video").unwrap();
        let encoded = || {
            let stats = pad.property::<gst::Structure>("stats");
            stats.get::<u64>("encoded").unwrap_or(0)
        };
        let wanted = encoded() + more;
        until("pictures are sent", || {
            Ok((encoded() >= wanted).then_some(()))
        })
        .unwrap();
    }

    fn sink(&self, name: &str) -> gst_app::AppSink {
        self.0.by_name(name).unwrap().downcast().unwrap()
    }

    /// Returns the next sample, `None` after EOS. Panics on an error, or if nothing arrives.
    fn next(&self, sink: &gst_app::AppSink) -> Option<gst::Sample> {
        let sample = sink.try_pull_sample(PATIENCE);
        let bus = self.0.bus().unwrap();
        if let Some(error) = bus.pop_filtered(&[gst::MessageType::Error]) {
            panic!("{error:?}");
        }
        assert!(
            sample.is_some() || sink.is_eos(),
            "nothing arrived at {}",
            sink.name()
        );
        sample
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        self.0.set_state(gst::State::Null).unwrap();
    }
}

/// A received picture.
pub(crate) struct Frame(gst::Sample);

impl Frame {
    pub(crate) fn width(&self) -> u32 {
        self.info().width()
    }

    pub(crate) fn height(&self) -> u32 {
        self.info().height()
    }

    pub(crate) fn time(&self) -> gst::ClockTime {
        self.0.buffer().unwrap().pts().unwrap()
    }

    /// The colour at this point.
    pub(crate) fn at(&self, x: usize, y: usize) -> Pixel {
        let rgb = gst::Caps::builder("video/x-raw")
            .field("format", "RGB")
            .build();
        let sample = gst_video::convert_sample(&self.0, &rgb, Some(PATIENCE)).unwrap();
        let info = gst_video::VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
        let frame =
            gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer().unwrap(), &info)
                .unwrap();
        let at = y * frame.plane_stride()[0] as usize + 3 * x;
        let bytes = &frame.plane_data(0).unwrap()[at..at + 3];
        Pixel {
            red: bytes[0],
            green: bytes[1],
            blue: bytes[2],
        }
    }

    fn info(&self) -> gst_video::VideoInfo {
        gst_video::VideoInfo::from_caps(self.0.caps().unwrap()).unwrap()
    }
}
