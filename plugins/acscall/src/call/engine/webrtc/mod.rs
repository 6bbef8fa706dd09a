//! Legs over webrtcbin. No other folder uses its signals and properties or knows its defects.
//! ARCHITECTURE.md has the measurements behind the rules.

mod addresses;
mod ice;
mod internals;
mod openssl;
mod pending_promises;
mod properties;
mod retransmission;
mod rtcp;
mod warm_up;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use acscall::call::{Direction, LegFailure};
use acscall::model::{Candidate, Kind};
use gst::glib;
use gst::prelude::*;
use gst_webrtc::{
    WebRTCDTLSTransport, WebRTCRTPTransceiver, WebRTCRTPTransceiverDirection, WebRTCSDPType,
    WebRTCSessionDescription,
};

use super::codec::{self, MissingElement, make};
use super::leg::{Leg, LegConfig, LegMaker, LegOutput, LegSink, Mid, Offer, Track};
use super::lifecycle;
use super::sdp::{self, SdpType};
use crate::call::DEFAULT_LATENCY;
use ice::{add_loopback_addresses, disable_upnp_and_ice_tcp, set_ice_servers};
use internals::{
    OfferedTracks, configure_internals, connect_outputs, connect_streams, set_codec_preferences,
};
use pending_promises::PendingPromises;
pub(in crate::call) use warm_up::WarmUp;

/// The elements that a leg consists of, one of each plugin, besides payloaders and depayloaders.
pub(super) const ELEMENTS: [&str; 5] = ["webrtcbin", "rtpbin", "dtlsdec", "srtpdec", "nicesrc"];

/// Makes legs in the pipeline of one call.
pub(super) struct WebRtc {
    pub(super) pipeline: gst::Pipeline,
    /// The length of the jitter buffers, in ms.
    pub(super) latency: Arc<OnceLock<u32>>,
    /// `stun://host:port`.
    pub(super) stun_server: Option<String>,
    /// `turn(s)://user:password@host:port`.
    pub(super) turn_servers: Vec<String>,
}

impl LegMaker for WebRtc {
    fn open(&self, config: LegConfig<'_>, output: LegSink) -> Result<Box<dyn Leg>, LegFailure> {
        let leg = WebRtcLeg::new(self, config, output)
            .map_err(|error| LegFailure::Connection(error.to_string()))?;
        Ok(Box::new(leg))
    }
}

#[derive(Debug, thiserror::Error)]
enum OpenError {
    // The answerer's transceivers of 1.22 match their pads wrongly when they send.
    #[error("only the sender of a leg can offer it")]
    Offerer,
    #[error(transparent)]
    Missing(#[from] MissingElement),
    #[error(transparent)]
    Pipeline(#[from] glib::BoolError),
}

struct WebRtcLeg {
    direction: Direction,
    /// The form of the leg's tracks.
    offer: Offer,
    pipeline: gst::Pipeline,
    webrtcbin: gst::Element,
    /// The payloader and caps filter of each track, on a sending leg.
    payloaders: Vec<gst::Element>,
    /// The payloaders' sink pads.
    sinks: BTreeMap<Mid, gst::Pad>,
    /// The tracks of the peer's offer, on a receiving leg. Set before webrtcbin gets the offer.
    offered: OfferedTracks,
    remote_fingerprints: Vec<sdp::Fingerprint>,
    promises: Arc<PendingPromises>,
    output: LegSink,
    _watch: addresses::AddressWatch,
}

impl WebRtcLeg {
    fn new(maker: &WebRtc, config: LegConfig<'_>, output: LegSink) -> Result<WebRtcLeg, OpenError> {
        let LegConfig {
            direction,
            offer,
            ice_servers,
        } = config;
        match (direction, &offer) {
            (Direction::Send, Offer::Local(_)) | (Direction::Receive, Offer::Remote(_)) => {}
            _ => return Err(OpenError::Offerer),
        }
        let webrtcbin = make("webrtcbin")?;
        webrtcbin.set_property("latency", *maker.latency.get().unwrap_or(&DEFAULT_LATENCY));
        webrtcbin.set_property_from_str("bundle-policy", "max-bundle");
        set_ice_servers(&webrtcbin, maker, ice_servers);
        disable_upnp_and_ice_tcp(&webrtcbin);
        add_loopback_addresses(&webrtcbin);
        configure_internals(&webrtcbin, direction, &output);

        let offered = OfferedTracks::default();
        connect_outputs(&webrtcbin, &output);
        let watch = addresses::AddressWatch::new(&webrtcbin, &output);
        if direction == Direction::Receive {
            set_codec_preferences(&webrtcbin, &offered);
            connect_streams(&webrtcbin, &offered, &output);
        }
        maker.pipeline.add(&webrtcbin)?;
        let mut leg = WebRtcLeg {
            direction,
            offer,
            pipeline: maker.pipeline.clone(),
            webrtcbin,
            payloaders: Vec::new(),
            sinks: BTreeMap::new(),
            offered,
            remote_fingerprints: Vec::new(),
            promises: Arc::default(),
            output,
            _watch: watch,
        };
        match leg.start() {
            Ok(()) => Ok(leg),
            Err(error) => {
                // Dropping it would leave its elements in the pipeline.
                Box::new(leg).close();
                Err(error)
            }
        }
    }

    fn start(&mut self) -> Result<(), OpenError> {
        let Offer::Local(tracks) = self.offer.clone() else {
            return Ok(self.webrtcbin.sync_state_with_parent()?);
        };
        for (line, track) in tracks.iter().enumerate() {
            self.add_track(line, track)?;
        }
        self.webrtcbin.sync_state_with_parent()?;
        self.describe("create-offer", "offer", Vec::new());
        Ok(())
    }

    /// Adds a track to the offer. Called in the order of the m-lines: their order in the offer is
    /// the order in which the pads are requested.
    fn add_track(&mut self, line: usize, track: &Track) -> Result<(), OpenError> {
        let pay = track.codec.payloader()?;
        let filter = make("capsfilter")?;
        // Without an SSRC in the caps, the offer would have none until media flows.
        let ssrc = glib::random_int();
        pay.set_property("ssrc", ssrc);
        filter.set_property("caps", codec::offered(track, ssrc));
        self.payloaders.extend([pay.clone(), filter.clone()]);
        self.pipeline.add_many([&pay, &filter])?;
        pay.link(&filter)?;
        let sink = self
            .webrtcbin
            .request_pad_simple(&format!("sink_{line}"))
            .ok_or_else(|| glib::bool_error!("webrtcbin has no pad for track {}", track.mid.0))?;
        let transceiver = sink.property::<WebRTCRTPTransceiver>("transceiver");
        transceiver.set_property("direction", WebRTCRTPTransceiverDirection::Sendonly);
        transceiver.set_property("do-nack", track.kind != Kind::Audio);
        let source = filter
            .static_pad("src")
            .expect("a capsfilter has a source pad");
        source
            .link(&sink)
            .map_err(|error| glib::bool_error!("{error}"))?;
        for element in [&filter, &pay] {
            element.sync_state_with_parent()?;
        }
        let sink = pay.static_pad("sink").expect("a payloader has a sink pad");
        self.sinks.insert(track.mid.clone(), sink);
        Ok(())
    }

    /// Returns the kinds of the tracks in the order of the m-lines.
    fn kinds(&self) -> Vec<Kind> {
        match &self.offer {
            Offer::Local(tracks) => tracks.iter().map(|track| track.kind).collect(),
            Offer::Remote(kinds) => kinds.clone(),
        }
    }

    /// Makes this end's description, sets it and outputs it with these m-lines rejected.
    fn describe(&mut self, action: &'static str, field: &'static str, rejected: Vec<usize>) {
        let weak = self.webrtcbin.downgrade();
        let (output, promises) = (self.output.clone(), self.promises.clone());
        let promise = self.promises.promise(move |reply| {
            let Some(webrtcbin) = weak.upgrade() else {
                return;
            };
            let description =
                reply.and_then(|reply| reply.get::<WebRTCSessionDescription>(field).ok());
            let Some(description) = description else {
                output(LegOutput::Failed(LegFailure::Description(format!(
                    "webrtcbin could not make an {field}"
                ))));
                return;
            };
            let text = description.sdp().to_string();
            let set = promises.promise(|_| {});
            webrtcbin.emit_by_name::<()>("set-local-description", &[&description, &set]);
            output(LegOutput::Description(sdp::reject(&text, &rejected)));
        });
        self.webrtcbin
            .emit_by_name::<()>(action, &[&None::<gst::Structure>, &promise]);
    }

    fn transport(&self) -> Option<WebRTCDTLSTransport> {
        // In a bundle, all m-lines share the transport of the first one.
        transport(&self.webrtcbin, self.direction, 0)
    }
}

impl Leg for WebRtcLeg {
    fn direction(&self) -> Direction {
        self.direction
    }

    fn tracks(&self) -> BTreeMap<Mid, Kind> {
        match &self.offer {
            Offer::Local(tracks) => tracks
                .iter()
                .map(|track| (track.mid.clone(), track.kind))
                .collect(),
            Offer::Remote(_) => self
                .offered
                .lock()
                .iter()
                .map(|track| (track.mid.clone(), track.kind))
                .collect(),
        }
    }

    fn set_remote_description(&mut self, text: &str) -> Result<(), LegFailure> {
        let (sdp_type, webrtc_type) = match self.offer {
            Offer::Local(_) => (SdpType::Answer, WebRTCSDPType::Answer),
            Offer::Remote(_) => (SdpType::Offer, WebRTCSDPType::Offer),
        };
        let remote = sdp::Remote::parse(text, sdp_type, &self.kinds())
            .map_err(|error| LegFailure::Description(error.to_string()))?;
        self.remote_fingerprints = remote.fingerprints;
        let mut rejected = Vec::new();
        for (line, track) in remote.tracks.iter().enumerate() {
            if let Some(why) = &track.rejected {
                rejected.push(line);
                (self.output)(LegOutput::Rejected(track.kind, why.clone()));
            }
        }
        if sdp_type == SdpType::Offer {
            *self.offered.lock() = remote.tracks;
        }
        let description = WebRTCSessionDescription::new(webrtc_type, remote.message);
        let output = self.output.clone();
        let promise = self.promises.promise(move |reply| {
            // On success, 1.22 replies with nothing.
            let error = reply.and_then(|reply| reply.get::<glib::Error>("error").ok());
            if let Some(error) = error {
                output(LegOutput::Failed(LegFailure::Description(
                    error.to_string(),
                )));
            }
        });
        self.webrtcbin
            .emit_by_name::<()>("set-remote-description", &[&description, &promise]);
        if sdp_type == SdpType::Offer {
            // webrtcbin handles both requests in order, on its own thread.
            self.describe("create-answer", "answer", rejected);
        }
        Ok(())
    }

    fn add_candidate(&self, candidate: &Candidate) {
        // Browsers hide their addresses behind mDNS names until they may use a camera. These names
        // are not needed: the browser learns our addresses, and its checks reveal its own.
        let text = &candidate.candidate;
        if text.is_empty() || text.contains(".local ") || text.contains(char::is_control) {
            return;
        }
        self.webrtcbin.emit_by_name::<()>(
            "add-ice-candidate",
            &[&candidate.line, &candidate.candidate],
        );
    }

    fn verify(&self) -> Result<(), LegFailure> {
        let certificate = self
            .transport()
            .and_then(|transport| transport.property::<Option<String>>("remote-certificate"));
        match certificate {
            Some(pem) if sdp::matches_any(&pem, &self.remote_fingerprints) => Ok(()),
            _ => Err(LegFailure::Certificate),
        }
    }

    fn sink_pad(&self, mid: &Mid) -> Option<gst::Pad> {
        self.sinks.get(mid).cloned()
    }

    fn owns(&self, object: &gst::Object) -> bool {
        self.payloaders
            .iter()
            .chain([&self.webrtcbin])
            .any(|element| {
                object == element.upcast_ref::<gst::Object>() || object.has_as_ancestor(element)
            })
    }

    fn stats(&self) -> gst::Structure {
        let state = self.webrtcbin.property_value("connection-state");
        let state = state
            .serialize()
            .map_or_else(|_| "unknown".into(), |text| text.to_string());
        gst::Structure::builder("leg")
            .field("connection-state", state)
            .build()
    }

    fn close(self: Box<Self>) {
        let lines = self.kinds().len();
        let WebRtcLeg {
            direction,
            webrtcbin,
            payloaders,
            promises,
            ..
        } = *self;
        for element in payloaders.iter().chain([&webrtcbin]) {
            element.set_locked_state(true);
        }
        webrtcbin.call_async(move |webrtcbin| {
            // 1.22 stops its own thread last. What that thread does to the receiving part after
            // that has stopped leaks it. While it makes an offer, it uses the payloaders' pads
            // without a reference.
            promises.wait();
            block_ice_notify(webrtcbin, direction, lines);
            for element in std::iter::once(webrtcbin).chain(&payloaders) {
                lifecycle::stop_and_remove(element);
            }
        });
    }
}

fn transport(
    webrtcbin: &gst::Element,
    direction: Direction,
    line: usize,
) -> Option<WebRTCDTLSTransport> {
    let line = i32::try_from(line).ok()?;
    let transceiver =
        webrtcbin.emit_by_name::<Option<WebRTCRTPTransceiver>>("get-transceiver", &[&line])?;
    let end = match direction {
        Direction::Send => "sender",
        Direction::Receive => "receiver",
    };
    let end = properties::get::<Option<glib::Object>>(&transceiver, end)??;
    properties::get::<Option<WebRTCDTLSTransport>>(&end, "transport")?
}

/// Hides changes of the ICE state from webrtcbin's receiving part. If it sees one while it is being
/// stopped, 1.22 makes a probe that holds a reference to that part: it, its DTLS connection and its
/// sockets would leak.
fn block_ice_notify(webrtcbin: &gst::Element, direction: Direction, lines: usize) {
    // Without a bundle, each m-line has its own transport.
    let transports = (0..lines).filter_map(|line| transport(webrtcbin, direction, line));
    let ice = transports
        .filter_map(|dtls| properties::get::<Option<glib::Object>>(&dtls, "transport").flatten());
    for ice in ice {
        // The receiving part's handler runs after all others.
        ice.connect_notify(Some("state"), |ice, _| {
            ice.stop_signal_emission_by_name("notify::state");
        });
    }
}
