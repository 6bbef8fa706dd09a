//! Whole calls in one process: several users, a server, real legs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use acscall::call::{CallState, Event, Input, Selector, Target};
use acscall::model::Kind;
use acscall::server::Embedded;
use acscall::signalling::client::ServerUrl;
use gst::prelude::*;

use super::reader::{Item, Popped};
use super::{CallSettings, JoinError, Membership, ReaderQueue, Role};

/// No step of a call over loopback takes as long, however busy the machine.
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

/// A server, until it is dropped, and its port.
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

/// Waits for the next frame, giving the sender one more of it each time none came for 30 ms.
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
fn what_one_user_sends_another_reads() {
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
    let outgoing = alice.send(Kind::Video).unwrap();
    let caps = frame_comes(&queue, || {
        let (caps, buffer) = black(320, 240);
        outgoing.push(&caps, buffer);
    });
    assert_eq!(gst_video::VideoInfo::from_caps(&caps).unwrap().width(), 320);
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
fn a_call_that_was_hung_up_is_shared_no_more() {
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
    let _member = Membership::join(first.clone(), Role::Receive, Box::new(|_| {})).unwrap();
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
fn a_kind_is_sent_by_one_pad_at_a_time() {
    let (_server, port) = serve();
    let (alice, _events) = join(port, "alice", Role::Send);
    let first = alice.send(Kind::Audio);
    assert!(first.is_some() && alice.send(Kind::Audio).is_none());
    drop(first);
    assert!(alice.send(Kind::Audio).is_some());
}
