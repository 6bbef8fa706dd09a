//! Two engines in one process, with their signalling passed by hand.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use acscall::call::{Direction, LegFailure, LegId, ReaderId, Target};
use acscall::model::{Kind, Kinds, ParticipantId};
use acscall::signalling::client::ServerUrl;
use gst::prelude::*;
use parking_lot::Mutex;

use super::{Engine, EngineOutput, LegOutput};
use crate::call::CallSettings;
use crate::call::publication::PublicationSlot;
use crate::call::reader::{Item, Popped, ReaderQueue};

/// No step of a call over loopback takes as long.
const TIMEOUT: Duration = Duration::from_secs(60);

struct End {
    engine: Engine,
    slots: BTreeMap<Kind, Arc<PublicationSlot>>,
    outputs: Receiver<EngineOutput>,
    leg: LegId,
    connected: bool,
}

impl End {
    fn new(name: &str, peer: &str, direction: Direction) -> End {
        gst::init().unwrap();
        let (sender, outputs) = channel();
        let sender = Mutex::new(sender);
        let slots: BTreeMap<_, _> = Kind::ALL
            .into_iter()
            .map(|kind| (kind, Arc::new(PublicationSlot::new(kind))))
            .collect();
        let engine = Engine::new(
            &settings(name),
            Arc::new(OnceLock::from(40)),
            slots.clone(),
            Arc::new(move |output| {
                let _the_test_is_over = sender.lock().send(output);
            }),
        )
        .unwrap();
        let leg = LegId {
            peer: ParticipantId(peer.into()),
            direction,
            number: 1,
        };
        End {
            engine,
            slots,
            outputs,
            leg,
            connected: false,
        }
    }

    fn open(&mut self) {
        self.engine.open_leg(&self.leg, &[]).unwrap();
    }
}

fn settings(user: &str) -> CallSettings {
    CallSettings {
        server: ServerUrl::parse("ws://127.0.0.1:7788").unwrap(),
        target: Target::Join("engines".into()),
        user: user.into(),
        display_name: None,
        token: None,
        latency: None,
        stun_server: None,
        turn_servers: Vec::new(),
        linger: Duration::ZERO,
        embedded_server: false,
    }
}

/// Passes the ends' outputs to each other, until both are connected or one has failed. `tamper` may
/// change the descriptions.
fn connect(from: &mut End, to: &mut End, tamper: fn(String) -> String) -> Result<(), LegFailure> {
    from.open();
    to.open();
    while !(from.connected && to.connected) {
        let mut idle = true;
        for swapped in [false, true] {
            let (here, there) = if swapped {
                (&mut *to, &mut *from)
            } else {
                (&mut *from, &mut *to)
            };
            while let Ok(output) = here.outputs.try_recv() {
                idle = false;
                pass(here, there, output, tamper)?;
            }
        }
        if idle && let Ok(output) = from.outputs.recv_timeout(Duration::from_millis(5)) {
            pass(from, to, output, tamper)?;
        }
    }
    Ok(())
}

fn pass(
    here: &mut End,
    there: &mut End,
    output: EngineOutput,
    tamper: fn(String) -> String,
) -> Result<(), LegFailure> {
    match output {
        EngineOutput::Error(object, text) => panic!("{object:?}: {text}"),
        EngineOutput::Leg(_, LegOutput::Description(sdp)) => there
            .engine
            .set_remote_description(&there.leg, &tamper(sdp)),
        EngineOutput::Leg(_, LegOutput::Candidate(candidate)) => {
            there.engine.add_candidate(&there.leg, &candidate);
            Ok(())
        }
        EngineOutput::Leg(leg, LegOutput::Connected) => {
            here.connected = true;
            here.engine.verify(&leg)
        }
        EngineOutput::Leg(_, LegOutput::Rejected(kind, why)) => panic!("{kind}: {why}"),
        EngineOutput::Leg(_, LegOutput::Report(_)) | EngineOutput::KeyFrameRequested(_) => Ok(()),
        EngineOutput::Leg(_, LegOutput::Failed(failure)) => Err(failure),
        EngineOutput::Leg(leg, LegOutput::Stream(stream)) => {
            here.engine.stream_arrived(&leg, stream)
        }
    }
}

fn frame(width: u32, height: u32) -> (gst::Caps, gst::Buffer) {
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height)
        .fps((30, 1))
        .build()
        .unwrap();
    (
        info.to_caps().unwrap(),
        gst::Buffer::with_size(info.size()).unwrap(),
    )
}

/// Sends one frame and waits until it arrives at the other end.
fn send_and_receive(from: &mut End, to: &mut End, queue: &ReaderQueue, size: (u32, u32)) {
    let (caps, mut buffer) = frame(size.0, size.1);
    buffer.make_mut().set_pts(gst::SystemClock::obtain().time());
    if from.slots[&Kind::Video].push(&caps, buffer) {
        from.engine.make_encoder(Kind::Video).unwrap();
    }
    let (timer, deadline) = (gst::SystemClock::obtain(), TIMEOUT.as_nanos() as u64);
    let begun = timer.time();
    loop {
        while let Ok(output) = to.outputs.try_recv() {
            pass(to, from, output, |sdp| sdp).unwrap();
        }
        if let Popped::Item(Item::Media(caps, _)) = queue.pop(Duration::from_millis(5)) {
            let info = gst_video::VideoInfo::from_caps(&caps).unwrap();
            assert_eq!((info.width(), info.height()), size);
            return;
        }
        assert!(
            (timer.time() - begun).nseconds() < deadline,
            "no frame of {size:?} arrived"
        );
    }
}

#[test]
fn frames_of_any_size_cross_a_leg_that_was_negotiated_once() {
    let mut a = End::new("a", "b", Direction::Send);
    let mut b = End::new("b", "a", Direction::Receive);
    connect(&mut a, &mut b, |sdp| sdp).unwrap();

    let queue = Arc::new(ReaderQueue::video());
    b.engine.bind(
        ReaderId(1),
        &queue,
        Some((ParticipantId("a".into()), Kind::Video)),
    );
    a.engine.feed(&a.leg.clone(), &Kinds::from([Kind::Video]));
    for size in [(320, 240), (1500, 845), (64, 48)] {
        send_and_receive(&mut a, &mut b, &queue, size);
    }
    a.engine.stop();
    b.engine.stop();
}

#[test]
fn a_stream_that_nobody_reads_has_no_encoder() {
    let mut a = End::new("a", "b", Direction::Send);
    let mut b = End::new("b", "a", Direction::Receive);
    connect(&mut a, &mut b, |sdp| sdp).unwrap();
    let (caps, buffer) = frame(320, 240);
    assert!(!a.slots[&Kind::Video].push(&caps, buffer));
    assert!(a.slots[&Kind::Video].encoder().is_none());
    a.engine.stop();
    b.engine.stop();
}

#[test]
fn a_peer_with_another_certificate_than_its_description_names_is_refused() {
    let mut a = End::new("a", "b", Direction::Send);
    let mut b = End::new("b", "a", Direction::Receive);
    let result = connect(&mut a, &mut b, |sdp| {
        sdp.lines()
            .map(|line| match line.strip_prefix("a=fingerprint:sha-256 ") {
                Some(digits) if digits.starts_with("00") => format!("a=fingerprint:sha-256 11{}", &digits[2..]),
                Some(digits) => format!("a=fingerprint:sha-256 00{}", &digits[2..]),
                None => line.to_string(),
            } + "\r\n")
            .collect()
    });
    assert_eq!(result, Err(LegFailure::Certificate));
    a.engine.stop();
    b.engine.stop();
}

#[test]
fn nothing_is_left_of_a_leg_whose_connection_changes_while_it_is_closed() {
    let mut a = End::new("a", "b", Direction::Send);
    a.open();
    description(&a);
    let (webrtcbin, mut inside) = inside(&a.engine);
    let transceiver: gst_webrtc::WebRTCRTPTransceiver =
        webrtcbin.emit_by_name("get-transceiver", &[&0i32]);
    let dtls: gst::glib::Object = transceiver
        .property::<gst::glib::Object>("sender")
        .property("transport");
    let ice: gst_webrtc::WebRTCICETransport = dtls.property("transport");
    inside.push(ice.upcast_ref::<gst::Object>().downgrade());
    drop((webrtcbin, transceiver, dtls));
    // After it has stopped, before it is freed.
    a.engine
        .pipeline
        .connect_element_removed(move |_, element| {
            if is_webrtcbin(element) {
                ice.notify("state");
            }
        });
    a.engine.stop();
    assert_gone(&inside);
}

/// webrtcbin 1.22 goes on handling descriptions while it is being stopped. That leaks a few legs in
/// ten.
#[test]
fn nothing_is_left_of_legs_that_are_closed_as_soon_as_they_have_answered() {
    let mut a = End::new("a", "b", Direction::Send);
    let mut b = End::new("b", "a", Direction::Receive);
    a.open();
    let offer = description(&a);
    let mut left = Vec::new();
    for number in 1..=30 {
        b.leg.number = number;
        b.open();
        b.engine.set_remote_description(&b.leg, &offer).unwrap();
        description(&b);
        let (_, inside) = inside(&b.engine);
        left.extend(inside);
        b.engine.close_leg(&b.leg);
    }
    assert_gone(&left);
    a.engine.stop();
    b.engine.stop();
}

/// Waits for the end's description of its leg.
fn description(end: &End) -> String {
    loop {
        let output = end.outputs.recv_timeout(TIMEOUT).unwrap();
        if let EngineOutput::Leg(leg, LegOutput::Description(sdp)) = output
            && leg == end.leg
        {
            return sdp;
        }
    }
}

fn is_webrtcbin(element: &gst::Element) -> bool {
    let factory = element.factory();
    factory.is_some_and(|factory| factory.name() == "webrtcbin")
}

/// Returns the newest leg's webrtcbin and the elements in it.
fn inside(engine: &Engine) -> (gst::Element, Vec<gst::glib::WeakRef<gst::Object>>) {
    let elements = engine.pipeline.children();
    let webrtcbin = elements.into_iter().find(is_webrtcbin).unwrap();
    let inside = webrtcbin.downcast_ref::<gst::Bin>().unwrap().children();
    assert!(!inside.is_empty());
    let upcast = |element: gst::Element| element.upcast::<gst::Object>().downgrade();
    (webrtcbin, inside.into_iter().map(upcast).collect())
}

/// Waits until the objects are freed: the thread that stopped them may hold them a moment longer.
fn assert_gone(objects: &[gst::glib::WeakRef<gst::Object>]) {
    let left = || objects.iter().filter_map(|object| object.upgrade());
    let (timer, deadline) = (gst::SystemClock::obtain(), TIMEOUT.as_nanos() as u64);
    let begun = timer.time();
    while left().next().is_some() {
        let left: Vec<_> = left().map(|object| object.name()).collect();
        let waited = (timer.time() - begun).nseconds();
        assert!(waited < deadline, "{left:?}");
        std::thread::yield_now();
    }
}

#[test]
fn an_encoder_that_fails_to_start_leaves_nothing_and_can_be_started_again() {
    let end = End::new("a", "b", Direction::Send);
    let pipeline = &end.engine.pipeline;
    // The first encoder cannot start: it contains a source without a file.
    let has_failed = Mutex::new(false);
    pipeline.connect_element_added(move |_, element| {
        if !std::mem::replace(&mut *has_failed.lock(), true) {
            let source = gst::ElementFactory::make("filesrc").build().unwrap();
            let encoder = element.downcast_ref::<gst::Bin>().unwrap();
            encoder.add(&source).unwrap();
        }
    });
    let (sender, removed) = channel();
    pipeline.connect_element_removed(move |_, _| {
        let _the_test_is_over = sender.send(());
    });
    assert!(end.engine.make_encoder(Kind::Audio).is_err());
    assert!(end.slots[&Kind::Audio].encoder().is_none());
    // At once, while the failed encoder may still be in the pipeline.
    end.engine.make_encoder(Kind::Audio).unwrap();
    removed.recv_timeout(TIMEOUT).unwrap();
    let encoder = end.slots[&Kind::Audio].encoder().unwrap();
    let elements = pipeline.children();
    assert_eq!(elements.len(), 1, "{elements:?}");
    assert!(encoder.owns(elements[0].upcast_ref()));
    // A request that is late changes nothing.
    end.engine.make_encoder(Kind::Audio).unwrap();
    let same = end.slots[&Kind::Audio].encoder().unwrap();
    assert!(Arc::ptr_eq(&encoder, &same));
    end.engine.stop();
}
