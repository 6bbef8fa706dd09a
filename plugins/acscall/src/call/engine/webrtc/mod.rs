//! Legs over webrtcbin. The only folder that knows its signals, properties and defects; the
//! measurements behind the rules are in ARCHITECTURE.md.

mod addresses;
mod ice;
mod internals;
mod pending_promises;
mod retransmission;
mod rtcp;
mod warm_up;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use acscall::call::{Direction, LegFailure, LegId};
use acscall::model::{Candidate, IceServer, Kind};
use gst::glib;
use gst::prelude::*;
use gst_webrtc::{
    WebRTCDTLSTransport, WebRTCRTPTransceiver, WebRTCRTPTransceiverDirection, WebRTCSDPType,
    WebRTCSessionDescription,
};

use super::codec::{self, Codec, Codecs, MissingElement, make};
use super::leg::{Leg, LegMaker, LegOutput, LegSink};
use super::sdp;
use crate::call::DEFAULT_LATENCY;
use ice::{disable_upnp_and_ice_tcp, give_loopback_addresses, set_ice_servers};
use internals::{answer_with, configure_internals, connect_outputs, connect_streams};
use pending_promises::PendingPromises;
pub(in crate::call) use warm_up::WarmUp;

/// Makes legs in one call's pipeline.
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
    fn open(
        &self,
        id: &LegId,
        codecs: &Codecs,
        ice_servers: &[IceServer],
        output: LegSink,
    ) -> Result<Box<dyn Leg>, LegFailure> {
        let leg = WebRtcLeg::new(self, id, codecs, ice_servers, output)
            .map_err(|error| LegFailure::Connection(error.to_string()))?;
        Ok(Box::new(leg))
    }
}

#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error(transparent)]
    Missing(#[from] MissingElement),
    #[error(transparent)]
    Pipeline(#[from] glib::BoolError),
}

struct WebRtcLeg {
    direction: Direction,
    pipeline: gst::Pipeline,
    webrtcbin: gst::Element,
    /// Payloader and caps filter of each line, on a sending leg.
    payloaders: Vec<gst::Element>,
    /// The payloaders' sink pads by line.
    lines: Vec<gst::Pad>,
    /// The caps to answer each offered line with; set before the offer is.
    preferences: Arc<Mutex<Vec<gst::Caps>>>,
    remote_fingerprints: Vec<sdp::Fingerprint>,
    requests: Arc<PendingPromises>,
    output: LegSink,
    _watch: addresses::Watch,
}

impl WebRtcLeg {
    fn new(
        maker: &WebRtc,
        id: &LegId,
        codecs: &Codecs,
        ice_servers: &[IceServer],
        output: LegSink,
    ) -> Result<WebRtcLeg, OpenError> {
        let webrtcbin = make("webrtcbin")?;
        webrtcbin.set_property("latency", *maker.latency.get().unwrap_or(&DEFAULT_LATENCY));
        webrtcbin.set_property_from_str("bundle-policy", "max-bundle");
        set_ice_servers(&webrtcbin, maker, ice_servers);
        disable_upnp_and_ice_tcp(&webrtcbin);
        give_loopback_addresses(&webrtcbin);
        configure_internals(&webrtcbin, id.direction, &output);

        let preferences = Arc::default();
        connect_outputs(&webrtcbin, &output);
        let watch = addresses::Watch::new(&webrtcbin, &output);
        if id.direction == Direction::Receive {
            answer_with(&webrtcbin, &preferences);
            connect_streams(&webrtcbin, &output);
        }
        maker.pipeline.add(&webrtcbin)?;
        let mut leg = WebRtcLeg {
            direction: id.direction,
            pipeline: maker.pipeline.clone(),
            webrtcbin,
            payloaders: Vec::new(),
            lines: Vec::new(),
            preferences,
            remote_fingerprints: Vec::new(),
            requests: Arc::default(),
            output,
            _watch: watch,
        };
        // From here on, dropping half a leg would leave it in the pipeline.
        match leg.start(codecs) {
            Ok(()) => Ok(leg),
            Err(error) => {
                Box::new(leg).close();
                Err(error)
            }
        }
    }

    fn start(&mut self, codecs: &Codecs) -> Result<(), OpenError> {
        if self.direction == Direction::Send {
            for (kind, codec) in codecs {
                self.add_line(*kind, *codec)?;
            }
        }
        self.webrtcbin.sync_state_with_parent()?;
        if self.direction == Direction::Send {
            self.describe("create-offer", "offer", Vec::new());
        }
        Ok(())
    }

    /// Adds the m-line of this kind. Called in the order of the lines: their order in the offer
    /// is that of the pads' requests.
    fn add_line(&mut self, kind: Kind, codec: Codec) -> Result<(), OpenError> {
        let pay = codec.payloader()?;
        let filter = make("capsfilter")?;
        // Without an SSRC in the caps the offer would have none until media flows.
        let ssrc = glib::random_int();
        pay.set_property("ssrc", ssrc);
        filter.set_property("caps", codec::offered(kind, codec, ssrc));
        self.pipeline.add_many([&pay, &filter])?;
        self.payloaders.extend([pay.clone(), filter.clone()]);
        pay.link(&filter)?;
        let sink = self
            .webrtcbin
            .request_pad_simple(&format!("sink_{}", kind.line()))
            .ok_or_else(|| glib::bool_error!("webrtcbin gave no pad for {kind}"))?;
        let transceiver = sink.property::<WebRTCRTPTransceiver>("transceiver");
        transceiver.set_property("direction", WebRTCRTPTransceiverDirection::Sendonly);
        transceiver.set_property("do-nack", kind != Kind::Audio);
        let source = filter
            .static_pad("src")
            .expect("a capsfilter has a source pad");
        source
            .link(&sink)
            .map_err(|error| glib::bool_error!("{error}"))?;
        for element in [&filter, &pay] {
            element.sync_state_with_parent()?;
        }
        self.lines
            .push(pay.static_pad("sink").expect("a payloader has a sink pad"));
        Ok(())
    }

    /// Makes this end's description, sets and tells it, with these lines rejected.
    fn describe(&mut self, action: &'static str, field: &'static str, rejected: Vec<Kind>) {
        let weak = self.webrtcbin.downgrade();
        let (output, requests) = (self.output.clone(), self.requests.clone());
        let promise = self.requests.promise(move |reply| {
            let Some(webrtcbin) = weak.upgrade() else {
                return;
            };
            let description =
                reply.and_then(|reply| reply.get::<WebRTCSessionDescription>(field).ok());
            let Some(description) = description else {
                output(LegOutput::Failed(LegFailure::Description(format!(
                    "no {field} could be made for it"
                ))));
                return;
            };
            let text = description.sdp().to_string();
            let set = requests.promise(|_| {});
            webrtcbin.emit_by_name::<()>("set-local-description", &[&description, &set]);
            output(LegOutput::Description(sdp::reject(&text, &rejected)));
        });
        self.webrtcbin
            .emit_by_name::<()>(action, &[&None::<gst::Structure>, &promise]);
    }

    fn transport(&self) -> Option<WebRTCDTLSTransport> {
        // Bundled, all lines share the first one's.
        transport(&self.webrtcbin, self.direction, 0)
    }
}

impl Leg for WebRtcLeg {
    fn direction(&self) -> Direction {
        self.direction
    }

    fn set_remote_description(&mut self, text: &str) -> Result<(), LegFailure> {
        let remote = sdp::Remote::parse(text, self.direction)
            .map_err(|error| LegFailure::Description(error.to_string()))?;
        self.remote_fingerprints = remote.fingerprints;
        let rejected = remote.rejected.iter().map(|(kind, _)| *kind).collect();
        for (kind, why) in remote.rejected {
            (self.output)(LegOutput::Rejected(kind, why));
        }
        *self
            .preferences
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = remote.preferences;
        let (kind, answer) = match self.direction {
            Direction::Send => (WebRTCSDPType::Answer, false),
            Direction::Receive => (WebRTCSDPType::Offer, true),
        };
        let description = WebRTCSessionDescription::new(kind, remote.message);
        let output = self.output.clone();
        let promise = self.requests.promise(move |reply| {
            // 1.22 replies with nothing when all went well.
            let error = reply.and_then(|reply| reply.get::<glib::Error>("error").ok());
            if let Some(error) = error {
                output(LegOutput::Failed(LegFailure::Description(
                    error.to_string(),
                )));
            }
        });
        self.webrtcbin
            .emit_by_name::<()>("set-remote-description", &[&description, &promise]);
        if answer {
            // Both are done one after the other on webrtcbin's own thread.
            self.describe("create-answer", "answer", rejected);
        }
        Ok(())
    }

    fn add_candidate(&self, candidate: &Candidate) {
        // Browsers hide their addresses behind mDNS names until they may use a camera. Nothing
        // needs them: they learn ours, and their checks tell us theirs.
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

    fn line(&self, kind: Kind) -> Option<gst::Pad> {
        self.lines.get(kind.line()).cloned()
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
        for element in &self.payloaders {
            super::dispose(element);
        }
        let WebRtcLeg {
            direction,
            webrtcbin,
            requests,
            ..
        } = *self;
        webrtcbin.set_locked_state(true);
        webrtcbin.call_async(move |webrtcbin| {
            // 1.22 stops its thread last. What that did to its part that receives, which has been
            // stopped, would keep that for ever.
            requests.finish();
            block_ice_notify(webrtcbin, direction);
            super::stop_and_remove(webrtcbin);
        });
    }
}

fn transport(
    webrtcbin: &gst::Element,
    direction: Direction,
    line: i32,
) -> Option<WebRTCDTLSTransport> {
    let transceiver =
        webrtcbin.emit_by_name::<Option<WebRTCRTPTransceiver>>("get-transceiver", &[&line])?;
    match direction {
        Direction::Send => transceiver.property::<Option<gst::glib::Object>>("sender"),
        Direction::Receive => transceiver.property::<Option<gst::glib::Object>>("receiver"),
    }?
    .property("transport")
}

/// Keeps from webrtcbin's part that receives how ICE goes on. When it hears of a change while
/// it is stopped, 1.22 makes a probe and with it a reference to itself: it, its DTLS connection
/// and its sockets would stay for ever.
fn block_ice_notify(webrtcbin: &gst::Element, direction: Direction) {
    let lines = Kind::ALL.into_iter().map(Kind::line);
    // Not bundled, each line has its own.
    let transports = lines.filter_map(|line| transport(webrtcbin, direction, line as i32));
    let ice = transports.filter_map(|dtls| dtls.property::<Option<gst::glib::Object>>("transport"));
    for ice in ice {
        // That part hears of it after all others.
        ice.connect_notify(Some("state"), |ice, _| {
            ice.stop_signal_emission_by_name("notify::state");
        });
    }
}
