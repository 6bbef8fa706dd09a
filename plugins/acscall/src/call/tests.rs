//! Whole calls in one process: several users, a server, real legs.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::Duration;

use acscall::call::{CallError, CallState, Event, Input, ParticipantState, Selector, Target};
use acscall::model::Kind;
use acscall::server::Embedded;
use acscall::signalling::client::ServerUrl;
use gst::prelude::*;

use super::driver::Command;
use super::reader::{Item, Popped};
use super::{CallSettings, Codec, JoinError, Membership, Publication, ReaderQueue, Role};

/// Far more than any step of a call over loopback takes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

fn settings(port: u16, user: &str) -> CallSettings {
    CallSettings {
        server: ServerUrl::parse(&format!("ws://127.0.0.1:{port}")).unwrap(),
        target: Target::Join("tests".into()),
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

/// Starts a server, which runs until it is dropped; returns it and its port.
fn serve() -> (Embedded, u16) {
    let server = Embedded::start(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let port = server.local_addr().port();
    (server, port)
}

fn join(port: u16, user: &str, role: Role) -> (Membership, Receiver<Event>) {
    gst::init().unwrap();
    let (sender, events) = channel();
    let listener = Box::new(move |event: &Event| {
        let _the_test_is_over = sender.send(event.clone());
    });
    (
        Membership::join(settings(port, user), role, listener).unwrap(),
        events,
    )
}

/// Joins a call without a listener for its events.
fn join_silently(settings: CallSettings) -> Membership {
    gst::init().unwrap();
    Membership::join(settings, Role::Receive, Box::new(|_| {})).unwrap()
}

fn wait_for(events: &Receiver<Event>, wanted: impl Fn(&Event) -> bool) -> Event {
    loop {
        let event = events.recv_timeout(TIMEOUT).expect("the event comes");
        if wanted(&event) {
            return event;
        }
    }
}

fn black(width: u32, height: u32) -> (gst::Caps, gst::Buffer) {
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height)
        .build()
        .unwrap();
    let mut buffer = gst::Buffer::with_size(info.size()).unwrap();
    buffer.make_mut().set_pts(gst::SystemClock::obtain().time());
    (info.to_caps().unwrap(), buffer)
}

/// Waits for the next frame. Calls `send` each time that none has come for 30 ms.
fn frame_comes(queue: &ReaderQueue, mut send: impl FnMut()) -> gst::Caps {
    let clock = gst::SystemClock::obtain();
    let begun = clock.time();
    while (clock.time() - begun).nseconds() < TIMEOUT.as_nanos() as u64 {
        match queue.pop(Duration::from_millis(30)) {
            Popped::Item(Item::Media(caps, _)) => return caps,
            Popped::Item(_) => {}
            Popped::Nothing | Popped::Flushing => send(),
        }
    }
    panic!("no frame came");
}

#[test]
fn one_user_reads_the_stream_of_another() {
    let (_server, port) = serve();
    let (alice, alice_events) = join(port, "alice", Role::Send);
    wait_for(&alice_events, |event| {
        *event == Event::State(CallState::Connected)
    });
    let (bob, _bob_events) = join(port, "bob", Role::Receive);
    let queue = Arc::new(ReaderQueue::video());
    let selector = Selector::Of {
        session: "alice".into(),
        kind: Kind::Video,
    };
    let _reading = bob.read(selector, queue.clone());
    let publication = alice.send(Kind::Video).unwrap();
    let caps = frame_comes(&queue, || {
        let (caps, buffer) = black(320, 240);
        publication.push(&caps, buffer);
    });
    assert_eq!(gst_video::VideoInfo::from_caps(&caps).unwrap().width(), 320);
}

#[test]
fn a_stream_whose_encoder_could_not_be_started_flows_when_it_can() {
    let (_server, port) = serve();
    let (alice, alice_events) = join(port, "alice", Role::Send);
    let (bob, _bob_events) = join(port, "bob", Role::Receive);
    let queue = Arc::new(ReaderQueue::video());
    let selector = Selector::Any { kind: Kind::Screen };
    let _reading = bob.read(selector, queue.clone());
    let publication = alice.send(Kind::Screen).unwrap();
    // A codec that no other test uses: they may share this process.
    publication.set_codec(Codec::Vp9);
    let registry = gst::Registry::get();
    let encoder = registry.lookup_feature("vp9enc").unwrap();
    registry.remove_feature(&encoder);
    let push = || {
        let (caps, buffer) = black(64, 48);
        publication.push(&caps, buffer);
    };
    let mut is_refused = false;
    while !is_refused {
        push();
        let event = alice_events.recv_timeout(Duration::from_millis(30));
        is_refused = matches!(event, Ok(Event::Warning(CallError::Media(_))));
    }
    registry.add_feature(&encoder).unwrap();
    frame_comes(&queue, push);
}

/// The memory of a frame that asks for the statistics of its stream when it is freed.
struct Curious(Vec<u8>, Arc<Publication>);

impl AsRef<[u8]> for Curious {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        self.1.stats();
    }
}

#[test]
fn a_frame_that_is_dropped_from_the_encoders_queue_is_freed_outside_of_the_streams_lock() {
    let (_server, port) = serve();
    let (alice, _alice_events) = join(port, "alice", Role::Send);
    let (bob, _bob_events) = join(port, "bob", Role::Receive);
    let queue = Arc::new(ReaderQueue::video());
    let _reading = bob.read(Selector::Any { kind: Kind::Video }, queue.clone());
    let publication = Arc::new(alice.send(Kind::Video).unwrap());
    let push = || {
        let (caps, buffer) = black(320, 240);
        let data = buffer.map_readable().unwrap().to_vec();
        let mut curious = gst::Buffer::from_slice(Curious(data, publication.clone()));
        curious.make_mut().set_pts(buffer.pts());
        publication.push(&caps, curious);
    };
    frame_comes(&queue, push);
    // Faster than any encoder.
    (0..200).for_each(|_| push());
}

#[test]
fn a_listener_may_read_the_statistics() {
    let (_server, port) = serve();
    gst::init().unwrap();
    let alice: Arc<OnceLock<Membership>> = Arc::default();
    let (sender, stats) = channel();
    let listener = {
        let alice = alice.clone();
        Box::new(move |event: &Event| {
            if let (Event::Participant(..), Some(alice)) = (event, alice.get()) {
                let _the_test_is_over = sender.send(alice.stats());
            }
        })
    };
    let member = Membership::join(settings(port, "alice"), Role::Send, listener).unwrap();
    assert!(alice.set(member).is_ok());
    let (_bob, _events) = join(port, "bob", Role::Receive);
    let stats = stats.recv_timeout(TIMEOUT).unwrap();
    // Without it there would be no fields.
    assert!(stats.get::<u32>("legs").is_ok());
    // The listener holds it.
    let alice = Arc::into_inner(alice);
    assert!(alice.is_none());
}

#[test]
fn a_panic_of_the_driver_ends_the_call_for_its_elements_and_for_the_others() {
    let (_server, port) = serve();
    let (alice, alice_events) = join(port, "alice", Role::Send);
    let (also_alice, also_alice_events) = join(port, "alice", Role::Receive);
    let queue = Arc::new(ReaderQueue::video());
    let _reading = also_alice.read(Selector::Any { kind: Kind::Video }, queue.clone());
    let (_bob, bob_events) = join(port, "bob", Role::Receive);
    wait_for(&bob_events, |event| matches!(event, Event::Participant(..)));
    alice.call.driver.send(Command::Panic);
    for events in [alice_events, also_alice_events] {
        wait_for(&events, |event| matches!(event, Event::Error(_)));
        wait_for(&events, |event| {
            *event == Event::State(CallState::Disconnected)
        });
    }
    wait_for(&bob_events, |event| {
        matches!(event, Event::Participant(_, ParticipantState::Disconnected))
    });
    while !matches!(queue.pop(TIMEOUT), Popped::Item(Item::Ended)) {}
    assert_eq!(alice.snapshot().state, CallState::Disconnected);
    // An element that is started now is in a new call.
    let (_new, events) = join(port, "alice", Role::Send);
    wait_for(&events, |event| {
        *event == Event::State(CallState::Connected)
    });
}

#[test]
fn the_mix_runs_before_anybody_is_there() {
    let (_server, port) = serve();
    let (bob, _events) = join(port, "bob", Role::Receive);
    let queue = Arc::new(ReaderQueue::audio());
    let _reading = bob.read(Selector::MixedAudio, queue.clone());
    let caps = frame_comes(&queue, || {});
    let info = gst_audio::AudioInfo::from_caps(&caps).unwrap();
    assert_eq!((info.rate(), info.channels()), (48_000, 2));
}

#[test]
fn elements_of_one_user_share_one_session() {
    let (_server, port) = serve();
    let (_one, one_events) = join(port, "alice", Role::Send);
    let (_two, _) = join(port, "alice", Role::Receive);
    wait_for(&one_events, |event| {
        *event == Event::State(CallState::Connected)
    });
    let (_bob, bob_events) = join(port, "bob", Role::Receive);
    let event = wait_for(&bob_events, |event| matches!(event, Event::Participant(..)));
    let Event::Participant(alice, _) = event else {
        unreachable!()
    };
    assert_eq!((alice.user.as_str(), alice.session), ("alice", 1));
}

#[test]
fn a_call_that_was_hung_up_is_not_shared_any_more() {
    let (_server, port) = serve();
    let (one, one_events) = join(port, "alice", Role::Send);
    wait_for(&one_events, |event| {
        *event == Event::State(CallState::Connected)
    });
    one.ask(Input::Leave {
        for_everyone: false,
    });
    let (_two, two_events) = join(port, "alice", Role::Send);
    wait_for(&two_events, |event| {
        *event == Event::State(CallState::Connected)
    });
    wait_for(&one_events, |event| {
        *event == Event::State(CallState::Disconnected)
    });
}

#[test]
fn elements_that_share_a_call_must_agree() {
    gst::init().unwrap();
    let (_server, port) = serve();
    let first = CallSettings {
        latency: Some(40),
        ..settings(port, "alice")
    };
    let _member = join_silently(first.clone());
    let other = CallSettings {
        latency: Some(80),
        ..first
    };
    let Err(JoinError::Differs { property, .. }) =
        Membership::join(other, Role::Receive, Box::new(|_| {}))
    else {
        panic!("a different latency was accepted");
    };
    assert_eq!(property, "latency");
}

#[test]
fn elements_that_join_at_the_same_time_share_a_call() {
    for _ in 0..5 {
        // Both find a call that they cannot share, and that nobody is in any more.
        let kept = CallSettings {
            latency: Some(40),
            linger: TIMEOUT,
            ..settings(1, "alice")
        };
        drop(join_silently(kept.clone()));
        let barrier = Barrier::new(2);
        let join_both = || {
            barrier.wait();
            join_silently(CallSettings {
                latency: Some(80),
                linger: Duration::ZERO,
                ..kept.clone()
            })
        };
        let (one, other) = thread::scope(|scope| {
            let other = scope.spawn(join_both);
            (join_both(), other.join().unwrap())
        });
        assert!(Arc::ptr_eq(&one.call, &other.call));
    }
}

#[test]
fn a_kind_is_sent_by_one_pad_at_a_time() {
    let (_server, port) = serve();
    let (alice, _events) = join(port, "alice", Role::Send);
    let first = alice.send(Kind::Audio);
    assert!(first.is_some() && alice.send(Kind::Audio).is_none());
    drop(first);
    assert!(alice.send(Kind::Audio).is_some());
}
