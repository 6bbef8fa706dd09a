//! A client that receives over webrtcbin and may request key frames 1000 times per second with its
//! own RTCP packets. Without requests it shows the cost of any third participant.
//!
//! It prints `key-frame TIME` for each key frame, in ms of the sender's RTP time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use acscall::model::{Candidate, Kind, Participant};
use acscall::signalling::client::Sender;
use acscall::signalling::message::{ClientMessage, LegEnd, LegStep, ServerMessage};
use acscall_tests::process::say;
use anyhow::{Context, Result};
use gst::glib;
use gst::prelude::*;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::interval;

use crate::hostile::{join, signal};

/// The interval between two requests.
const PACE: Duration = Duration::from_millis(1);

/// A message from webrtcbin for the other end of the leg.
enum LocalMessage {
    Answer(String),
    Candidate(u32, String),
}

/// Receives until it is killed.
pub(crate) fn receive(port: u16, floods: bool) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(take_part(&format!("ws://127.0.0.1:{port}"), floods))
}

async fn take_part(url: &str, floods: bool) -> Result<()> {
    // The first dtlsdec creates the key for DTLS, which takes longer than a leg waits.
    drop(gst::ElementFactory::make("dtlsdec").build()?);
    let mut leg = Leg::new()?;
    let (mut sender, mut receiver, others) = join(url).await?;
    let victim = others
        .first()
        .context("there are other participants")?
        .clone();
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
                            leg.answer_offer(&sdp)?;
                        }
                        LegStep::Candidate(candidate) => leg.add_candidate(&candidate),
                        _ => {}
                    }
                }
                ServerMessage::Error { code, .. } => say(&format!("error {code:?}"))?,
                _ => {}
            },
            Some(message) = leg.messages.recv() => send(&mut sender, &victim, number, message).await?,
            _ = pace.tick(), if floods => leg.request_key_frame(),
        }
    }
}

async fn send(
    sender: &mut Sender,
    to: &Participant,
    leg: u64,
    message: LocalMessage,
) -> Result<()> {
    let step = match message {
        LocalMessage::Answer(sdp) => LegStep::Answer(sdp),
        LocalMessage::Candidate(line, candidate) => {
            LegStep::Candidate(Candidate { candidate, line })
        }
    };
    Ok(sender
        .send(&signal(to, leg, LegEnd::Receiver, step))
        .await?)
}

/// This client's end of the leg.
struct Leg {
    pipeline: gst::Pipeline,
    webrtcbin: gst::Element,
    messages: UnboundedReceiver<LocalMessage>,
    sender: UnboundedSender<LocalMessage>,
    /// The SSRC of the video, 0 before its first packet.
    media: Arc<AtomicU32>,
    rtcp: Option<gst::Pad>,
}

impl Leg {
    fn new() -> Result<Leg> {
        let pipeline = gst::Pipeline::new();
        let webrtcbin = gst::ElementFactory::make("webrtcbin").build()?;
        webrtcbin.set_property_from_str("bundle-policy", "max-bundle");
        // As the elements do; otherwise a port in use causes a warning.
        let agent = webrtcbin
            .property::<glib::Object>("ice-agent")
            .property::<glib::Object>("agent");
        agent.set_property("upnp", false);
        pipeline.add(&webrtcbin)?;
        let (sender, messages) = unbounded_channel();
        let candidates = sender.clone();
        webrtcbin.connect("on-ice-candidate", false, move |values| {
            let (line, text) = (values.get(1)?.get().ok()?, values.get(2)?.get().ok()?);
            let _receiver_dropped = candidates.send(LocalMessage::Candidate(line, text));
            None
        });
        let media: Arc<AtomicU32> = Arc::default();
        let (weak, seen) = (pipeline.downgrade(), media.clone());
        webrtcbin.connect_pad_added(move |_, pad| {
            if let Some(pipeline) = weak.upgrade() {
                watch(pad, &seen);
                let _leg_is_useless = drain(&pipeline, pad);
            }
        });
        pipeline.set_state(gst::State::Playing)?;
        Ok(Leg {
            pipeline,
            webrtcbin,
            messages,
            sender,
            media,
            rtcp: None,
        })
    }

    fn answer_offer(&mut self, sdp: &str) -> Result<()> {
        let message = gst_sdp::SDPMessage::parse_buffer(sdp.as_bytes())?;
        let offer =
            gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Offer, message);
        let none = None::<gst::Promise>;
        self.webrtcbin
            .emit_by_name::<()>("set-remote-description", &[&offer, &none]);
        let (webrtcbin, sender) = (self.webrtcbin.clone(), self.sender.clone());
        let promise = gst::Promise::with_change_func(move |reply| {
            let answer = reply.ok().flatten().and_then(|reply| {
                reply
                    .get::<gst_webrtc::WebRTCSessionDescription>("answer")
                    .ok()
            });
            if let Some(answer) = answer {
                let none = None::<gst::Promise>;
                webrtcbin.emit_by_name::<()>("set-local-description", &[&answer, &none]);
                let _receiver_dropped = sender.send(LocalMessage::Answer(answer.sdp().to_string()));
            }
        });
        self.webrtcbin
            .emit_by_name::<()>("create-answer", &[&None::<gst::Structure>, &promise]);
        Ok(())
    }

    fn add_candidate(&self, candidate: &Candidate) {
        if !candidate.candidate.is_empty() {
            self.webrtcbin.emit_by_name::<()>(
                "add-ice-candidate",
                &[&candidate.line, &candidate.candidate],
            );
        }
    }

    /// Requests a key frame, in addition to the requests of webrtcbin.
    fn request_key_frame(&mut self) {
        let media = self.media.load(Ordering::Relaxed);
        if media == 0 {
            return;
        }
        if self.rtcp.is_none() {
            // Packets pushed from this pad are encrypted.
            self.rtcp = self
                .pipeline
                .iterate_all_by_element_factory_name("rtpbin")
                .into_iter()
                .flatten()
                .find_map(|rtpbin| rtpbin.static_pad("send_rtcp_src_0"));
        }
        // rtpbin must push its first packet before.
        let started = |rtcp: &&gst::Pad| rtcp.sticky_event::<gst::event::Segment>(0).is_some();
        if let Some(rtcp) = self.rtcp.as_ref().filter(started) {
            let _dropped = rtcp.push(gst::Buffer::from_slice(request(media)));
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

/// Stores the SSRC of the video from `pad`, and prints its key frames.
fn watch(pad: &gst::Pad, media: &Arc<AtomicU32>) {
    let media = media.clone();
    let (sender, key_frames) = channel();
    std::thread::spawn(move || {
        while let Ok(time) = key_frames.recv() {
            if say(&format!("key-frame {time}")).is_err() {
                break;
            }
        }
    });
    let sender = std::sync::Mutex::new(sender);
    let last = AtomicU32::new(u32::MAX);
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
                && last.swap(time, Ordering::Relaxed) != time
                && let Ok(sender) = sender.lock()
            {
                let _receiver_dropped = sender.send(time / 90);
            }
        }
        gst::PadProbeReturn::Ok
    });
}

/// The SSRC and time of an RTP packet with VP8, and whether a key frame starts in it (RFC 7741).
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
