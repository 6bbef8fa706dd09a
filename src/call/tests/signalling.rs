//! Joining, losing the connection, rejoining.

use super::harness::*;
use crate::call::*;
use crate::model::*;
use crate::signalling::message::*;

#[test]
fn the_machine_sends_hello_and_join_and_is_then_connected() {
    let mut call = Harness::new();
    assert_eq!(call.call.state(), CallState::None);
    call.handle(Input::Roles {
        receives: true,
        sends: false,
    });
    call.handle(Input::Media(kinds(&[Kind::Screen])));
    let actions = call.handle(Input::Start);
    assert_eq!(
        actions,
        [
            Action::Emit(Event::State(CallState::Connecting)),
            Action::Connect
        ]
    );
    let actions = call.handle(Input::SocketOpened);
    let hello = ClientMessage::Hello {
        versions: vec![1],
        user: "me".into(),
        display_name: None,
        token: Some(Token("secret".into())),
    };
    assert_eq!(actions, [Action::Send(hello)]);
    let actions = call.receive(welcome("run1"));
    let join = ClientMessage::Join {
        call: "x".into(),
        receives: true,
        sends: false,
        media: kinds(&[Kind::Screen]),
        resume: None,
    };
    assert_eq!(actions, [Action::Send(join)]);
    assert_eq!(call.call.own_id(), None);
    let actions = call.receive(joined("me1", &[]));
    assert_eq!(
        emitted(&actions),
        [Event::Named("x".into()), Event::State(CallState::Connected)]
    );
    assert_eq!(actions.len(), 2);
    assert_eq!(call.call.name(), Some("x"));
    assert_eq!(call.call.own_id(), Some(&id("me1")));
    assert_eq!(call.call.poll_timeout(), None);
}

#[test]
fn a_second_start_does_nothing() {
    let mut call = Harness::joined(&[]);
    assert_eq!(call.handle(Input::Start), []);
}

#[test]
fn the_first_connection_is_retried_for_five_seconds_and_then_fails() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    for _ in 0..24 {
        assert_eq!(call.handle(Input::SocketClosed("refused".into())), []);
        assert_eq!(call.after(199), []);
        assert_eq!(call.after(1), [Action::Connect]);
    }
    call.handle(Input::SocketClosed("refused".into()));
    let actions = call.after(200);
    assert_eq!(
        emitted(&actions),
        [
            Event::Error(CallError::Unreachable("refused".into())),
            Event::State(CallState::Disconnecting),
            Event::State(CallState::Disconnected),
        ]
    );
    assert_eq!(actions.last(), Some(&Action::Finished));
    assert_eq!(call.call.poll_timeout(), None);
}

#[test]
fn a_server_that_starts_late_is_joined() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    call.handle(Input::SocketClosed("refused".into()));
    call.after(200);
    let actions = call.rejoin("run1", &[]);
    assert_eq!(states(&actions), [CallState::Connected]);
}

#[test]
fn a_connection_that_never_opens_ends_the_first_join_after_five_seconds() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    let actions = call.after(5000);
    assert!(matches!(
        emitted(&actions)[0],
        Event::Error(CallError::Unreachable(_))
    ));
    assert!(actions.contains(&Action::Disconnect));
    assert_eq!(actions.last(), Some(&Action::Finished));
}

#[test]
fn a_server_that_accepts_and_stays_silent_is_unreachable() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    call.after(1000);
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    assert_eq!(call.after(4999), []);
    let actions = call.after(1);
    assert_eq!(actions[0], Action::Disconnect);
    assert!(matches!(
        emitted(&actions)[0],
        Event::Error(CallError::Unreachable(_))
    ));
    assert_eq!(actions.last(), Some(&Action::Finished));
}

#[test]
fn a_lost_connection_causes_one_warning_and_is_retried_for_ever_with_growing_delays() {
    let mut call = Harness::joined(&[]);
    let actions = call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(
        warnings(&actions),
        [CallError::SignallingLost("cable".into())]
    );
    assert_eq!(call.call.state(), CallState::Connected);
    for delay in [200, 400, 800, 1000, 1000, 1000] {
        assert_eq!(call.after(delay - 1), []);
        assert_eq!(call.after(1), [Action::Connect]);
        assert_eq!(call.handle(Input::SocketClosed("refused".into())), []);
    }
    call.after(5000);
    let actions = call.rejoin("run1", &[]);
    assert_eq!(sent(&actions)[1], join(Some(resume("me1"))));
    assert_eq!(emitted(&actions), [], "the state was Connected all along");
    let actions = call.handle(Input::SocketClosed("again".into()));
    assert_eq!(
        warnings(&actions),
        [CallError::SignallingLost("again".into())]
    );
}

#[test]
fn the_delays_are_reset_only_by_a_connection_that_held() {
    let mut call = Harness::joined(&[]);
    call.lose();
    call.rejoin("run1", &[]);
    call.after(9_000);
    call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(call.after(399), []);
    assert_eq!(call.after(1), [Action::Connect]);
    call.rejoin("run1", &[]);
    call.after(10_000);
    call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(call.after(200), [Action::Connect]);
}

#[test]
fn a_rejoin_without_an_answer_counts_as_a_failed_connection() {
    let mut call = Harness::joined(&[]);
    call.lose();
    call.handle(Input::SocketOpened);
    assert_eq!(call.after(5000), [Action::Disconnect]);
    assert_eq!(call.after(400), [Action::Connect]);
    // A connection that does not even open has the same effect.
    assert_eq!(call.after(5000), [Action::Disconnect]);
    assert_eq!(call.after(800), [Action::Connect]);
}

#[test]
fn inputs_from_a_connection_that_was_given_up_are_ignored() {
    let mut call = Harness::joined(&[]);
    call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(call.receive(update(peer("bob"))), []);
    assert_eq!(call.handle(Input::SocketClosed("cable".into())), []);
    call.after(200);
    assert_eq!(call.receive(welcome("run1")), []);
    call.handle(Input::SocketOpened);
    assert_eq!(
        call.receive(joined("me1", &[])),
        [],
        "it has not even sent join"
    );
}

#[test]
fn changes_are_sent_at_once_when_joined_and_otherwise_with_the_next_join() {
    let mut call = Harness::joined(&[]);
    let actions = call.handle(Input::Media(kinds(&[Kind::Audio])));
    assert_eq!(
        sent(&actions),
        [ClientMessage::Media {
            kinds: kinds(&[Kind::Audio])
        }]
    );
    assert_eq!(call.handle(Input::Media(kinds(&[Kind::Audio]))), []);
    let actions = call.handle(Input::Roles {
        receives: false,
        sends: true,
    });
    assert_eq!(
        sent(&actions),
        [ClientMessage::Roles {
            receives: false,
            sends: true
        }]
    );
    call.lose();
    assert_eq!(
        call.handle(Input::Roles {
            receives: true,
            sends: true
        }),
        []
    );
    assert_eq!(call.handle(Input::Media(Kinds::new())), []);
    let actions = call.rejoin("run1", &[]);
    assert_eq!(sent(&actions)[1..], [join(Some(resume("me1")))]);
}

#[test]
fn a_change_between_join_and_joined_is_sent_after_it() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    assert_eq!(call.handle(Input::Media(kinds(&[Kind::Video]))), []);
    let actions = call.receive(joined("me1", &[]));
    assert_eq!(
        sent(&actions),
        [ClientMessage::Media {
            kinds: kinds(&[Kind::Video])
        }]
    );
}

#[test]
fn the_latest_resume_identity_is_presented() {
    let mut call = Harness::joined(&[]);
    call.lose();
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    let fresh = Resume {
        key: "fresh".into(),
        ..resume("me1")
    };
    call.receive(ServerMessage::Joined {
        call: "x".into(),
        resume: fresh.clone(),
        participants: Vec::new(),
        ringing: Vec::new(),
        ice_servers: Vec::new(),
    });
    call.handle(Input::SocketClosed("cable".into()));
    call.after(400);
    call.handle(Input::SocketOpened);
    assert_eq!(sent(&call.receive(welcome("run1"))), [join(Some(fresh))]);
}
