//! The other participant, which receives the stream of an example.

use std::sync::mpsc;

use acscall_tests::pipeline::TIMEOUT;
use gst::prelude::*;

use super::looks::{self, Run};
use super::sound::{self, Listener, Sound};

/// The latency in ms. It is long, since late packets are lost and on a busy machine many are late.
const LATENCY: u32 = 250;

/// How long a message may take.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(TIMEOUT.as_secs());

/// The output of the example, and the messages and media received from it. Its user is alice.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The output of the example.
    pub(crate) lines: Vec<String>,
    /// The states of the participant.
    pub(crate) presences: Vec<String>,
    /// The messages about its stream, such as `audio on`.
    pub(crate) available: Vec<String>,
    /// Its pictures, in the order of arrival.
    pub(crate) looks: Vec<Run>,
    /// Its audio, over the whole call.
    pub(crate) sounds: Vec<Sound>,
}

/// Reads one stream of alice.
pub(crate) struct Receiver {
    pipeline: gst::Pipeline,
    looks: mpsc::Receiver<Run>,
    sounds: mpsc::Receiver<Sound>,
}

impl Receiver {
    /// Joins the call, runs its server at `server`, and requests a stream that does not exist yet.
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
                // Sending fails if the test has failed.
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
        receiver.read_messages("connected", |name, message| {
            name == "acscall-state" && message.get::<&str>("state") == Ok("connected")
        });
        receiver
    }

    /// Waits until alice has left, and returns what was received.
    pub(crate) fn seen(self, lines: Vec<String>) -> Seen {
        let (mut available, mut presences) = (Vec::new(), Vec::new());
        self.read_messages("alice disconnected", |name, message| {
            if name == "acscall-stream" {
                assert_eq!(message.get::<&str>("participant"), Ok("alice"));
                let state = if message.get::<bool>("available").unwrap() {
                    "on"
                } else {
                    "off"
                };
                available.push(format!("{} {state}", message.get::<&str>("kind").unwrap()));
            }
            if name == "acscall-participant" {
                presences.push(message.get::<String>("state").unwrap());
            }
            presences.last().is_some_and(|last| last == "disconnected")
        });
        // Nothing arrives any more; the senders in the callbacks are dropped.
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

    /// Reads element messages until `until` returns true for one.
    fn read_messages(&self, what: &str, mut until: impl FnMut(&str, &gst::StructureRef) -> bool) {
        let bus = self.pipeline.bus().unwrap();
        loop {
            let message = bus.timed_pop_filtered(
                PATIENCE,
                &[gst::MessageType::Element, gst::MessageType::Error],
            );
            let message = message.unwrap_or_else(|| panic!("no message: {what}"));
            if let gst::MessageView::Error(error) = message.view() {
                panic!("while waiting for {what}: {error:?}");
            }
            let structure = message.structure().unwrap();
            if until(structure.name().as_str(), structure) {
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
