//! For `fuzz/` alone: what a peer says of a leg, given to what reads it.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use acscall::call::{Direction, LegId};
use acscall::model::{Candidate, Kind, ParticipantId};
use gst::prelude::*;

use super::codec::default_codecs;
use super::leg::{Leg, LegMaker, LegOutput};
use super::sdp;
use super::webrtc::WebRtc;

/// No machine is so slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was read of a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The certificates that it names.
    pub fingerprints: usize,
    /// The lines that are answered with a codec.
    pub preferences: usize,
    /// The kinds that one of the ends cannot take.
    pub rejected: Vec<Kind>,
}

/// Reads a description as far as that is done before webrtcbin gets it.
pub fn read(text: &str, direction: Direction) -> Result<Read, String> {
    let remote = sdp::Remote::parse(text, direction).map_err(|error| error.to_string())?;
    Ok(Read {
        fingerprints: remote.fingerprints.len(),
        preferences: remote.preferences.len(),
        rejected: remote.rejected.into_iter().map(|(kind, _)| kind).collect(),
    })
}

/// An answer with these lines rejected.
pub fn reject(answer: &str, kinds: &[Kind]) -> String {
    sdp::reject(answer, kinds)
}

/// Whether the certificate is one that this description, of which nothing else is read, names.
pub fn is_named(certificate: &str, fingerprint: &str) -> bool {
    let fingerprint = sdp::Fingerprint::parse(fingerprint);
    sdp::matches_any(certificate, fingerprint.as_slice())
}

/// A leg in a pipeline of its own.
pub struct Peer {
    leg: Option<Box<dyn Leg>>,
    outputs: Receiver<LegOutput>,
}

/// How a leg answered a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// With one of its own.
    Description(String),
    /// By giving up, and why.
    Failed(String),
    /// Not at all.
    Nothing,
}

/// The pipeline that all of them share.
pub struct Pipeline(WebRtc);

impl Pipeline {
    /// One that plays.
    pub fn start() -> Pipeline {
        let pipeline = gst::Pipeline::new();
        // Nobody reads the messages, and each holds the element that posted it.
        let bus = pipeline.bus().expect("a pipeline has a bus");
        bus.set_sync_handler(|_, _| gst::BusSyncReply::Drop);
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        pipeline
            .set_state(gst::State::Playing)
            .expect("an empty pipeline plays");
        Pipeline(WebRtc {
            pipeline,
            latency: Arc::new(OnceLock::from(40)),
            stun_server: None,
            turn_servers: Vec::new(),
        })
    }

    /// The elements in it.
    pub fn count(&self) -> usize {
        self.0.pipeline.children().len()
    }

    /// Makes a leg.
    pub fn open(&self, direction: Direction) -> Peer {
        let (sender, outputs) = channel();
        let sender = Mutex::new(sender);
        let id = LegId {
            peer: ParticipantId("peer".into()),
            direction,
            number: 1,
        };
        let output = Arc::new(move |output| {
            if let Ok(sender) = sender.lock() {
                let _nobody_listens = sender.send(output);
            }
        });
        let leg = self.0.open(&id, &default_codecs(), &[], output);
        Peer {
            leg: Some(leg.expect("a leg can be made")),
            outputs,
        }
    }
}

impl Peer {
    /// Takes the peer's description. Waits for the answer of a receiving leg.
    pub fn describe(&mut self, text: &str) -> Answer {
        let leg = self.leg.as_mut().expect("it is open");
        match leg.set_remote_description(text) {
            Ok(()) => self.answer(),
            Err(failure) => Answer::Failed(failure.to_string()),
        }
    }

    /// Takes the peer's answer.
    pub fn take(&mut self, text: &str) {
        let leg = self.leg.as_mut().expect("it is open");
        let _failure_is_an_answer_too = leg.set_remote_description(text);
    }

    /// Waits for the leg's own description.
    pub fn answer(&self) -> Answer {
        loop {
            match self.outputs.recv_timeout(PATIENCE) {
                Ok(LegOutput::Description(text)) => return Answer::Description(text),
                Ok(LegOutput::Failed(failure)) => return Answer::Failed(failure.to_string()),
                Ok(_) => {}
                Err(_) => return Answer::Nothing,
            }
        }
    }

    /// Takes one of the peer's candidates.
    pub fn add(&self, candidate: &Candidate) {
        if let Some(leg) = &self.leg {
            leg.add_candidate(candidate);
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(leg) = self.leg.take() {
            leg.close();
        }
    }
}
