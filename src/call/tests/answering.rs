//! Listening for calls and answering them.

use super::harness::*;
use super::ringing::*;
use crate::call::*;
use crate::model::*;
use crate::signalling::message::*;

use IncomingEnd::{AnsweredElsewhere, Cancelled, NoAnswer};

#[test]
fn listening_has_no_time_limit_and_no_call_state() {
    let mut call = Harness::to(Target::Answer {
        automatically: false,
    });
    assert_eq!(call.handle(Input::Start), [Action::Connect]);
    assert_eq!(call.handle(Input::Start), [], "it has started");
    call.handle(Input::SocketOpened);
    let listen = Action::Send(ClientMessage::Listen {});
    assert_eq!(call.receive(welcome("run1")), [listen]);
    assert_eq!(call.receive(ServerMessage::Listening {}), []);
    assert_eq!(call.call.state(), CallState::None);
    assert_eq!(call.call.poll_timeout(), None);
}

#[test]
fn a_server_that_does_not_allow_listening_is_an_error() {
    let begin = || {
        let mut call = Harness::to(Target::Answer {
            automatically: true,
        });
        call.handle(Input::Start);
        call.handle(Input::SocketOpened);
        call.receive(welcome("run1"));
        call
    };
    let actions = begin().after(5000);
    let events = emitted(&actions);
    assert!(matches!(
        events[..],
        [
            Event::Error(CallError::Unreachable(_)),
            Event::State(CallState::Disconnecting),
            Event::State(CallState::Disconnected)
        ]
    ));
    for code in [ErrorCode::UnknownMessage, ErrorCode::TokenUser] {
        let actions = begin().receive(error(code));
        assert_eq!(emitted(&actions)[0], Event::Error(refused(code)));
        assert_eq!(actions.last(), Some(&Action::Finished));
    }
}

#[test]
fn a_call_that_was_not_accepted_is_never_joined() {
    let mut call = Harness::to(Target::Answer {
        automatically: false,
    });
    call.handle(Input::Start);
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    assert_eq!(call.receive(accepted("placed:1", &[])), []);
    call.receive(ServerMessage::Listening {});
    assert_eq!(call.receive(accepted("placed:1", &[])), []);
    call.receive(rings("placed:1"));
    assert_eq!(call.receive(accepted("placed:1", &[])), []);
    assert_eq!(call.call.state(), CallState::None);
}

#[test]
fn an_incoming_call_is_announced_once_accepted_and_then_like_any_other() {
    let mut call = listening();
    let announced = Action::Emit(Event::Incoming(incoming("placed:1")));
    assert_eq!(call.receive(rings("placed:1")), [announced]);
    assert_eq!(call.receive(rings("placed:1")), []);
    assert_eq!(rung(&call), ["placed:1"]);
    assert_eq!(call.after(60_000), []);
    assert_eq!(call.handle(Input::Accept(None)), [accept("placed:1")]);
    assert_eq!(call.handle(Input::Accept(None)), [], "it is being accepted");
    let actions = call.receive(accepted("placed:1", &[peer("alice")]));
    assert_eq!(
        emitted(&actions),
        [
            Event::State(CallState::Connecting),
            Event::Named("placed:1".into()),
            Event::State(CallState::Connected),
            Event::IncomingEnded(incoming("placed:1"), None),
            Event::Callee("carol".into(), CalleeState::Ringing),
            Event::Participant(peer("alice"), ParticipantState::Connected),
        ]
    );
    assert_eq!(opened(&actions), [sending("alice", 1)]);
    assert_eq!(sent(&actions), [], "the roles went with the answer");
    call.handle(Input::LegConnected(sending("alice", 1)));
    assert_eq!(call.call.poll_timeout(), None);
    call.lose();
    call.handle(Input::SocketOpened);
    let messages = sent(&call.receive(welcome("run1")));
    assert!(matches!(
        &messages[..],
        [ClientMessage::Join { call, resume: Some(_), .. }] if call == "placed:1"
    ));
}

#[test]
fn changes_made_while_a_call_is_being_accepted_are_sent_afterwards() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.handle(Input::Accept(Some("placed:1".into())));
    assert_eq!(call.handle(Input::Media(kinds(&[Kind::Video]))), []);
    let actions = call.receive(accepted("placed:1", &[]));
    let media = ClientMessage::Media {
        kinds: kinds(&[Kind::Video]),
    };
    assert_eq!(sent(&actions), [media]);
}

#[test]
fn a_call_is_accepted_automatically_at_once() {
    let mut call = listening_with(true);
    let announced = Action::Emit(Event::Incoming(incoming("placed:1")));
    assert_eq!(
        call.receive(rings("placed:1")),
        [announced, accept("placed:1")]
    );
}

#[test]
fn a_second_call_rings_while_the_first_is_being_accepted_and_then_ends() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.handle(Input::Accept(None));
    let announced = Action::Emit(Event::Incoming(incoming("placed:2")));
    assert_eq!(call.receive(rings("placed:2")), [announced]);
    assert_eq!(rung(&call), ["placed:1", "placed:2"]);
    let events = emitted(&call.receive(accepted("placed:1", &[])));
    assert_eq!(
        events[3..5],
        [
            Event::IncomingEnded(incoming("placed:1"), None),
            Event::IncomingEnded(incoming("placed:2"), Some(IncomingEnd::Other)),
        ]
    );
}

#[test]
fn when_the_first_call_is_gone_the_second_is_accepted_automatically() {
    let mut call = listening_with(true);
    call.receive(rings("placed:1"));
    let announced = Action::Emit(Event::Incoming(incoming("placed:2")));
    assert_eq!(call.receive(rings("placed:2")), [announced]);
    assert_eq!(
        call.receive(error(ErrorCode::IncomingGone)),
        [
            incoming_ended("placed:1", Some(Cancelled)),
            accept("placed:2")
        ]
    );
}

#[test]
fn the_end_of_an_incoming_call_has_a_reason() {
    for reason in [
        Cancelled,
        AnsweredElsewhere,
        IncomingEnd::DeclinedElsewhere,
        NoAnswer,
    ] {
        let mut call = listening();
        call.receive(rings("placed:1"));
        let actions = call.receive(ended("placed:1", reason));
        assert_eq!(actions, [incoming_ended("placed:1", Some(reason))]);
        assert_eq!(call.receive(ended("placed:1", reason)), []);
        assert_eq!(rung(&call), [] as [&str; 0]);
        let actions = call.receive(rings("placed:2"));
        assert_eq!(actions.len(), 1, "it still listens");
    }
}

#[test]
fn an_accept_that_comes_too_late_ends_the_call_once_and_listening_continues() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.handle(Input::Accept(None));
    let actions = call.receive(ended("placed:1", NoAnswer));
    assert_eq!(actions, [incoming_ended("placed:1", Some(NoAnswer))]);
    assert_eq!(call.receive(error(ErrorCode::IncomingGone)), []);
    assert_eq!(call.call.poll_timeout(), None);
    call.receive(rings("placed:2"));
    assert_eq!(call.handle(Input::Accept(None)), [accept("placed:2")]);
    assert_eq!(
        call.receive(error(ErrorCode::IncomingGone)),
        [incoming_ended("placed:2", Some(Cancelled))],
        "even if nothing else ends it"
    );
}

#[test]
fn an_incoming_call_is_declined_and_listening_continues() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.receive(rings("placed:2"));
    assert_eq!(
        call.handle(Input::Reject(Some("placed:2".into()))),
        [incoming_ended("placed:2", None), reject("placed:2")]
    );
    assert_eq!(
        call.handle(Input::Reject(None)),
        [incoming_ended("placed:1", None), reject("placed:1")]
    );
    assert_eq!(call.receive(ended("placed:1", Cancelled)), []);
    assert_eq!(
        call.receive(error(ErrorCode::IncomingGone)),
        [],
        "the messages crossed"
    );
    assert_eq!(call.receive(rings("placed:3")).len(), 1);
}

#[test]
fn the_end_of_a_declined_call_does_not_undo_the_accept_of_another() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.handle(Input::Reject(None));
    call.receive(rings("placed:2"));
    call.handle(Input::Accept(None));
    call.receive(error(ErrorCode::IncomingGone));
    let actions = call.receive(accepted("placed:2", &[peer("alice")]));
    assert_eq!(
        states(&actions),
        [CallState::Connecting, CallState::Connected]
    );
}

#[test]
fn accepting_or_declining_a_call_that_does_not_ring_is_a_warning() {
    let none: [fn() -> Harness; 3] = [listening, Harness::new, || Harness::joined(&[])];
    for call in none {
        assert!(nothing_rings(&call().handle(Input::Accept(None))));
        assert!(nothing_rings(&call().handle(Input::Reject(None))));
    }
    let mut call = listening();
    call.receive(rings("placed:1"));
    let other = || Some("placed:2".to_owned());
    assert!(nothing_rings(&call.handle(Input::Accept(other()))));
    assert!(nothing_rings(&call.handle(Input::Reject(other()))));
    call.handle(Input::Accept(None));
    assert!(
        nothing_rings(&call.handle(Input::Reject(None))),
        "too late: the accept is on its way"
    );
}

#[test]
fn a_call_that_rings_is_left_to_others_when_listening_stops() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    let actions = call.handle(Input::Leave { for_everyone: true });
    assert_eq!(
        actions,
        [
            incoming_ended("placed:1", Some(IncomingEnd::Other)),
            Action::Emit(Event::State(CallState::Disconnecting)),
            Action::Disconnect,
            Action::Emit(Event::State(CallState::Disconnected)),
            Action::Finished,
        ]
    );
}

#[test]
fn a_call_that_is_being_accepted_is_left_when_listening_stops() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.handle(Input::Accept(None));
    let actions = call.handle(Input::Leave {
        for_everyone: false,
    });
    let leave = ClientMessage::Leave {
        for_everyone: false,
    };
    assert_eq!(sent(&actions), [leave]);
    assert_eq!(actions.last(), Some(&Action::Finished));
}

#[test]
fn the_machine_finishes_with_the_call_that_it_accepted() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.handle(Input::Accept(None));
    call.receive(accepted("placed:1", &[peer("alice")]));
    let actions = call.receive(ServerMessage::CallEnded {
        reason: "all left".into(),
    });
    assert_eq!(warnings(&actions), [CallError::Ended("all left".into())]);
    assert_eq!(actions.last(), Some(&Action::Finished));
}
