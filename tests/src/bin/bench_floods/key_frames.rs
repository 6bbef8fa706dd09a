//! A client that takes part as a receiver over webrtcbin, and may ask for key frames 1000 times per
//! second by RTCP of its own. One that does not ask is what any third participant costs.
//!
//! It prints `key-frame TIME` for each that comes, in ms by the sender's RTP time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use acscall::model::{Candidate, Kind, Participant};
use acscall::signalling::client::Sender;
use acscall::signalling::message::{ClientMessage, LegEnd, LegStep, ServerMessage};
use anyhow::{Context, Result};
use gst::glib;
use gst::prelude::*;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::interval;

use crate::call::say;
use crate::hostile::{join, signal};

/// Between two requests.
const PACE: Duration = Duration::from_millis(1);

/// What its side of the leg says.
enum Said {
    Answer(String),
    Candidate(u32, String),
}

/// Receives until it is killed.
pub(crate) fn receive(port: u16, asks: bool) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(take_part(&format!("ws://127.0.0.1:{port}"), asks))
}

async fn take_part(url: &str, asks: bool) -> Result<()> {
    // The first makes the key for DTLS, which takes time that a leg does not have.
    drop(gst::ElementFactory::make("dtlsdec").build()?);
    let mut leg = Leg::new()?;
    let (mut sender, mut receiver, others) = join(url).await?;
    let victim = others.first().context("somebody is there")?.clone();
    sender
        .send(&ClientMessage::Want {
            of: victim.id.clone(),
            kinds: [Kind::Video].into(),
        })
        .await?;
    let mut number = 0;
    let mut pace = interval(PACE);
    loop {
        tokio::select! {
            message = receiver.next() => match message? {
                ServerMessage::Signal { from, signal } if from == victim.id => {
                    match signal.step {
                        LegStep::Offer(sdp) => {
                            number = signal.leg;
                            leg.offered(&sdp)?;
                        }
                        LegStep::Candidate(candidate) => leg.add(&candidate),
                        _ => {}
                    }
                }
                ServerMessage::Error { code, .. } => say(&format!("error {code:?}"))?,
                _ => {}
            },
            Some(said) = leg.said.recv() => tell(&mut sender, &victim, number, said).await?,
            _ = pace.tick(), if asks => leg.ask(),
        }
    }
}

async fn tell(sender: &mut Sender, to: &Participant, leg: u64, said: Said) -> Result<()> {
    let step = match said {
        Said::Answer(sdp) => LegStep::Answer(sdp),
        Said::Candidate(line, candidate) => LegStep::Candidate(Candidate { candidate, line }),
    };
    Ok(sender
        .send(&signal(to, leg, LegEnd::Receiver, step))
        .await?)
}

/// Its end of the leg.
struct Leg {
    pipeline: gst::Pipeline,
    webrtcbin: gst::Element,
    said: UnboundedReceiver<Said>,
    says: UnboundedSender<Said>,
    /// The SSRC of the pictures, once one came; else 0.
    media: Arc<AtomicU32>,
    rtcp: Option<gst::Pad>,
}

impl Leg {
    fn new() -> Result<Leg> {
        let pipeline = gst::Pipeline::new();
        let webrtcbin = gst::ElementFactory::make("webrtcbin").build()?;
        webrtcbin.set_property_from_str("bundle-policy", "max-bundle");
        // As the elements do, and without it a port that is taken is a warning.
        let agent = webrtcbin
            .property::<glib::Object>("ice-agent")
            .property::<glib::Object>("agent");
        agent.set_property("upnp", false);
        pipeline.add(&webrtcbin)?;
        let (says, said) = unbounded_channel();
        let candidates = says.clone();
        webrtcbin.connect("on-ice-candidate", false, move |values| {
            let (line, text) = (values.get(1)?.get().ok()?, values.get(2)?.get().ok()?);
            let _over = candidates.send(Said::Candidate(line, text));
            None
        });
        let media: Arc<AtomicU32> = Arc::default();
        let (weak, seen) = (pipeline.downgrade(), media.clone());
        webrtcbin.connect_pad_added(move |_, pad| {
            if let Some(pipeline) = weak.upgrade() {
                watch(pad, &seen);
                let _of_no_use_then = drain(&pipeline, pad);
            }
        });
        pipeline.set_state(gst::State::Playing)?;
        Ok(Leg {
            pipeline,
            webrtcbin,
            said,
            says,
            media,
            rtcp: None,
        })
    }

    fn offered(&mut self, sdp: &str) -> Result<()> {
        let message = gst_sdp::SDPMessage::parse_buffer(sdp.as_bytes())?;
        let offer =
            gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Offer, message);
        let none = None::<gst::Promise>;
        self.webrtcbin
            .emit_by_name::<()>("set-remote-description", &[&offer, &none]);
        let (webrtcbin, says) = (self.webrtcbin.clone(), self.says.clone());
        let promise = gst::Promise::with_change_func(move |reply| {
            let answer = reply.ok().flatten().and_then(|reply| {
                reply
                    .get::<gst_webrtc::WebRTCSessionDescription>("answer")
                    .ok()
            });
            if let Some(answer) = answer {
                let none = None::<gst::Promise>;
                webrtcbin.emit_by_name::<()>("set-local-description", &[&answer, &none]);
                let _over = says.send(Said::Answer(answer.sdp().to_string()));
            }
        });
        self.webrtcbin
            .emit_by_name::<()>("create-answer", &[&None::<gst::Structure>, &promise]);
        Ok(())
    }

    fn add(&self, candidate: &Candidate) {
        if !candidate.candidate.is_empty() {
            self.webrtcbin.emit_by_name::<()>(
                "add-ice-candidate",
                &[&candidate.line, &candidate.candidate],
            );
        }
    }

    /// Asks for a key frame, beside and more often than webrtcbin would.
    fn ask(&mut self) {
        let media = self.media.load(Ordering::Relaxed);
        if media == 0 {
            return;
        }
        if self.rtcp.is_none() {
            // What goes in here leaves encrypted.
            self.rtcp = self
                .pipeline
                .iterate_all_by_element_factory_name("rtpbin")
                .into_iter()
                .flatten()
                .find_map(|rtpbin| rtpbin.static_pad("send_rtcp_src_0"));
        }
        // Nothing can go in before its own.
        let started = |rtcp: &&gst::Pad| rtcp.sticky_event::<gst::event::Segment>(0).is_some();
        if let Some(rtcp) = self.rtcp.as_ref().filter(started) {
            let _full = rtcp.push(gst::Buffer::from_slice(request(media)));
        }
    }
}

/// An empty receiver report and a picture loss indication (RFC 3550, RFC 4585).
fn request(media: u32) -> [u8; 20] {
    let mut packet = [0; 20];
    packet[..4].copy_from_slice(&[0x80, 201, 0, 1]);
    packet[8..12].copy_from_slice(&[0x81, 206, 0, 2]);
    for at in [4, 12] {
        packet[at..at + 4].copy_from_slice(&1u32.to_be_bytes());
    }
    packet[16..].copy_from_slice(&media.to_be_bytes());
    packet
}

/// Tells the SSRC and the key frames of the pictures that come out of `pad`.
fn watch(pad: &gst::Pad, media: &Arc<AtomicU32>) {
    let media = media.clone();
    let (frames, told) = channel();
    std::thread::spawn(move || {
        while let Ok(time) = told.recv() {
            if say(&format!("key-frame {time}")).is_err() {
                break;
            }
        }
    });
    let frames = std::sync::Mutex::new(frames);
    let told_last = AtomicU32::new(u32::MAX);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let is_video = pad.current_caps().is_some_and(|caps| {
            caps.structure(0)
                .is_some_and(|s| s.get::<&str>("encoding-name") == Ok("VP8"))
        });
        let packet = info.buffer().and_then(|buffer| buffer.map_readable().ok());
        if let Some(packet) = packet.filter(|_| is_video)
            && let Some((ssrc, time, is_key_frame)) = read(&packet)
        {
            media.store(ssrc, Ordering::Relaxed);
            if is_key_frame
                && told_last.swap(time, Ordering::Relaxed) != time
                && let Ok(frames) = frames.lock()
            {
                let _over = frames.send(time / 90);
            }
        }
        gst::PadProbeReturn::Ok
    });
}

/// The SSRC and time of an RTP packet with VP8, and whether a key frame begins in it (RFC 7741).
fn read(packet: &[u8]) -> Option<(u32, u32, bool)> {
    let number = |at: usize| Some(u32::from_be_bytes(packet.get(at..at + 4)?.try_into().ok()?));
    let (time, ssrc) = (number(4)?, number(8)?);
    let first = *packet.first()?;
    let mut at = 12 + 4 * usize::from(first & 0xf);
    if first & 0x10 != 0 {
        at += 4 + 4 * (number(at)? & 0xffff) as usize;
    }
    let descriptor = *packet.get(at)?;
    at += 1;
    if descriptor & 0x80 != 0 {
        let extended = *packet.get(at)?;
        at += 1;
        if extended & 0x80 != 0 {
            at += if packet.get(at)? & 0x80 != 0 { 2 } else { 1 };
        }
        at += usize::from(extended & 0x40 != 0) + usize::from(extended & 0x30 != 0);
    }
    let is_start = descriptor & 0x10 != 0 && descriptor & 0x0f == 0;
    Some((ssrc, time, is_start && packet.get(at)? & 1 == 0))
}

fn drain(pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<()> {
    let sink = gst::ElementFactory::make("fakesink")
        .property("sync", false)
        .build()?;
    pipeline.add(&sink)?;
    sink.sync_state_with_parent()?;
    pad.link(&sink.static_pad("sink").context("it has a pad")?)?;
    Ok(())
}
