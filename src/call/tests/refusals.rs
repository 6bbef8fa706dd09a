//! Refusals by the server, and their effect on the call.

use super::harness::*;
use crate::call::*;
use crate::signalling::message::*;

#[test]
fn a_fatal_error_before_the_first_join_ends_the_call() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    call.handle(Input::SocketOpened);
    let actions = call.receive(error(ErrorCode::BadName));
    assert_eq!(
        emitted(&actions)[0],
        Event::Error(refused(ErrorCode::BadName))
    );
    assert!(actions.contains(&Action::Disconnect));
    assert_eq!(actions.last(), Some(&Action::Finished));
}

#[test]
fn a_server_that_chooses_a_version_that_was_not_offered_is_refused() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    call.handle(Input::SocketOpened);
    let actions = call.receive(ServerMessage::Welcome {
        version: 9,
        server: "run1".into(),
    });
    assert!(matches!(
        emitted(&actions)[0],
        Event::Error(CallError::Refused {
            code: ErrorCode::UnsupportedVersion,
            ..
        })
    ));
}

#[test]
fn a_resume_that_is_refused_leads_to_a_new_participant_with_new_legs() {
    let (mut call, leg) = Harness::connected(peer("bob"));
    call.lose();
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    let actions = call.receive(error(ErrorCode::BadResume));
    assert_eq!(
        actions,
        [Action::Disconnect],
        "no warning: it rejoins by itself"
    );
    assert_eq!(call.after(400), [Action::Connect]);
    call.handle(Input::SocketOpened);
    assert_eq!(sent(&call.receive(welcome("run1"))), [join(None)]);
    let actions = call.receive(joined("me2", &[peer("bob")]));
    assert_eq!(actions, [Action::CloseLeg(leg), open(&sending("bob", 2))]);
    assert_eq!(call.call.own_id(), Some(&id("me2")));
}

#[test]
fn another_fatal_error_on_a_rejoin_causes_one_warning_and_is_retried() {
    let mut call = Harness::joined(&[]);
    call.lose();
    call.handle(Input::SocketOpened);
    let actions = call.receive(error(ErrorCode::LimitExceeded));
    assert_eq!(warnings(&actions), [refused(ErrorCode::LimitExceeded)]);
    assert!(actions.contains(&Action::Disconnect));
    assert_eq!(call.after(400), [Action::Connect]);
    call.handle(Input::SocketOpened);
    assert_eq!(
        call.receive(error(ErrorCode::LimitExceeded)),
        [Action::Disconnect]
    );
    assert_eq!(call.after(800), [Action::Connect]);
}

#[test]
fn a_refused_token_ends_the_call_even_on_a_rejoin() {
    for code in [
        ErrorCode::TokenRequired,
        ErrorCode::TokenMalformed,
        ErrorCode::TokenAlgorithm,
        ErrorCode::TokenSignature,
        ErrorCode::TokenExpired,
        ErrorCode::TokenNotYetValid,
        ErrorCode::TokenUser,
        ErrorCode::TokenCall,
    ] {
        let (mut call, leg) = Harness::connected(peer("bob"));
        call.lose();
        call.handle(Input::SocketOpened);
        if code == ErrorCode::TokenCall {
            call.receive(welcome("run1"));
        }
        let actions = call.receive(error(code));
        assert_eq!(
            emitted(&actions),
            [
                Event::Error(refused(code)),
                Event::State(CallState::Disconnecting),
                Event::State(CallState::Disconnected),
            ]
        );
        assert!(actions.contains(&Action::CloseLeg(leg)));
        assert!(actions.contains(&Action::Disconnect));
        assert_eq!(actions.last(), Some(&Action::Finished));
        assert_eq!(call.call.poll_timeout(), None);
    }
}

#[test]
fn a_fatal_error_in_the_call_is_a_lost_connection() {
    let (mut call, _) = Harness::connected(peer("bob"));
    let actions = call.receive(error(ErrorCode::Replaced));
    let lost = CallError::SignallingLost("no".into());
    assert_eq!(
        actions,
        [Action::Disconnect, Action::Emit(Event::Warning(lost))]
    );
    assert_eq!(call.after(200), [Action::Connect]);
}

#[test]
fn an_error_that_is_not_fatal_is_a_warning() {
    let mut call = Harness::joined(&[]);
    let actions = call.receive(error(ErrorCode::Other));
    assert_eq!(
        actions,
        [Action::Emit(Event::Warning(refused(ErrorCode::Other)))]
    );
}

#[test]
fn a_message_to_a_participant_that_has_left_causes_no_warning() {
    let mut call = Harness::joined(&[]);
    assert_eq!(call.receive(error(ErrorCode::UnknownParticipant)), []);
}
