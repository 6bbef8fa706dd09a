//! Connections that are lost while listening for calls and answering them.

use super::harness::*;
use super::ringing::*;
use crate::call::*;
use crate::model::*;
use crate::signalling::message::*;

use IncomingEnd::Cancelled;

/// Loses the connection and listens again, on the server instance `run`.
fn listen_again(call: &mut Harness, run: &str) -> Vec<Action> {
    call.lose();
    call.handle(Input::SocketOpened);
    call.receive(welcome(run));
    call.receive(ServerMessage::Listening {})
}

#[test]
fn a_lost_connection_causes_one_warning_and_is_retried_for_ever() {
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
fn after_a_loss_a_call_that_is_not_announced_again_within_a_second_has_ended() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.receive(rings("placed:2"));
    assert_eq!(listen_again(&mut call, "run1"), []);
    assert_eq!(call.receive(rings("placed:2")), []);
    assert_eq!(call.after(999), []);
    assert_eq!(call.after(1), [incoming_ended("placed:1", Some(Cancelled))]);
    assert_eq!(call.handle(Input::Accept(None)), [accept("placed:2")]);
}

#[test]
fn incoming_calls_end_when_another_server_instance_takes_over() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    assert_eq!(
        listen_again(&mut call, "run2"),
        [incoming_ended("placed:1", Some(Cancelled))]
    );
    assert_eq!(call.call.poll_timeout(), None);
}

#[test]
fn without_a_connection_a_call_rings_for_at_most_thirty_seconds() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(emitted(&call.after(29_999)), []);
    assert_eq!(call.after(1), [incoming_ended("placed:1", Some(Cancelled))]);
}

/// A machine that accepted a call, lost the connection, and sent a join for that call.
fn unconfirmed() -> Harness {
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
fn a_call_whose_accept_was_on_its_way_when_the_connection_was_lost_is_joined() {
    let mut call = unconfirmed();
    let actions = call.receive(accepted("placed:1", &[peer("alice")]));
    assert_eq!(
        states(&actions),
        [CallState::Connecting, CallState::Connected]
    );
    assert!(actions.contains(&incoming_ended("placed:1", None)));
    // From then on a refusal concerns this call.
    call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(call.after(400), [Action::Connect]);
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    let actions = call.receive(error(ErrorCode::LimitExceeded));
    assert_eq!(warnings(&actions), [refused(ErrorCode::LimitExceeded)]);
}

#[test]
fn a_machine_whose_accept_did_not_get_it_into_the_call_listens_again() {
    for code in [ErrorCode::NotInvited, ErrorCode::TokenCall] {
        for rings_on in [true, false] {
            let mut call = unconfirmed();
            assert_eq!(call.receive(error(code)), [Action::Disconnect]);
            assert_eq!(call.after(400), [Action::Connect]);
            call.handle(Input::SocketOpened);
            let listen = Action::Send(ClientMessage::Listen {});
            assert_eq!(call.receive(welcome("run1")), [listen]);
            assert_eq!(call.receive(ServerMessage::Listening {}), []);
            if rings_on {
                assert_eq!(call.receive(rings("placed:1")), [accept("placed:1")]);
            } else {
                let end = incoming_ended("placed:1", Some(Cancelled));
                assert_eq!(call.after(1000), [end]);
            }
        }
    }
}

#[test]
fn an_accept_during_a_loss_is_sent_when_the_call_is_announced_again() {
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
fn a_call_declined_during_a_loss_ends_at_once_and_is_declined_when_announced_again() {
    let mut call = listening();
    call.receive(rings("placed:1"));
    call.receive(rings("placed:2"));
    call.lose();
    for name in ["placed:1", "placed:2"] {
        let actions = call.handle(Input::Reject(Some(name.into())));
        assert_eq!(actions, [incoming_ended(name, None)]);
    }
    assert!(nothing_rings(&call.handle(Input::Accept(None))));
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    call.receive(ServerMessage::Listening {});
    assert_eq!(call.receive(rings("placed:1")), [reject("placed:1")]);
    assert_eq!(call.after(1000), [], "nothing is left of the other call");
    let announced = Action::Emit(Event::Incoming(incoming("placed:2")));
    assert_eq!(call.receive(rings("placed:2")), [announced]);
}

#[test]
fn an_accept_without_a_reply_counts_as_a_lost_connection() {
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
fn a_full_call_cannot_be_accepted_and_listening_continues() {
    let mut call = listening_with(true);
    call.receive(rings("placed:1"));
    let actions = call.receive(error(ErrorCode::LimitExceeded));
    assert_eq!(warnings(&actions), [refused(ErrorCode::LimitExceeded)]);
    assert!(actions.contains(&Action::Disconnect));
    assert_eq!(call.after(200), [Action::Connect]);
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    call.receive(ServerMessage::Listening {});
    assert_eq!(
        call.receive(rings("placed:1")),
        [],
        "it is not accepted again"
    );
    assert_eq!(call.handle(Input::Accept(None)), [accept("placed:1")]);
}
