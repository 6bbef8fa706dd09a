//! webrtcbin's signals, and the elements that it makes inside itself.

use std::sync::{Arc, Mutex, PoisonError};

use acscall::call::{Direction, LegFailure};
use acscall::model::{Candidate, Kind};
use gst::glib;
use gst::prelude::*;
use gst_webrtc::{WebRTCPeerConnectionState, WebRTCRTPTransceiver};

use super::{retransmission, rtcp};
use crate::call::engine::leg::{LegOutput, LegSink, Packet};

/// How often a receiver reports. By itself a session reports at each frame's end, which sound
/// does not have: a leg of sound alone would report each 500 packets. Twice as
/// often changed nothing on the simulated links, and costs an overloaded machine time.
const FEEDBACK_INTERVAL: gst::ClockTime = gst::ClockTime::from_mseconds(100);
/// What a receiver takes the leg to carry, in bit/s. 5 % of it are for RTCP, and what is asked for
/// out of turn (a lost packet, a key frame) waits for as long as a report takes at that rate: 1 ms
/// or 2. By itself a session goes by what it gets, and let them wait for 400 ms on a leg of
/// 100 kbit/s; with 2 Mbit/s it was 50 ms, longer than the jitter buffer. How much is sent does
/// not depend on it.
const FEEDBACK_BANDWIDTH: f64 = 100_000_000.0;

/// Sets what webrtcbin has no property for on the elements it makes inside itself.
pub(super) fn configure_internals(
    webrtcbin: &gst::Element,
    direction: Direction,
    output: &LegSink,
) {
    let output = output.clone();
    webrtcbin.connect("deep-element-added", false, move |values| {
        let element = values
            .get(2)
            .and_then(|value| value.get::<gst::Element>().ok())?;
        match element.factory()?.name().as_str() {
            "nicesrc" => rtcp::limit(&element),
            // With retransmission on, the jitter buffer of 1.22 declares the first packet after
            // a pause lost while it waits for it, and drops it when it comes: the start of the
            // next picture.
            "rtpjitterbuffer" if element.has_property("rtx-next-seqnum") => {
                element.set_property("rtx-next-seqnum", false);
                // Not knowing which packet is the first it would hold a new stream back for the
                // whole latency; two in order tell enough.
                element.set_property("faststart-min-packets", 2u32);
                retransmission::ask_early(&element);
            }
            // A source is on probation until its second packet: a screen at one frame per second
            // would come a second late. SRTP has authenticated the first already.
            "rtpsession" => {
                let session = element.property::<glib::Object>("internal-session");
                session.set_property("probation", 0u32);
                rtcp::limit_requests(&element);
                match direction {
                    Direction::Send => watch_reports(&element, &output),
                    Direction::Receive => {
                        let interval = FEEDBACK_INTERVAL.nseconds();
                        session.set_property("twcc-feedback-interval", interval);
                        session.set_property("bandwidth", FEEDBACK_BANDWIDTH);
                    }
                }
            }
            _ => {}
        }
        None
    });
}

/// Tells what the receiver reports of each packet. The session gives more than its property
/// `twcc-stats` to what is before it: an event for each report, with all packets.
fn watch_reports(session: &gst::Element, output: &LegSink) {
    let output = output.clone();
    session.connect_pad_added(move |_, pad| {
        if pad.name() != "send_rtp_sink" {
            return;
        }
        let output = output.clone();
        pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            let packets = info.event().and_then(|event| packets(event.structure()?));
            if let Some(packets) = packets {
                output(LegOutput::Report(packets));
            }
            gst::PadProbeReturn::Ok
        });
    });
}

fn packets(report: &gst::StructureRef) -> Option<Vec<Packet>> {
    if report.name() != "RTPTWCCPackets" {
        return None;
    }
    let packets = report.get::<glib::ValueArray>("packets").ok()?;
    let packet = |value: &glib::Value| {
        let packet = value.get::<gst::Structure>().ok()?;
        let is_lost = packet.get::<bool>("lost").ok()?;
        Some(Packet {
            // None of a packet that is not known any more.
            sent: packet.get::<Option<gst::ClockTime>>("local-ts").ok()??,
            arrived: match is_lost {
                true => None,
                false => Some(packet.get::<Option<gst::ClockTime>>("remote-ts").ok()??),
            },
            size: packet.get::<u32>("size").ok()? as usize,
        })
    };
    Some(packets.iter().filter_map(packet).collect())
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
