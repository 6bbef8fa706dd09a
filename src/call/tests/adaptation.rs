//! How the machine adapts the streams to the paths.

use std::time::{Duration, Instant};

use super::harness::*;
use crate::call::*;
use crate::model::*;
use crate::signalling::message::*;

/// The network path of a leg: packets leave every 10 ms, and queue up if they are too many.
struct Wire {
    leg: LegId,
    /// In bit/s.
    capacity: f64,
    /// The size of a packet, in bytes.
    size: usize,
    start: Instant,
    free: Duration,
    sent: u64,
    /// One packet in so many is lost.
    loses: Option<u64>,
}

impl Wire {
    fn new(harness: &Harness, leg: LegId, capacity: f64) -> Wire {
        Wire {
            leg,
            capacity,
            size: 1134,
            start: harness.now,
            free: Duration::ZERO,
            sent: 0,
            loses: None,
        }
    }

    /// Returns the receiver's report of what is sent in 100 ms.
    fn report(&mut self, harness: &Harness) -> Input {
        let packets = (0..10).map(|packet| {
            let sent = harness.now + Duration::from_millis(10 * packet);
            let at = sent - self.start;
            let time = ((self.size + 66) * 8) as f64 / self.capacity;
            self.free = self.free.max(at) + Duration::from_secs_f64(time);
            self.sent += 1;
            let is_lost = self
                .loses
                .is_some_and(|every| self.sent.is_multiple_of(every));
            PacketReport {
                sent,
                arrived: (!is_lost).then_some(self.free),
                size: self.size,
            }
        });
        let packets = packets.collect();
        Input::LegReport(self.leg.clone(), packets)
    }
}

/// Runs the wires for this many seconds.
fn run(harness: &mut Harness, wires: &mut [&mut Wire], seconds: u64) -> Vec<Action> {
    let mut actions = Vec::new();
    for _ in 0..seconds * 10 {
        let reports: Vec<_> = wires.iter_mut().map(|wire| wire.report(harness)).collect();
        actions.extend(harness.after(100));
        for report in reports {
            actions.extend(harness.handle(report));
        }
    }
    actions
}

/// A sender of all kinds, with these receivers of all kinds.
fn sender(users: &[&str]) -> (Harness, Vec<LegId>) {
    let peers: Vec<_> = users
        .iter()
        .map(|user| peer(user).wants(&Kind::ALL))
        .collect();
    let mut harness = Harness::joined(&peers);
    harness.handle(Input::Media(kinds(&[Kind::Audio, Kind::Video])));
    let legs: Vec<_> = (1..).zip(users).map(|(n, u)| sending(u, n)).collect();
    for leg in &legs {
        harness.handle(Input::LegConnected(leg.clone()));
    }
    (harness, legs)
}

/// The bit rates set for this kind, in order.
fn rates(actions: &[Action], of: Kind) -> Vec<u32> {
    let rate = |action: &Action| match action {
        Action::Encode { kind, bitrate, .. } if *kind == of => Some(*bitrate),
        _ => None,
    };
    actions.iter().filter_map(rate).collect()
}

fn feeds(actions: &[Action]) -> Vec<Kinds> {
    let feed = |action: &Action| match action {
        Action::Feed(_, kinds) => Some(kinds.clone()),
        _ => None,
    };
    actions.iter().filter_map(feed).collect()
}

#[test]
fn the_encoder_follows_the_narrowest_of_its_receivers_paths() {
    let (mut harness, legs) = sender(&["bob", "carol"]);
    let mut wide = Wire::new(&harness, legs[0].clone(), 100e6);
    let mut narrow = Wire::new(&harness, legs[1].clone(), 600e3);
    let actions = run(&mut harness, &mut [&mut wide, &mut narrow], 4);
    let video = *rates(&actions, Kind::Video).last().unwrap();
    assert!((250_000..500_000).contains(&video), "{video}");
    let audio = rates(&actions, Kind::Audio);
    assert!(
        audio.is_empty(),
        "a quarter of the path is enough: {audio:?}"
    );

    // When its receiver leaves, the others get the full bit rate again.
    let mut actions = harness.receive(left("carol"));
    actions.extend(run(&mut harness, &mut [&mut wide], 2));
    assert_eq!(rates(&actions, Kind::Video), [2_500_000]);
}

#[test]
fn an_encoder_is_not_set_at_each_report() {
    let (mut harness, legs) = sender(&["bob"]);
    let mut wire = Wire::new(&harness, legs[0].clone(), 600e3);
    run(&mut harness, &mut [&mut wire], 3);
    // The queue drains, and then the estimate grows report by report.
    wire.size = 400;
    let actions = run(&mut harness, &mut [&mut wire], 20);
    let set = rates(&actions, Kind::Video);
    assert!(set.len() <= 20, "{set:?}");
    assert!(set.is_sorted(), "{set:?}");
}

#[test]
fn a_path_too_slow_for_video_gets_none_until_it_recovers_and_both_ends_are_notified() {
    let (mut harness, legs) = sender(&["bob", "carol"]);
    let slow = |slow| {
        Action::Emit(Event::Slow {
            participant: peer("carol").wants(&Kind::ALL),
            direction: Direction::Send,
            slow,
        })
    };
    let message = |slow| signalled("carol", 2, LegEnd::Sender, LegStep::Slow(slow));
    let mut wide = Wire::new(&harness, legs[0].clone(), 100e6);
    let mut narrow = Wire::new(&harness, legs[1].clone(), 100e3);
    let actions = run(&mut harness, &mut [&mut wide, &mut narrow], 4);
    let video = rates(&actions, Kind::Video);
    assert_eq!(video.last(), Some(&150_000), "not below: {video:?}");
    assert!(feeds(&actions).is_empty(), "not before 5 s");

    let actions = run(&mut harness, &mut [&mut wide, &mut narrow], 4);
    assert_eq!(feeds(&actions), [kinds(&[Kind::Audio])]);
    assert!(actions.contains(&slow(true)) && actions.contains(&message(true)));
    // The other receivers are not affected.
    assert_eq!(rates(&actions, Kind::Video).last(), Some(&2_500_000));

    // The audio finds a path that is wide again.
    (narrow.size, narrow.capacity, narrow.free) = (100, 100e6, Duration::ZERO);
    let actions = run(&mut harness, &mut [&mut wide, &mut narrow], 30);
    assert_eq!(feeds(&actions), [kinds(&Kind::ALL)]);
    assert!(actions.contains(&slow(false)) && actions.contains(&message(false)));
    let video = rates(&actions, Kind::Video);
    assert!(video[0] < 300_000, "it starts low: {video:?}");
}

#[test]
fn without_any_packet_video_returns_after_a_while() {
    let (mut harness, legs) = sender(&["bob"]);
    harness.handle(Input::Media(kinds(&[Kind::Video])));
    let mut wire = Wire::new(&harness, legs[0].clone(), 100e3);
    let actions = run(&mut harness, &mut [&mut wire], 8);
    assert_eq!(feeds(&actions), [kinds(&[Kind::Audio])]);
    assert_eq!(feeds(&harness.after(60_000)), [kinds(&Kind::ALL)]);
}

#[test]
fn a_receiver_learns_that_its_path_is_too_slow() {
    let mut harness = Harness::joined(&[peer("bob")]);
    harness.signal("bob", 1, LegEnd::Sender, LegStep::Offer("offer".into()));
    let slow = |slow| {
        [Event::Slow {
            participant: peer("bob"),
            direction: Direction::Receive,
            slow,
        }]
    };
    let mut receive = |now| emitted(&harness.signal("bob", 1, LegEnd::Sender, LegStep::Slow(now)));
    assert_eq!(receive(true), slow(true));
    assert_eq!(receive(true), []);
    assert_eq!(receive(false), slow(false));
    assert_eq!(receive(true), slow(true));
    // It ends with the leg, and does not apply to another leg.
    let next = harness.signal("bob", 2, LegEnd::Sender, LegStep::Offer("offer".into()));
    assert_eq!(emitted(&next), slow(false));
    let late = harness.signal("bob", 1, LegEnd::Sender, LegStep::Slow(true));
    assert_eq!(late, []);
}

#[test]
fn the_audio_encoder_gets_the_highest_loss_of_all_paths() {
    let (mut harness, legs) = sender(&["bob", "carol"]);
    let mut good = Wire::new(&harness, legs[0].clone(), 100e6);
    let mut bad = Wire::new(&harness, legs[1].clone(), 100e6);
    bad.loses = Some(20);
    let actions = run(&mut harness, &mut [&mut good, &mut bad], 20);
    let losses: Vec<u8> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Encode {
                kind: Kind::Audio,
                loss,
                ..
            } => Some(*loss),
            _ => None,
        })
        .collect();
    assert_eq!(losses.last(), Some(&5), "{losses:?}");
    assert!(losses.is_sorted(), "{losses:?}");
    let video = rates(&actions, Kind::Video);
    assert!(
        video.is_empty(),
        "a loss of 5 % does not make a narrow path: {video:?}"
    );
}

#[test]
fn a_limit_of_the_application_applies_to_an_encoder_at_once() {
    let (mut harness, _) = sender(&["bob"]);
    for (limit, rate) in [
        (Some(400_000), 400_000),
        (Some(800_000), 800_000),
        (None, 2_500_000),
    ] {
        let actions = harness.handle(Input::MaxBitrate(Kind::Video, limit));
        assert_eq!(rates(&actions, Kind::Video), [rate]);
        let again = harness.handle(Input::MaxBitrate(Kind::Video, limit));
        assert_eq!(again, []);
    }
}

#[test]
fn a_kind_that_one_end_cannot_take_is_not_fed_and_causes_one_warning() {
    let mut harness = Harness::joined(&[peer("bob").wants(&Kind::ALL)]);
    let leg = sending("bob", 1);
    let reject = Input::LegRejected(leg.clone(), Kind::Video, "no decoder".into());
    let actions = harness.handle(reject.clone());
    assert_eq!(
        warnings(&actions),
        [CallError::Rejected(
            leg.clone(),
            Kind::Video,
            "no decoder".into()
        )]
    );
    assert_eq!(harness.handle(reject), []);
    let actions = harness.handle(Input::LegConnected(leg));
    assert_eq!(feeds(&actions), [kinds(&[Kind::Audio, Kind::Screen])]);
}

#[test]
fn a_renegotiation_replaces_all_sending_legs() {
    let (mut harness, legs) = sender(&["bob", "carol"]);
    let actions = harness.handle(Input::Renegotiate);
    for leg in legs {
        assert!(actions.contains(&Action::CloseLeg(leg)));
    }
    assert_eq!(opened(&actions), [sending("bob", 3), sending("carol", 4)]);
}

#[test]
fn the_stream_of_a_stalled_source_is_unavailable_until_data_comes_again() {
    let mut harness = Harness::joined(&[]);
    let media = |of: &[Kind]| ClientMessage::Media { kinds: kinds(of) };
    harness.handle(Input::Media(kinds(&[Kind::Audio, Kind::Video])));
    let actions = harness.handle(Input::Stalled(Kind::Video));
    assert_eq!(emitted(&actions), [Event::Stalled(Kind::Video, true)]);
    assert_eq!(sent(&actions), [media(&[Kind::Audio])]);
    assert_eq!(harness.handle(Input::Stalled(Kind::Video)), []);
    assert_eq!(harness.handle(Input::Stalled(Kind::Screen)), []);

    let actions = harness.handle(Input::Media(kinds(&[Kind::Video])));
    assert_eq!(emitted(&actions), [Event::Stalled(Kind::Video, false)]);
    assert_eq!(sent(&actions), [media(&[Kind::Video])]);
}
