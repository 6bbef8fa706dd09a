//! The other participant: it takes all that an example sends.

use std::sync::mpsc;

use acscall_tests::pipeline::TIMEOUT;
use gst::prelude::*;

use super::looks::{self, Run};
use super::sound::{self, Listener, Sound};

/// In ms. What is late is lost, and on a busy machine much is late; what an example sends has no
/// gaps of its own.
const LATENCY: u32 = 250;

/// How long the server may take to tell something.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(TIMEOUT.as_secs());

/// What was seen and heard of alice, the example.
#[derive(Debug)]
pub(crate) struct Seen {
    /// What the example printed.
    pub(crate) lines: Vec<String>,
    /// How it came and went: its states.
    pub(crate) presences: Vec<String>,
    /// The messages about its stream, such as `audio on`.
    pub(crate) available: Vec<String>,
    /// Its pictures, in the order in which they came.
    pub(crate) looks: Vec<Run>,
    /// The sound of the whole call.
    pub(crate) sounds: Vec<Sound>,
}

/// Reads alice's stream of one kind.
pub(crate) struct Receiver {
    pipeline: gst::Pipeline,
    looks: mpsc::Receiver<Run>,
    sounds: mpsc::Receiver<Sound>,
}

impl Receiver {
    /// Joins the call, serves it at `server`, and asks for a stream that is not there yet.
    pub(crate) fn join(server: &str, kind: &str) -> Receiver {
        let (pad, caps) = match kind {
            "audio" => ("audio".to_owned(), sound::CAPS),
            _ => (format!("{kind}_alice"), looks::CAPS),
        };
        let pipeline = gst::parse::launch(&format!(
            "acscallsrc name=call call=x user=bob server={server} latency={LATENCY} \
             call.{pad} ! queue ! appsink name=sink sync=false async=false caps={caps}"
        ))
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
        let (send_look, looks) = mpsc::channel();
        let (send_sound, sounds) = mpsc::channel();
        let is_audio = kind == "audio";
        let mut listener = Listener::default();
        let callbacks = gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                // Sending fails where the test has failed.
                if is_audio {
                    for sound in listener.listen(&sample) {
                        send_sound.send(sound).map_err(|_| gst::FlowError::Eos)?;
                    }
                } else {
                    send_look
                        .send(Run::of(&sample))
                        .map_err(|_| gst::FlowError::Eos)?;
                }
                Ok(gst::FlowSuccess::Ok)
            })
            .build();
        let sink = pipeline
            .by_name("sink")
            .and_downcast::<gst_app::AppSink>()
            .unwrap();
        sink.set_callbacks(callbacks);
        pipeline.set_state(gst::State::Playing).unwrap();
        let receiver = Receiver {
            pipeline,
            looks,
            sounds,
        };
        receiver.read_messages("connected", |name, told| {
            name == "acscall-state" && told.get::<&str>("state") == Ok("connected")
        });
        receiver
    }

    /// What was seen until alice left; she is on her way.
    pub(crate) fn seen(self, lines: Vec<String>) -> Seen {
        let (mut available, mut presences) = (Vec::new(), Vec::new());
        self.read_messages("alice disconnected", |name, told| {
            if name == "acscall-stream" {
                assert_eq!(told.get::<&str>("participant"), Ok("alice"));
                let state = if told.get::<bool>("available").unwrap() {
                    "on"
                } else {
                    "off"
                };
                available.push(format!("{} {state}", told.get::<&str>("kind").unwrap()));
            }
            if name == "acscall-participant" {
                presences.push(told.get::<String>("state").unwrap());
            }
            presences.last().is_some_and(|last| last == "disconnected")
        });
        // No more comes, and the channels end with the senders in the callbacks.
        self.pipeline.set_state(gst::State::Null).unwrap();
        let sounds = self.sounds.try_iter().collect();
        let looks = looks::runs(self.looks.try_iter());
        Seen {
            lines,
            presences,
            available,
            looks,
            sounds,
        }
    }

    fn read_messages(&self, what: &str, mut until: impl FnMut(&str, &gst::StructureRef) -> bool) {
        let bus = self.pipeline.bus().unwrap();
        loop {
            let message = bus.timed_pop_filtered(
                PATIENCE,
                &[gst::MessageType::Element, gst::MessageType::Error],
            );
            let message = message.unwrap_or_else(|| panic!("no message that it is {what}"));
            if let gst::MessageView::Error(error) = message.view() {
                panic!("while waiting for {what}: {error:?}");
            }
            let told = message.structure().unwrap();
            if until(told.name().as_str(), told) {
                return;
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _stopped = self.pipeline.set_state(gst::State::Null);
    }
}
