//! How legs are opened, negotiated, connected, fed and closed.

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
fn a_sender_opens_a_leg_to_every_receiver() {
    let phone = Participant {
        user: "me".into(),
        session: 2,
        ..peer("phone")
    };
    let mut call = Harness::new();
    call.handle(Input::Roles {
        receives: false,
        sends: true,
    });
    call.handle(Input::Start);
    let others = [
        peer("bob"),
        peer("camera").roles(false, true),
        phone,
        peer("zoe").away(),
    ];
    let actions = call.rejoin("run1", &others);
    assert_eq!(opened(&actions), [sending("bob", 1), sending("phone", 2)]);
    let actions = call.receive(update(peer("camera").roles(true, true)));
    assert_eq!(actions, [open(&sending("camera", 3))]);
    let actions = call.receive(update(peer("zoe")));
    assert_eq!(opened(&actions), [sending("zoe", 4)]);
}

#[test]
fn sending_legs_are_opened_and_closed_with_the_role_of_sender() {
    let mut call = Harness::joined(&[peer("bob")]);
    let actions = call.handle(Input::Roles {
        receives: true,
        sends: false,
    });
    assert_eq!(
        actions,
        [
            Action::Send(ClientMessage::Roles {
                receives: true,
                sends: false
            }),
            Action::CloseLeg(sending("bob", 1)),
        ]
    );
    let actions = call.handle(Input::Roles {
        receives: true,
        sends: true,
    });
    assert_eq!(actions[1..], [open(&sending("bob", 2))]);
    let actions = call.receive(update(peer("bob").roles(false, true)));
    assert_eq!(actions, [Action::CloseLeg(sending("bob", 2))]);
}

#[test]
fn every_leg_gets_the_ice_servers_of_the_join() {
    let mut call = Harness::new();
    call.handle(Input::Roles {
        receives: false,
        sends: true,
    });
    call.handle(Input::Start);
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    let stun = IceServer {
        urls: vec!["stun:s".into()],
        username: None,
        credential: None,
    };
    let actions = call.receive(ServerMessage::Joined {
        call: "x".into(),
        resume: resume("me1"),
        participants: vec![peer("bob")],
        ringing: Vec::new(),
        ice_servers: vec![stun.clone()],
    });
    let leg = sending("bob", 1);
    assert_eq!(
        actions.last(),
        Some(&Action::OpenLeg {
            leg,
            ice_servers: vec![stun]
        })
    );
}

#[test]
fn a_sending_leg_exchanges_offer_answer_and_candidates() {
    let mut call = Harness::joined(&[peer("bob")]);
    let leg = sending("bob", 1);
    let actions = call.handle(Input::LegDescription(leg.clone(), "offer".into()));
    assert_eq!(actions, [signalled("bob", 1, Sender, offer())]);
    let actions = call.handle(Input::LegCandidate(leg.clone(), candidate("a")));
    assert_eq!(
        actions,
        [signalled(
            "bob",
            1,
            Sender,
            LegStep::Candidate(candidate("a"))
        )]
    );

    for text in ["c", "b"] {
        let early = LegStep::Candidate(candidate(text));
        assert_eq!(
            call.signal("bob", 1, Receiver, early),
            [],
            "it waits for the answer"
        );
    }
    let answer = LegStep::Answer("answer".into());
    assert_eq!(
        call.signal("bob", 1, Receiver, answer.clone()),
        [
            Action::RemoteDescription(leg.clone(), "answer".into()),
            Action::RemoteCandidate(leg.clone(), candidate("c")),
            Action::RemoteCandidate(leg.clone(), candidate("b")),
        ]
    );
    assert_eq!(
        call.signal("bob", 1, Receiver, answer),
        [],
        "a second answer is ignored"
    );
    assert_eq!(
        call.signal("bob", 1, Receiver, LegStep::Candidate(candidate("d"))),
        [Action::RemoteCandidate(leg, candidate("d"))]
    );
}

#[test]
fn an_offer_opens_a_receiving_leg_which_answers() {
    let mut call = Harness::joined(&[peer("bob")]);
    let leg = receiving("bob", 1);
    let actions = call.signal("bob", 1, Sender, offer());
    assert_eq!(
        actions,
        [
            open(&leg),
            Action::RemoteDescription(leg.clone(), "offer".into())
        ]
    );
    let actions = call.handle(Input::LegDescription(leg.clone(), "answer".into()));
    assert_eq!(
        actions,
        [signalled(
            "bob",
            1,
            Receiver,
            LegStep::Answer("answer".into())
        )]
    );
    let actions = call.handle(Input::LegCandidate(leg.clone(), candidate("a")));
    assert_eq!(
        actions,
        [signalled(
            "bob",
            1,
            Receiver,
            LegStep::Candidate(candidate("a"))
        )]
    );
    // Two legs have the number 1; this is the one that bob sends on.
    let actions = call.signal("bob", 1, Sender, LegStep::Candidate(candidate("b")));
    assert_eq!(
        actions,
        [Action::RemoteCandidate(leg.clone(), candidate("b"))]
    );
    assert_eq!(
        call.handle(Input::LegConnected(leg)),
        [],
        "only sending legs are fed"
    );
}

#[test]
fn a_newer_offer_replaces_the_receiving_leg_and_an_older_one_is_ignored() {
    let mut call = Harness::joined(&[peer("bob")]);
    call.signal("bob", 5, Sender, offer());
    call.handle(Input::LegConnected(receiving("bob", 5)));
    assert_eq!(call.signal("bob", 5, Sender, offer()), []);
    assert_eq!(call.signal("bob", 4, Sender, offer()), []);
    let new = receiving("bob", 6);
    assert_eq!(
        call.signal("bob", 6, Sender, offer()),
        [
            Action::CloseLeg(receiving("bob", 5)),
            open(&new),
            Action::RemoteDescription(new, "offer".into()),
        ]
    );
}

#[test]
fn an_offer_is_refused_by_a_participant_that_does_not_receive() {
    let mut call = Harness::joined(&[peer("bob")]);
    call.handle(Input::Roles {
        receives: false,
        sends: true,
    });
    let reason = LegStep::Failed("this participant does not receive".into());
    let actions = call.signal("bob", 1, Sender, offer());
    assert_eq!(actions, [signalled("bob", 1, Receiver, reason)]);
}

#[test]
fn a_receiving_leg_ends_with_either_role() {
    let mut call = Harness::joined(&[peer("bob"), peer("carol")]);
    call.signal("bob", 1, Sender, offer());
    call.signal("carol", 1, Sender, offer());
    let actions = call.receive(update(peer("bob").roles(true, false)));
    assert_eq!(actions, [Action::CloseLeg(receiving("bob", 1))]);
    let actions = call.handle(Input::Roles {
        receives: false,
        sends: true,
    });
    assert_eq!(actions[1..], [Action::CloseLeg(receiving("carol", 1))]);
    // Carol may have been without signalling all the time.
    let actions = call.handle(Input::Roles {
        receives: true,
        sends: true,
    });
    let reason = LegStep::Failed("it was not needed".into());
    assert_eq!(actions[1..], [signalled("carol", 1, Receiver, reason)]);
}

#[test]
fn signals_from_strangers_and_about_unknown_legs_are_ignored() {
    let mut call = Harness::joined(&[peer("bob")]);
    assert_eq!(call.signal("eve", 1, Sender, offer()), []);
    assert_eq!(
        call.signal("bob", 9, Receiver, LegStep::Answer("answer".into())),
        []
    );
    assert_eq!(
        call.signal("bob", 9, Receiver, LegStep::Candidate(candidate("a"))),
        []
    );
    assert_eq!(
        call.signal("bob", 9, Sender, LegStep::Failed("no".into())),
        []
    );
    assert_eq!(
        call.signal("bob", 1, Receiver, offer()),
        [],
        "a receiver does not offer"
    );
    assert_eq!(
        call.signal("bob", 1, Sender, LegStep::Answer("a".into())),
        []
    );
    assert_eq!(
        call.handle(Input::LegDescription(sending("bob", 9), "offer".into())),
        []
    );
    assert_eq!(call.handle(Input::LegConnected(sending("bob", 9))), []);
    assert_eq!(
        call.handle(Input::LegFailed(sending("bob", 9), failure())),
        []
    );
}

#[test]
fn no_more_candidates_are_sent_or_stored_than_the_server_allows() {
    let mut call = Harness::joined(&[peer("bob")]);
    let leg = sending("bob", 1);
    let mut count = 0;
    for _ in 0..100 {
        count += call
            .handle(Input::LegCandidate(leg.clone(), candidate("a")))
            .len();
        call.signal("bob", 1, Receiver, LegStep::Candidate(candidate("b")));
    }
    assert_eq!(count, 64);
    let actions = call.signal("bob", 1, Receiver, LegStep::Answer("answer".into()));
    assert_eq!(actions.len(), 1 + 64);
}

#[test]
fn a_connected_leg_is_fed_what_its_peer_wants() {
    let mut call = Harness::joined(&[peer("bob").wants(&[Kind::Audio])]);
    let leg = sending("bob", 1);
    let wants = |kinds| update(peer("bob").wants(kinds));
    assert_eq!(
        call.receive(wants(&[Kind::Audio, Kind::Video])),
        [],
        "not connected"
    );
    assert_eq!(
        call.handle(Input::LegConnected(leg.clone())),
        [
            Action::Feed(leg.clone(), kinds(&[Kind::Audio, Kind::Video])),
            // An application that waits for this event may send at once.
            Action::Emit(Event::Reached(id("bob"))),
        ]
    );
    assert_eq!(call.handle(Input::LegConnected(leg.clone())), []);
    let actions = call.receive(wants(&[Kind::Video]));
    assert_eq!(actions, [Action::Feed(leg.clone(), kinds(&[Kind::Video]))]);
    assert_eq!(
        call.handle(Input::Media(kinds(&[Kind::Audio]))).len(),
        1,
        "only the server is informed"
    );
    let actions = call.receive(wants(&[]));
    assert_eq!(actions, [Action::Feed(leg, Kinds::new())]);
}

#[test]
fn a_leg_whose_peer_wants_nothing_is_not_fed() {
    let mut call = Harness::joined(&[peer("bob")]);
    assert_eq!(
        call.handle(Input::LegConnected(sending("bob", 1))),
        [Action::Emit(Event::Reached(id("bob")))]
    );
}
