//! webrtcbin's signals, and the elements that it makes inside itself.

use std::sync::{Arc, Mutex, PoisonError};

use acscall::call::LegFailure;
use acscall::signalling::message::{Candidate, Kind};
use gst::glib;
use gst::prelude::*;
use gst_webrtc::{WebRTCPeerConnectionState, WebRTCRTPTransceiver};

use crate::call::engine::leg::{LegOutput, LegSink};

/// Sets what webrtcbin has no property for on the elements it makes inside itself.
pub(super) fn tune_insides(webrtcbin: &gst::Element) {
    webrtcbin.connect("deep-element-added", false, |values| {
        let element = values
            .get(2)
            .and_then(|value| value.get::<gst::Element>().ok())?;
        match element.factory()?.name().as_str() {
            // With retransmission on, the jitter buffer of 1.22 declares the first packet after
            // a pause lost while it waits for it, and drops it when it comes: the start of the
            // next picture.
            "rtpjitterbuffer" if element.has_property("rtx-next-seqnum") => {
                element.set_property("rtx-next-seqnum", false);
                // Not knowing which packet is the first it would hold a new stream back for the
                // whole latency; two in order tell enough.
                element.set_property("faststart-min-packets", 2u32);
            }
            // A source is on probation until its second packet: a screen at one frame per second
            // would come a second late. SRTP has authenticated the first already.
            "rtpsession" => {
                let session = element.property::<glib::Object>("internal-session");
                session.set_property("probation", 0u32);
            }
            _ => {}
        }
        None
    });
}

pub(super) fn connect_outputs(webrtcbin: &gst::Element, output: &LegSink) {
    let candidates = output.clone();
    webrtcbin.connect("on-ice-candidate", false, move |values| {
        let line = values.get(1).and_then(|value| value.get::<u32>().ok())?;
        let candidate = values.get(2).and_then(|value| value.get::<String>().ok())?;
        candidates(LegOutput::Candidate(Candidate { candidate, line }));
        None
    });
    let states = output.clone();
    webrtcbin.connect_notify(Some("connection-state"), move |webrtcbin, _| {
        match webrtcbin.property::<WebRTCPeerConnectionState>("connection-state") {
            WebRTCPeerConnectionState::Connected => states(LegOutput::Connected),
            WebRTCPeerConnectionState::Failed => states(LegOutput::Failed(LegFailure::Connection(
                "no path to the other end works (ICE or DTLS failed)".into(),
            ))),
            _ => {}
        }
    });
}

/// The answer keeps only what the transceivers' preferences name: congestion feedback, without
/// which browsers never send more than their start bitrate, has to be among it.
pub(super) fn answer_with(webrtcbin: &gst::Element, preferences: &Arc<Mutex<Vec<gst::Caps>>>) {
    let preferences = preferences.clone();
    webrtcbin.connect("on-new-transceiver", false, move |values| {
        let transceiver = values
            .get(1)
            .and_then(|value| value.get::<WebRTCRTPTransceiver>().ok())?;
        let line = transceiver.property::<u32>("mlineindex") as usize;
        let preferences = preferences.lock().unwrap_or_else(PoisonError::into_inner);
        let caps = preferences.get(line).cloned();
        drop(preferences);
        if let Some(caps) = caps {
            transceiver.set_property("codec-preferences", caps);
        }
        transceiver.set_property("do-nack", line != Kind::Audio.line());
        None
    });
}

pub(super) fn connect_streams(webrtcbin: &gst::Element, output: &LegSink) {
    let output = output.clone();
    webrtcbin.connect_pad_added(move |_, pad| {
        if pad.direction() != gst::PadDirection::Src {
            return;
        }
        // Nothing is taken from the leg before its peer is verified.
        let gate = pad.add_probe(gst::PadProbeType::BLOCK_DOWNSTREAM, |_, _| {
            gst::PadProbeReturn::Ok
        });
        let line = pad
            .property::<WebRTCRTPTransceiver>("transceiver")
            .property::<u32>("mlineindex");
        if let (Some(gate), Some(kind)) = (gate, Kind::from_line(line as usize)) {
            output(LegOutput::Stream {
                kind,
                pad: pad.clone(),
                gate,
            });
        }
    });
}
