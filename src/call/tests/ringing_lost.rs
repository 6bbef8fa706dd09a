//! Connections that are lost while waiting for calls and answering them.

use super::harness::*;
use super::ringing::*;
use crate::call::*;
use crate::model::*;
use crate::signalling::message::*;

use IncomingEnd::Cancelled;

/// Loses the connection and listens again, on the server run `run`.
fn listen_again(call: &mut Harness, run: &str) -> Vec<Action> {
    call.lose();
    call.handle(Input::SocketOpened);
    call.receive(welcome(run));
    call.receive(ServerMessage::Listening {})
}

#[test]
fn a_lost_connection_is_told_once_and_tried_for_ever() {
    let mut call = listening();
    let actions = call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(
        warnings(&actions),
        [CallError::SignallingLost("cable".into())]
    );
    for delay in [200, 400, 800, 1600, 3200, 5000, 5000] {
        assert_eq!(call.after(delay), [Action::Connect]);
        assert_eq!(call.handle(Input::SocketClosed("refused".into())), []);
    }
    call.after(5000);
    call.handle(Input::SocketOpened);
    assert_eq!(
        sent(&call.receive(welcome("run2"))),
        [ClientMessage::Listen {}]
    );
    assert_eq!(call.receive(ServerMessage::Listening {}), []);
    assert_eq!(call.call.state(), CallState::None);
}

#[test]
fn what_rings_on_after_a_loss_is_known_and_what_is_not_told_anew_within_a_second_is_over() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.receive(rings("placed:2"));
    assert_eq!(listen_again(&mut call, "run1"), []);
    assert_eq!(call.receive(rings("placed:2")), []);
    assert_eq!(call.after(999), []);
    assert_eq!(call.after(1), [end_told("placed:1", Some(Cancelled))]);
    assert_eq!(call.handle(Input::Accept(None)), [accept("placed:2")]);
}

#[test]
fn nothing_rings_on_when_another_server_run_has_taken_over() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    assert_eq!(
        listen_again(&mut call, "run2"),
        [end_told("placed:1", Some(Cancelled))]
    );
    assert_eq!(call.call.poll_timeout(), None);
}

#[test]
fn what_rang_when_the_connection_was_lost_rings_no_longer_than_thirty_seconds() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(emitted(&call.after(29_999)), []);
    assert_eq!(call.after(1), [end_told("placed:1", Some(Cancelled))]);
}

/// Has accepted what rings, lost the connection and come back with a join instead.
fn in_doubt() -> Harness {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.handle(Input::Accept(None));
    call.lose();
    call.handle(Input::SocketOpened);
    let join = ClientMessage::Join {
        call: "placed:1".into(),
        receives: true,
        sends: true,
        media: Kinds::new(),
        resume: None,
    };
    assert_eq!(call.receive(welcome("run1")), [Action::Send(join)]);
    call
}

#[test]
fn one_whose_answer_was_on_its_way_when_the_connection_was_lost_comes_into_the_call() {
    let mut call = in_doubt();
    let actions = call.receive(accepted("placed:1", &[peer("alice")]));
    assert_eq!(
        states(&actions),
        [CallState::Connecting, CallState::Connected]
    );
    assert!(actions.contains(&end_told("placed:1", None)));
    // From then on a refusal is one of this call.
    call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(call.after(400), [Action::Connect]);
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    let actions = call.receive(error(ErrorCode::LimitExceeded));
    assert_eq!(warnings(&actions), [refused(ErrorCode::LimitExceeded)]);
}

#[test]
fn one_whose_answer_did_not_bring_it_into_the_call_listens_again() {
    for code in [ErrorCode::NotInvited, ErrorCode::TokenCall] {
        for rings_on in [true, false] {
            let mut call = in_doubt();
            assert_eq!(call.receive(error(code)), [Action::Disconnect]);
            assert_eq!(call.after(400), [Action::Connect]);
            call.handle(Input::SocketOpened);
            let listen = Action::Send(ClientMessage::Listen {});
            assert_eq!(call.receive(welcome("run1")), [listen]);
            assert_eq!(call.receive(ServerMessage::Listening {}), []);
            if rings_on {
                assert_eq!(call.receive(rings("placed:1")), [accept("placed:1")]);
            } else {
                let end = end_told("placed:1", Some(Cancelled));
                assert_eq!(call.after(1000), [end]);
            }
        }
    }
}

#[test]
fn an_answer_given_while_the_connection_is_lost_is_sent_when_it_rings_again() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.lose();
    assert_eq!(call.handle(Input::Accept(None)), []);
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    assert_eq!(call.receive(ServerMessage::Listening {}), []);
    assert_eq!(call.receive(rings("placed:1")), [accept("placed:1")]);
}

#[test]
fn what_is_declined_during_a_loss_is_over_at_once_and_declined_when_it_rings_again() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.receive(rings("placed:2"));
    call.lose();
    for name in ["placed:1", "placed:2"] {
        let actions = call.handle(Input::Reject(Some(name.into())));
        assert_eq!(actions, [end_told(name, None)]);
    }
    assert!(nothing_rings(&call.handle(Input::Accept(None))));
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    call.receive(ServerMessage::Listening {});
    assert_eq!(call.receive(rings("placed:1")), [reject("placed:1")]);
    assert_eq!(call.after(1000), [], "of the other nothing is left");
    let told_so = Action::Emit(Event::Incoming(incoming("placed:2")));
    assert_eq!(call.receive(rings("placed:2")), [told_so]);
}

#[test]
fn an_answer_without_a_reply_counts_as_a_lost_connection() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.handle(Input::Accept(None));
    assert_eq!(call.after(4999), []);
    let actions = call.after(1);
    assert_eq!(actions[0], Action::Disconnect);
    assert!(matches!(
        warnings(&actions)[..],
        [CallError::SignallingLost(_)]
    ));
    assert_eq!(call.after(200), [Action::Connect]);
}

#[test]
fn a_full_call_cannot_be_answered_and_listening_goes_on() {
    let mut call = listening_with(true);
    call.receive(rings("placed:1"));
    let actions = call.receive(error(ErrorCode::LimitExceeded));
    assert_eq!(warnings(&actions), [refused(ErrorCode::LimitExceeded)]);
    assert!(actions.contains(&Action::Disconnect));
    assert_eq!(call.after(200), [Action::Connect]);
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    call.receive(ServerMessage::Listening {});
    assert_eq!(call.receive(rings("placed:1")), [], "once is enough");
    assert_eq!(call.handle(Input::Accept(None)), [accept("placed:1")]);
}
