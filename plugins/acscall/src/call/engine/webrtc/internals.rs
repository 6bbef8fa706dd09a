//! webrtcbin's signals, and the elements that it makes inside itself.

use std::sync::Arc;

use acscall::call::{Direction, LegFailure};
use acscall::model::{Candidate, Kind};
use gst::glib;
use gst::prelude::*;
use gst_webrtc::{WebRTCPeerConnectionState, WebRTCRTPTransceiver};
use parking_lot::Mutex;

use super::properties::{get, set};
use super::{retransmission, rtcp};
use crate::call::CAT;
use crate::call::engine::leg::{LegOutput, LegSink, Packet, ReceivedStream};
use crate::call::engine::sdp::RemoteTrack;

/// The tracks of the peer's offer, in the order of its m-lines.
pub(super) type OfferedTracks = Arc<Mutex<Vec<RemoteTrack>>>;

/// The interval of a receiver's reports. By default, a session reports at the end of each frame,
/// which audio does not have: a leg with audio alone would report every 500 packets. Reporting
/// twice as often changed nothing on the simulated links and costs an overloaded machine time.
const FEEDBACK_INTERVAL: gst::ClockTime = gst::ClockTime::from_mseconds(100);
/// The bandwidth that a receiver assumes, in bit/s. RTCP gets 5 % of it, and a request for a lost
/// packet or a key frame waits for as long as a report takes at that rate: 1 or 2 ms. By default,
/// a session goes by the rate that it receives, and requests waited for 400 ms on a leg of
/// 100 kbit/s. With 2 Mbit/s they waited for 50 ms, longer than the jitter buffer. The amount of
/// RTCP does not depend on it.
const FEEDBACK_BANDWIDTH: f64 = 100_000_000.0;

/// Configures the elements that webrtcbin makes inside itself where it has no property for that.
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
            "nicesrc" => rtcp::limit_packets(&element),
            // While it waits for the first packet after a pause, the jitter buffer of 1.22
            // declares that packet lost, if retransmission is on. When it comes, it is dropped:
            // the start of the next picture.
            "rtpjitterbuffer" if element.has_property("rtx-next-seqnum") => {
                set(&element, "rtx-next-seqnum", false);
                // Otherwise, it delays a new stream by the whole latency, because it does not know
                // which packet is the first one. Two packets in order are enough.
                set(&element, "faststart-min-packets", 2u32);
                retransmission::request_early(&element);
            }
            "rtpsession" => {
                let session = get::<glib::Object>(&element, "internal-session")?;
                // By default, a source is on probation until its second packet: a screen at one
                // frame per second would be a second late. SRTP has authenticated the first one.
                set(&session, "probation", 0u32);
                rtcp::limit_key_frame_requests(&element);
                match direction {
                    Direction::Send => watch_reports(&element, &output),
                    Direction::Receive => {
                        let interval = FEEDBACK_INTERVAL.nseconds();
                        set(&session, "twcc-feedback-interval", interval);
                        set(&session, "bandwidth", FEEDBACK_BANDWIDTH);
                    }
                }
            }
            _ => {}
        }
        None
    });
}

/// Outputs the receiver's reports. For each report, the session sends an event upstream that has
/// every packet, unlike its property `twcc-stats`.
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
            // None for a packet that the session has forgotten.
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

/// Outputs webrtcbin's candidates and changes of its connection state.
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
        match get::<WebRTCPeerConnectionState>(webrtcbin, "connection-state") {
            Some(WebRTCPeerConnectionState::Connected) => states(LegOutput::Connected),
            Some(WebRTCPeerConnectionState::Failed) => states(LegOutput::Failed(
                LegFailure::Connection("no network path works (ICE or DTLS failed)".into()),
            )),
            _ => {}
        }
    });
}

/// Sets the codec preferences of the transceivers that an offer makes. The answer contains only
/// the feedback that they name. Without congestion feedback, browsers never exceed their start
/// bitrate.
pub(super) fn set_codec_preferences(webrtcbin: &gst::Element, tracks: &OfferedTracks) {
    let tracks = tracks.clone();
    webrtcbin.connect("on-new-transceiver", false, move |values| {
        let transceiver = values
            .get(1)
            .and_then(|value| value.get::<WebRTCRTPTransceiver>().ok())?;
        let line = get::<u32>(&transceiver, "mlineindex")?;
        let track = tracks.lock().get(line as usize).cloned()?;
        if let Some(caps) = track.preference {
            set(&transceiver, "codec-preferences", caps);
        }
        set(&transceiver, "do-nack", track.kind != Kind::Audio);
        None
    });
}

/// Outputs the tracks as their first packets arrive.
pub(super) fn connect_streams(webrtcbin: &gst::Element, tracks: &OfferedTracks, output: &LegSink) {
    let (tracks, output) = (tracks.clone(), output.clone());
    webrtcbin.connect_pad_added(move |_, pad| {
        if pad.direction() != gst::PadDirection::Src {
            return;
        }
        // No packet leaves webrtcbin before its peer is verified.
        let gate = pad.add_probe(gst::PadProbeType::BLOCK_DOWNSTREAM, |_, _| {
            gst::PadProbeReturn::Ok
        });
        let line = get::<WebRTCRTPTransceiver>(pad, "transceiver")
            .and_then(|transceiver| get::<u32>(&transceiver, "mlineindex"));
        let mid = line.and_then(|line| {
            let tracks = tracks.lock();
            tracks.get(line as usize).map(|track| track.mid.clone())
        });
        let (Some(gate), Some(mid)) = (gate, mid) else {
            gst::warning!(CAT, obj = pad, "a pad without a track appeared");
            return;
        };
        output(LegOutput::Stream(ReceivedStream {
            mid,
            pad: pad.clone(),
            gate,
        }));
    });
}
