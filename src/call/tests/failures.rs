//! Legs that fail, and their replacements.

use super::harness::*;
use crate::call::*;
use crate::model::*;
use crate::signalling::message::*;

use LegEnd::{Receiver, Sender};

fn failure() -> LegFailure {
    LegFailure::Connection("gone".into())
}

fn offer() -> LegStep {
    LegStep::Offer("offer".into())
}

#[test]
fn a_failed_sending_leg_causes_a_warning_and_is_replaced_after_growing_delays() {
    let mut call = Harness::joined(&[peer("bob").wants(&[Kind::Audio])]);
    let mut number = 1;
    for delay in [200, 400, 800, 1600, 3200, 5000, 5000] {
        let leg = sending("bob", number);
        call.handle(Input::LegConnected(leg.clone()));
        call.after(9_999);
        assert_eq!(
            call.handle(Input::LegFailed(leg.clone(), failure())),
            [
                Action::CloseLeg(leg.clone()),
                Action::Emit(Event::Warning(CallError::Leg(leg, failure()))),
                signalled(
                    "bob",
                    number,
                    Sender,
                    LegStep::Failed(failure().to_string())
                ),
            ]
        );
        number += 1;
        assert_eq!(call.after(delay - 1), []);
        assert_eq!(call.after(1), [open(&sending("bob", number))]);
    }
    let leg = sending("bob", number);
    let actions = call.handle(Input::LegConnected(leg.clone()));
    assert_eq!(
        actions,
        [
            Action::Feed(leg.clone(), kinds(&[Kind::Audio])),
            Action::Emit(Event::Reached(id("bob")))
        ],
        "the new leg is fed"
    );
    call.after(10_000);
    call.handle(Input::LegFailed(leg, failure()));
    assert_eq!(
        call.after(200),
        [open(&sending("bob", number + 1))],
        "the leg had worked"
    );
}

#[test]
fn a_sending_leg_that_does_not_connect_fails_after_five_seconds() {
    let mut call = Harness::joined(&[peer("bob")]);
    assert_eq!(call.after(4999), []);
    let actions = call.after(1);
    assert_eq!(actions[0], Action::CloseLeg(sending("bob", 1)));
    assert!(matches!(
        warnings(&actions)[..],
        [CallError::Leg(_, LegFailure::Connection(_))]
    ));
    assert_eq!(call.after(200), [open(&sending("bob", 2))]);
}

#[test]
fn on_a_busy_machine_the_next_leg_gets_more_time_until_one_connects() {
    let mut call = Harness::joined(&[peer("bob")]);
    call.after(5_000);
    assert_eq!(call.after(200), [open(&sending("bob", 2))]);
    // Its timeout is twice as long.
    assert_eq!(call.after(9_999), []);
    assert_eq!(call.after(1)[0], Action::CloseLeg(sending("bob", 2)));
    assert_eq!(call.after(400), [open(&sending("bob", 3))]);
    call.handle(Input::LegConnected(sending("bob", 3)));
    call.handle(Input::LegFailed(sending("bob", 3), failure()));
    assert_eq!(call.after(800), [open(&sending("bob", 4))]);
    assert_eq!(call.after(5_000)[0], Action::CloseLeg(sending("bob", 4)));
}

#[test]
fn a_leg_that_got_no_address_from_a_turn_server_fails_with_a_text_that_says_so() {
    let named = |url: &str, own: &str| {
        let mut call = Harness::new();
        call.handle(Input::Roles {
            receives: false,
            sends: true,
        });
        call.handle(Input::Start);
        call.handle(Input::SocketOpened);
        call.receive(welcome("run1"));
        call.receive(ServerMessage::Joined {
            call: "x".into(),
            resume: resume("me1"),
            participants: vec![peer("bob")],
            ringing: Vec::new(),
            ice_servers: vec![IceServer {
                urls: vec![url.into()],
                ..IceServer::default()
            }],
        });
        let leg = sending("bob", 1);
        call.handle(Input::LegCandidate(leg, candidate(own)));
        let [CallError::Leg(_, failure)] = &warnings(&call.after(5000))[..] else {
            panic!("the leg failed");
        };
        failure
            .to_string()
            .contains("no TURN server gave an address")
    };
    let host = "candidate:1 1 UDP 2015363327 192.0.2.2 50000 typ host";
    let relay = "candidate:2 1 UDP 503316991 192.0.2.1 50001 typ relay raddr 192.0.2.2 rport 50000";
    assert!(named("turn:t:3478", host));
    assert!(named("turns:t:5349?transport=tcp", host));
    assert!(!named("turn:t:3478", relay));
    assert!(!named("stun:s:3478", host));
}

#[test]
fn an_unusable_description_or_a_wrong_certificate_is_retried_after_the_longest_delay() {
    for failure in [
        LegFailure::Description("bad".into()),
        LegFailure::Certificate,
    ] {
        let mut call = Harness::joined(&[peer("bob")]);
        let actions = call.handle(Input::LegFailed(sending("bob", 1), failure.clone()));
        assert_eq!(
            warnings(&actions),
            [CallError::Leg(sending("bob", 1), failure)]
        );
        assert_eq!(call.after(4999), []);
        assert_eq!(call.after(1), [open(&sending("bob", 2))]);
    }
}

#[test]
fn a_leg_that_the_peer_gave_up_is_replaced() {
    let (mut call, leg) = Harness::connected(peer("bob"));
    assert_eq!(
        call.signal("bob", 1, Receiver, LegStep::Failed("no codec".into())),
        [
            Action::CloseLeg(leg.clone()),
            Action::Emit(Event::Warning(CallError::LegRefused(
                leg,
                "no codec".into()
            ))),
        ]
    );
    assert_eq!(call.after(200), [open(&sending("bob", 2))]);
    call.signal("bob", 1, Sender, offer());
    let leg = receiving("bob", 1);
    assert_eq!(
        call.signal("bob", 1, Sender, LegStep::Failed("gone".into())),
        [
            Action::CloseLeg(leg.clone()),
            Action::Emit(Event::Warning(CallError::LegRefused(leg, "gone".into()))),
        ]
    );
}

#[test]
fn a_receiving_leg_that_fails_is_closed_and_its_sender_notified() {
    let mut call = Harness::joined(&[peer("bob")]);
    call.handle(Input::LegConnected(sending("bob", 1)));
    let leg = receiving("bob", 3);
    call.signal("bob", 3, Sender, offer());
    assert_eq!(
        call.handle(Input::LegFailed(leg.clone(), LegFailure::Certificate)),
        [
            Action::CloseLeg(leg.clone()),
            Action::Emit(Event::Warning(CallError::Leg(leg, LegFailure::Certificate))),
            signalled(
                "bob",
                3,
                Receiver,
                LegStep::Failed(LegFailure::Certificate.to_string())
            ),
        ]
    );
    // The sender has to offer the next leg, and is reminded.
    let reminder = signalled(
        "bob",
        3,
        Receiver,
        LegStep::Failed(LegFailure::Certificate.to_string()),
    );
    assert_eq!(call.after(4999), []);
    assert_eq!(call.after(10_000), [reminder.clone(), reminder]);
    call.signal("bob", 4, Sender, offer());
    call.handle(Input::LegConnected(receiving("bob", 4)));
    assert_eq!(call.after(60_000), []);
}

#[test]
fn a_receiving_leg_that_does_not_connect_is_closed_after_ten_seconds() {
    let mut call = Harness::joined(&[peer("bob")]);
    call.handle(Input::LegConnected(sending("bob", 1)));
    call.signal("bob", 1, Sender, offer());
    assert_eq!(call.after(9_999), []);
    let actions = call.after(1);
    assert_eq!(actions[0], Action::CloseLeg(receiving("bob", 1)));
    assert_eq!(sent(&actions).len(), 1);
}

#[test]
fn a_sender_is_notified_of_a_failed_leg_once_it_can_be_reached_again() {
    let mut call = Harness::joined(&[peer("bob")]);
    call.handle(Input::LegConnected(sending("bob", 1)));
    call.signal("bob", 1, Sender, offer());
    call.lose();
    let actions = call.handle(Input::LegFailed(receiving("bob", 1), failure()));
    assert_eq!(sent(&actions), []);
    assert_eq!(sent(&call.rejoin("run2", &[])).len(), 2, "hello and join");
    let message = signalled("bob", 1, Receiver, LegStep::Failed(failure().to_string()));
    assert_eq!(call.receive(update(peer("bob")))[1..], [message]);
}

#[test]
fn a_failure_that_could_not_be_signalled_does_not_affect_the_next_leg() {
    let mut call = Harness::joined(&[peer("bob")]);
    call.signal("bob", 1, Sender, offer());
    call.receive(update(peer("bob").away()));
    call.handle(Input::LegFailed(receiving("bob", 1), failure()));
    call.signal("bob", 2, Sender, offer());
    let actions = call.receive(update(peer("bob")));
    assert!(!sent(&actions).iter().any(|message| {
        matches!(message, ClientMessage::Signal { signal, .. } if signal.by == Receiver)
    }));
}

#[test]
fn a_connected_leg_outlives_its_peers_lost_signalling() {
    let (mut call, _) = Harness::connected(peer("bob"));
    call.receive(update(peer("bob").away()));
    assert_eq!(call.after(20_000), []);
    let actions = call.receive(update(peer("bob")));
    assert_eq!(opened(&actions), []);
}

#[test]
fn no_leg_is_opened_while_the_peer_has_lost_its_signalling() {
    let (mut call, leg) = Harness::connected(peer("bob"));
    call.receive(update(peer("bob").away()));
    let actions = call.handle(Input::LegFailed(leg, failure()));
    assert_eq!(sent(&actions), []);
    assert_eq!(call.after(60_000), []);
    let actions = call.receive(update(peer("bob")));
    assert_eq!(opened(&actions), [sending("bob", 2)], "at once");
}

#[test]
fn no_leg_is_opened_while_the_own_signalling_is_lost() {
    let (mut call, leg) = Harness::connected(peer("bob"));
    call.lose();
    call.handle(Input::SocketOpened);
    call.handle(Input::LegFailed(leg, failure()));
    assert_eq!(call.after(1000), []);
    call.receive(welcome("run1"));
    let actions = call.receive(joined("me1", &[peer("bob")]));
    assert_eq!(
        actions,
        [open(&sending("bob", 2))],
        "at once, with a higher number"
    );
}

#[test]
fn a_leg_that_was_connecting_when_signalling_was_lost_is_replaced_afterwards() {
    let mut call = Harness::joined(&[peer("bob"), peer("carol")]);
    call.handle(Input::LegConnected(sending("carol", 2)));
    call.lose();
    let offer = Input::LegDescription(sending("bob", 1), "offer".into());
    assert_eq!(call.handle(offer), [], "there is no connection");
    let actions = call.rejoin("run1", &[peer("bob"), peer("carol")]);
    assert_eq!(
        actions[2..],
        [
            Action::CloseLeg(sending("bob", 1)),
            open(&sending("bob", 3))
        ]
    );
}

#[test]
fn a_leg_that_was_connecting_when_the_peer_was_lost_is_replaced_afterwards() {
    let mut call = Harness::joined(&[peer("bob")]);
    call.receive(update(peer("bob").away()));
    let candidate = Input::LegCandidate(sending("bob", 1), candidate("a"));
    assert_eq!(call.handle(candidate), []);
    let actions = call.receive(update(peer("bob")));
    assert_eq!(
        actions[1..],
        [
            Action::CloseLeg(sending("bob", 1)),
            open(&sending("bob", 2))
        ]
    );
}

#[test]
fn all_legs_with_a_participant_that_left_are_closed_and_none_is_opened() {
    let mut call = Harness::joined(&[peer("bob"), peer("carol")]);
    call.signal("bob", 1, Sender, offer());
    call.handle(Input::LegFailed(sending("carol", 2), failure()));
    let actions = call.receive(left("bob"));
    assert_eq!(
        actions[1..],
        [
            Action::CloseLeg(sending("bob", 1)),
            Action::CloseLeg(receiving("bob", 1))
        ]
    );
    call.receive(left("carol"));
    assert_eq!(call.after(60_000), []);
}
