//! Legs over webrtcbin. The only file that knows its signals, properties and defects; the
//! measurements behind the rules are in ARCHITECTURE.md.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use acscall::call::{Direction, LegFailure, LegId};
use acscall::signalling::message::{Candidate, IceServer, Kind};
use gst::glib;
use gst::prelude::*;
use gst_webrtc::{
    WebRTCDTLSTransport, WebRTCPeerConnectionState, WebRTCRTPTransceiver,
    WebRTCRTPTransceiverDirection, WebRTCSDPType, WebRTCSessionDescription,
};

use super::codec::{self, MissingElement, make};
use super::leg::{Leg, LegMaker, LegOutput, LegSink};
use super::sdp;
use crate::call::DEFAULT_LATENCY;

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

/// The making of the RSA key that all DTLS connections of this process share, on a thread of its
/// own. The first `dtlsdec` does it, and takes 90 to 300 ms.
///
/// Each call holds one: the last to be dropped waits for the thread. A process that ended while
/// the key is being made would crash in OpenSSL's clean-up.
pub(in crate::call) struct WarmUp {
    _thread: Arc<WarmUpThread>,
}

struct WarmUpThread(Mutex<Option<std::thread::JoinHandle<()>>>);

impl WarmUp {
    pub(in crate::call) fn start() -> WarmUp {
        static RUNNING: Mutex<std::sync::Weak<WarmUpThread>> = Mutex::new(std::sync::Weak::new());
        static DONE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = running.upgrade() {
            return WarmUp { _thread: thread };
        }
        let is_first = !DONE.swap(true, std::sync::atomic::Ordering::AcqRel);
        let handle = is_first.then(|| {
            std::thread::Builder::new()
                .name("acscall-warm-up".into())
                .spawn(|| drop(gst::ElementFactory::make("dtlsdec").build()))
        });
        let thread = Arc::new(WarmUpThread(Mutex::new(handle.and_then(Result::ok))));
        *running = Arc::downgrade(&thread);
        WarmUp { _thread: thread }
    }
}

impl Drop for WarmUpThread {
    fn drop(&mut self) {
        let handle = self
            .0
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(handle) = handle {
            let _panicked = handle.join();
        }
    }
}

impl LegMaker for WebRtc {
    fn open(
        &self,
        id: &LegId,
        ice_servers: &[IceServer],
        output: LegSink,
    ) -> Result<Box<dyn Leg>, LegFailure> {
        let leg = WebRtcLeg::new(self, id, ice_servers, output)
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
    output: LegSink,
}

impl WebRtcLeg {
    fn new(
        maker: &WebRtc,
        id: &LegId,
        ice_servers: &[IceServer],
        output: LegSink,
    ) -> Result<WebRtcLeg, OpenError> {
        let webrtcbin = make("webrtcbin")?;
        webrtcbin.set_property("latency", *maker.latency.get().unwrap_or(&DEFAULT_LATENCY));
        webrtcbin.set_property_from_str("bundle-policy", "max-bundle");
        set_ice_servers(&webrtcbin, maker, ice_servers);
        restrain_ice(&webrtcbin);
        give_loopback_addresses(&webrtcbin);
        tune_insides(&webrtcbin);

        let preferences = Arc::default();
        connect_outputs(&webrtcbin, &output);
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
            output,
        };
        // From here on, dropping half a leg would leave it in the pipeline.
        match leg.start() {
            Ok(()) => Ok(leg),
            Err(error) => {
                Box::new(leg).close();
                Err(error)
            }
        }
    }

    fn start(&mut self) -> Result<(), OpenError> {
        if self.direction == Direction::Send {
            for kind in Kind::ALL {
                self.add_line(kind)?;
            }
        }
        self.webrtcbin.sync_state_with_parent()?;
        if self.direction == Direction::Send {
            self.describe("create-offer", "offer");
        }
        Ok(())
    }

    /// Adds the m-line of this kind. Called in the order of the lines: their order in the offer
    /// is that of the pads' requests.
    fn add_line(&mut self, kind: Kind) -> Result<(), OpenError> {
        let pay = codec::payloader(kind)?;
        let filter = make("capsfilter")?;
        // Without an SSRC in the caps the offer would have none until media flows.
        let ssrc = glib::random_int();
        pay.set_property("ssrc", ssrc);
        filter.set_property("caps", codec::offered(kind, ssrc));
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

    /// Makes this end's description, sets and tells it.
    fn describe(&self, action: &'static str, field: &'static str) {
        let weak = self.webrtcbin.downgrade();
        let output = self.output.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            let Some(webrtcbin) = weak.upgrade() else {
                return;
            };
            let description = reply
                .ok()
                .flatten()
                .and_then(|reply| reply.get::<WebRTCSessionDescription>(field).ok());
            let Some(description) = description else {
                output(LegOutput::Failed(LegFailure::Description(format!(
                    "no {field} could be made for it"
                ))));
                return;
            };
            let text = description.sdp().to_string();
            webrtcbin.emit_by_name::<()>(
                "set-local-description",
                &[&description, &None::<gst::Promise>],
            );
            output(LegOutput::Description(text));
        });
        self.webrtcbin
            .emit_by_name::<()>(action, &[&None::<gst::Structure>, &promise]);
    }

    fn transport(&self) -> Option<WebRTCDTLSTransport> {
        // Bundled, all lines share the first one's.
        let transceiver = self
            .webrtcbin
            .emit_by_name::<Option<WebRTCRTPTransceiver>>("get-transceiver", &[&0i32])?;
        match self.direction {
            Direction::Send => transceiver.property::<Option<gst::glib::Object>>("sender"),
            Direction::Receive => transceiver.property::<Option<gst::glib::Object>>("receiver"),
        }?
        .property("transport")
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
        let promise = gst::Promise::with_change_func(move |reply| {
            // 1.22 replies with nothing when all went well.
            let error = reply
                .ok()
                .flatten()
                .and_then(|reply| reply.get::<glib::Error>("error").ok());
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
            self.describe("create-answer", "answer");
        }
        Ok(())
    }

    fn add_candidate(&self, candidate: &Candidate) {
        // Browsers hide their addresses behind mDNS names until they may use a camera. Nothing
        // needs them: they learn ours, and their checks tell us theirs.
        if candidate.candidate.is_empty() || candidate.candidate.contains(".local ") {
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
        super::dispose(&self.webrtcbin);
    }
}

fn set_ice_servers(webrtcbin: &gst::Element, maker: &WebRtc, given: &[IceServer]) {
    let urls = given
        .iter()
        .flat_map(|server| server.urls.iter().map(move |url| (server, url)));
    let mut stun = maker.stun_server.clone();
    for (server, url) in urls {
        // A browser writes `stun:host:port`, webrtcbin `stun://host:port`.
        let Some((scheme, rest)) = url.split_once(':') else {
            continue;
        };
        match scheme {
            "stun" => stun = stun.or_else(|| Some(format!("stun://{rest}"))),
            "turn" | "turns" => {
                let escape = |text: &Option<String>| {
                    glib::uri_escape_string(
                        text.as_deref().unwrap_or_default(),
                        None::<&str>,
                        false,
                    )
                };
                let (user, password) = (escape(&server.username), escape(&server.credential));
                let url = format!("{scheme}://{user}:{password}@{rest}");
                webrtcbin.emit_by_name::<bool>("add-turn-server", &[&url]);
            }
            _ => {}
        }
    }
    if let Some(stun) = stun {
        webrtcbin.set_property("stun-server", stun);
    }
    for turn in &maker.turn_servers {
        webrtcbin.emit_by_name::<bool>("add-turn-server", &[turn]);
    }
}

/// libnice would ask routers to open ports (UPnP: multicast into the local network, and a thread
/// for each agent), and gather TCP candidates, over which one slow receiver would hold up the
/// encoder that it shares with the others. Where UDP is blocked a TURN server is the way.
fn restrain_ice(webrtcbin: &gst::Element) {
    let ice = webrtcbin.property::<glib::Object>("ice-agent");
    if let Some(agent) = ice
        .has_property("agent")
        .then(|| ice.property::<glib::Object>("agent"))
    {
        for property in ["upnp", "ice-tcp"] {
            if agent.has_property(property) {
                agent.set_property(property, false);
            }
        }
    }
}

/// libnice gathers no loopback address: without this, a machine on which nothing else is up
/// would have no candidates. Done only there, because it replaces the gathering of the others.
fn give_loopback_addresses(webrtcbin: &gst::Element) {
    let up = if_addrs::get_if_addrs().unwrap_or_default();
    if up.iter().any(|interface| !interface.is_loopback()) {
        return;
    }
    let agent = webrtcbin.property::<gst::glib::Object>("ice-agent");
    for address in up.iter().map(|interface| interface.ip()) {
        let is_wanted = match address {
            IpAddr::V4(v4) => v4.is_loopback(),
            IpAddr::V6(v6) => v6.is_loopback(),
        };
        if is_wanted {
            agent.emit_by_name::<bool>("add-local-ip-address", &[&address.to_string()]);
        }
    }
}

/// Sets what webrtcbin has no property for on the elements it makes inside itself.
fn tune_insides(webrtcbin: &gst::Element) {
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

fn connect_outputs(webrtcbin: &gst::Element, output: &LegSink) {
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
fn answer_with(webrtcbin: &gst::Element, preferences: &Arc<Mutex<Vec<gst::Caps>>>) {
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

fn connect_streams(webrtcbin: &gst::Element, output: &LegSink) {
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
