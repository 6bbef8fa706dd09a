//! For `fuzz/` only: passes the input of a leg's peer to its parsers.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use acscall::call::Direction;
use acscall::model::{Candidate, Kind};
use gst::prelude::*;
use parking_lot::Mutex;

use super::codec::default_codec;
use super::leg::{Leg, LegConfig, LegMaker, LegOutput, Mid, Offer, Track};
use super::sdp::{self, SdpType};
use super::webrtc::WebRtc;

/// The time limit for an answer. No machine is as slow.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The parts of a parsed description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The number of certificate fingerprints.
    pub fingerprints: usize,
    /// The number of m-lines that are answered with a codec.
    pub preferences: usize,
    /// The indices of the m-lines that one of the ends cannot handle.
    pub rejected: Vec<usize>,
}

/// Parses a description as it is done before webrtcbin gets it: an offer to receive from, or an
/// answer to send to.
pub fn read(text: &str, direction: Direction) -> Result<Read, String> {
    let sdp_type = match direction {
        Direction::Send => SdpType::Answer,
        Direction::Receive => SdpType::Offer,
    };
    let remote = sdp::Remote::parse(text, sdp_type, &Kind::ALL).map_err(|e| e.to_string())?;
    let tracks = remote.tracks.iter().enumerate();
    Ok(Read {
        fingerprints: remote.fingerprints.len(),
        preferences: tracks
            .clone()
            .filter(|(_, track)| track.preference.is_some())
            .count(),
        rejected: tracks
            .filter(|(_, track)| track.rejected.is_some())
            .map(|(line, _)| line)
            .collect(),
    })
}

/// Rejects m-lines, given by index, in an answer.
pub fn reject(answer: &str, lines: &[usize]) -> String {
    sdp::reject(answer, lines)
}

/// Whether the certificate has this fingerprint.
pub fn is_named(certificate: &str, fingerprint: &str) -> bool {
    let fingerprint = sdp::Fingerprint::parse(fingerprint);
    sdp::matches_any(certificate, fingerprint.as_slice())
}

/// A leg.
pub struct Peer {
    leg: Option<Box<dyn Leg>>,
    outputs: Receiver<LegOutput>,
}

/// A leg's answer to a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its own description.
    Description(String),
    /// The leg failed, for this reason.
    Failed(String),
    /// No answer came in time.
    Nothing,
}

/// The pipeline that all legs share.
pub struct Pipeline(WebRtc);

impl Pipeline {
    /// Starts a pipeline.
    pub fn start() -> Pipeline {
        let pipeline = gst::Pipeline::new();
        // Messages that are not read would keep the elements that posted them.
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

    /// Returns the number of elements in the pipeline.
    pub fn count(&self) -> usize {
        self.0.pipeline.children().len()
    }

    /// Opens a leg.
    pub fn open(&self, direction: Direction) -> Peer {
        let (sender, outputs) = channel();
        let sender = Mutex::new(sender);
        let output = Arc::new(move |output| {
            let _nobody_listens = sender.lock().send(output);
        });
        let tracks = Kind::ALL.map(|kind| Track {
            mid: Mid(kind.to_string()),
            kind,
            codec: default_codec(kind),
        });
        let config = LegConfig {
            direction,
            offer: match direction {
                Direction::Send => Offer::Local(tracks.into()),
                Direction::Receive => Offer::Remote(Kind::ALL.into()),
            },
            ice_servers: &[],
        };
        let leg = self.0.open(config, output);
        Peer {
            leg: Some(leg.expect("a leg can be opened")),
            outputs,
        }
    }
}

impl Peer {
    /// Sets the peer's description on a receiving leg and waits for the answer.
    pub fn describe(&mut self, text: &str) -> Answer {
        let leg = self.leg.as_mut().expect("the leg is open");
        match leg.set_remote_description(text) {
            Ok(()) => self.answer(),
            Err(failure) => Answer::Failed(failure.to_string()),
        }
    }

    /// Sets the peer's answer.
    pub fn take(&mut self, text: &str) {
        let leg = self.leg.as_mut().expect("the leg is open");
        let _failure_is_an_answer_too = leg.set_remote_description(text);
    }

    /// Waits for the leg's own description.
    pub fn answer(&self) -> Answer {
        loop {
            match self.outputs.recv_timeout(TIMEOUT) {
                Ok(LegOutput::Description(text)) => return Answer::Description(text),
                Ok(LegOutput::Failed(failure)) => return Answer::Failed(failure.to_string()),
                Ok(_) => {}
                Err(_) => return Answer::Nothing,
            }
        }
    }

    /// Adds one of the peer's candidates.
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
