//! Placing calls, and inviting further users.

use super::harness::*;
use crate::call::*;
use crate::model::*;
use crate::signalling::message::*;

use CalleeState::{Accepted, Busy, Declined, Ringing, Unknown};

const PLACED_CALL: &str = "placed:1";

/// A call to bob and carol, for which `place` has been sent.
fn welcomed() -> Harness {
    let mut call = Harness::to(Target::Place(vec!["bob".into(), "carol".into()]));
    call.handle(Input::Roles {
        receives: true,
        sends: true,
    });
    call.handle(Input::Start);
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    call
}

/// The same call, while bob and carol are being rung.
fn ringing() -> Harness {
    let mut call = welcomed();
    call.receive(placed(&[], &["bob", "carol"]));
    call
}

/// The same call, after bob has joined.
fn answered() -> Harness {
    let mut call = ringing();
    call.receive(callee("bob", Accepted));
    call.receive(update(peer("bob")));
    call
}

fn placed(others: &[Participant], ringing: &[&str]) -> ServerMessage {
    ServerMessage::Joined {
        call: PLACED_CALL.into(),
        resume: resume("me1"),
        participants: others.to_vec(),
        ringing: ringing.iter().map(|user| (*user).to_owned()).collect(),
        ice_servers: Vec::new(),
    }
}

/// Loses the connection, and rejoins on the server instance `run`, which lists these.
fn rejoin(call: &mut Harness, run: &str, others: &[Participant], ringing: &[&str]) -> Vec<Action> {
    call.lose();
    call.handle(Input::SocketOpened);
    call.receive(welcome(run));
    call.receive(placed(others, ringing))
}

fn callee(user: &str, state: CalleeState) -> ServerMessage {
    let user = user.into();
    ServerMessage::Callee { user, state }
}

fn callee_event(user: &str, state: CalleeState) -> Event {
    Event::Callee(user.into(), state)
}

fn joined_event(user: &str) -> Event {
    Event::Participant(peer(user), ParticipantState::Connected)
}

fn leave(for_everyone: bool) -> ClientMessage {
    ClientMessage::Leave { for_everyone }
}

#[test]
fn a_placed_call_is_named_by_the_server_rings_and_is_connected_when_somebody_joins() {
    let mut call = Harness::to(Target::Place(vec!["bob".into()]));
    call.handle(Input::Roles {
        receives: true,
        sends: false,
    });
    call.handle(Input::Media(kinds(&[Kind::Audio])));
    let actions = call.handle(Input::Start);
    assert_eq!(states(&actions), [CallState::Connecting]);
    call.handle(Input::SocketOpened);
    let place = ClientMessage::Place {
        callees: vec!["bob".into()],
        receives: true,
        sends: false,
        media: kinds(&[Kind::Audio]),
    };
    assert_eq!(
        call.receive(welcome("run1")),
        [Action::Send(place)],
        "roles and media need no further message"
    );
    assert_eq!(call.call.name(), None);
    let actions = call.receive(placed(&[], &["bob"]));
    assert_eq!(
        emitted(&actions),
        [
            Event::Named(PLACED_CALL.into()),
            Event::State(CallState::Ringing),
            callee_event("bob", Ringing),
        ]
    );
    assert_eq!(sent(&actions), []);
    assert_eq!(call.call.name(), Some(PLACED_CALL));
    assert_eq!(call.call.callees().collect::<Vec<_>>(), ["bob"]);
    assert_eq!(call.call.poll_timeout(), None);
    assert_eq!(call.receive(callee("bob", Ringing)), [], "it is known");
    let actions = call.receive(callee("bob", Accepted));
    assert_eq!(emitted(&actions), [callee_event("bob", Accepted)]);
    assert_eq!(call.call.callees().count(), 0);
    let actions = call.receive(update(peer("bob")));
    assert_eq!(
        emitted(&actions),
        [Event::State(CallState::Connected), joined_event("bob")]
    );
}

#[test]
fn the_state_of_each_callee_is_emitted() {
    let mut call = ringing();
    for (user, state) in [("carol", Declined), ("dave", Busy), ("erin", Unknown)] {
        let actions = call.receive(callee(user, state));
        assert_eq!(actions, [Action::Emit(callee_event(user, state))]);
    }
    assert_eq!(call.call.callees().collect::<Vec<_>>(), ["bob"]);
    assert_eq!(call.call.state(), CallState::Ringing);
}

#[test]
fn a_call_that_somebody_joined_and_left_does_not_ring_again() {
    let mut call = answered();
    call.receive(left("bob"));
    assert_eq!(
        call.call.state(),
        CallState::Connected,
        "carol is still being rung"
    );
}

#[test]
fn a_callee_that_joins_has_accepted_whether_or_not_the_server_said_so() {
    let mut call = ringing();
    assert_eq!(
        emitted(&call.receive(update(peer("bob")))),
        [
            callee_event("bob", Accepted),
            Event::State(CallState::Connected),
            joined_event("bob"),
        ]
    );
    assert_eq!(call.receive(callee("bob", Accepted)), [], "too late");
}

#[test]
fn a_call_that_nobody_answers_ends_with_the_servers_reason() {
    for code in [
        ErrorCode::CalleeUnknown,
        ErrorCode::CalleeBusy,
        ErrorCode::CalleeDeclined,
        ErrorCode::CalleeNoAnswer,
    ] {
        let mut call = ringing();
        let actions = call.receive(error(code));
        assert_eq!(
            emitted(&actions),
            [
                Event::Error(refused(code)),
                Event::State(CallState::Disconnecting),
                Event::State(CallState::Disconnected),
            ]
        );
        assert_eq!(actions.last(), Some(&Action::Finished));
        assert_eq!(call.call.poll_timeout(), None);
    }
}

#[test]
fn a_call_that_everybody_declined_during_a_loss_ends_on_rejoining() {
    let mut call = ringing();
    call.lose();
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    let actions = call.receive(error(ErrorCode::CalleeDeclined));
    assert_eq!(
        emitted(&actions)[0],
        Event::Error(refused(ErrorCode::CalleeDeclined))
    );
    assert_eq!(actions.last(), Some(&Action::Finished));
}

#[test]
fn a_token_that_does_not_allow_placing_calls_ends_the_call_before_it_starts() {
    let mut call = welcomed();
    let actions = call.receive(error(ErrorCode::TokenPlace));
    assert_eq!(
        emitted(&actions)[0],
        Event::Error(refused(ErrorCode::TokenPlace))
    );
    assert_eq!(actions.last(), Some(&Action::Finished));
}

#[test]
fn a_server_that_cannot_place_calls_is_an_error_at_once() {
    let mut call = welcomed();
    let actions = call.receive(error(ErrorCode::UnknownMessage));
    assert_eq!(
        emitted(&actions)[0],
        Event::Error(refused(ErrorCode::UnknownMessage))
    );
}

#[test]
fn a_connection_lost_before_the_call_has_a_name_places_it_again() {
    let mut call = welcomed();
    assert_eq!(call.handle(Input::SocketClosed("cable".into())), []);
    call.after(200);
    call.handle(Input::SocketOpened);
    let messages = sent(&call.receive(welcome("run1")));
    assert!(matches!(messages[..], [ClientMessage::Place { .. }]));
}

#[test]
fn a_caller_rejoins_its_call_by_name_and_the_call_keeps_ringing() {
    let mut call = ringing();
    call.lose();
    call.handle(Input::SocketOpened);
    let join = ClientMessage::Join {
        call: PLACED_CALL.into(),
        receives: true,
        sends: true,
        media: Kinds::new(),
        resume: Some(resume("me1")),
    };
    assert_eq!(call.receive(welcome("run1")), [Action::Send(join)]);
    assert_eq!(call.receive(placed(&[], &["bob", "carol"])), []);
    assert_eq!(call.call.state(), CallState::Ringing);
}

#[test]
fn changes_of_callees_during_a_loss_are_emitted_on_rejoining() {
    let mut call = ringing();
    let actions = rejoin(&mut call, "run1", &[peer("bob")], &["dave"]);
    assert_eq!(
        emitted(&actions),
        [
            callee_event("bob", Accepted),
            callee_event("carol", CalleeState::Other),
            callee_event("dave", Ringing),
            Event::State(CallState::Connected),
            joined_event("bob"),
        ]
    );
}

#[test]
fn a_call_that_no_longer_rings_after_a_loss_is_an_error_that_says_to_call_again() {
    for run in ["run1", "run2"] {
        let mut call = ringing();
        let actions = rejoin(&mut call, run, &[], &[]);
        let events = emitted(&actions);
        let Event::Error(CallError::Ended(reason)) = &events[2] else {
            panic!("{events:?}");
        };
        assert!(reason.ends_with("call again"), "{reason}");
        assert_eq!(reason.contains("restarted"), run == "run2", "{reason}");
        assert!(
            sent(&actions).contains(&leave(false)),
            "nobody is left there"
        );
        assert_eq!(actions.last(), Some(&Action::Finished));
    }
}

#[test]
fn a_connected_call_continues_on_another_server_instance() {
    let mut call = answered();
    let actions = rejoin(&mut call, "run2", &[], &[]);
    assert_eq!(
        emitted(&actions),
        [
            callee_event("carol", CalleeState::Other),
            Event::Participant(peer("bob").away(), ParticipantState::Connecting),
        ]
    );
    assert_eq!(
        emitted(&call.receive(update(peer("bob")))),
        [joined_event("bob")],
        "he rejoins"
    );
}

#[test]
fn a_placed_call_that_ended_during_a_loss_ends_here_too() {
    for (mut call, is_error) in [(ringing(), true), (answered(), false)] {
        call.lose();
        call.handle(Input::SocketOpened);
        call.receive(welcome("run1"));
        let actions = call.receive(error(ErrorCode::NotInvited));
        let error = CallError::Ended("no".into());
        let event = match is_error {
            true => Event::Error(error),
            false => Event::Warning(error),
        };
        assert_eq!(emitted(&actions)[0], event);
        assert_eq!(actions.last(), Some(&Action::Finished));
    }
}

#[test]
fn joining_a_placed_call_without_an_invitation_is_an_error() {
    let mut call = Harness::to(Target::Join(PLACED_CALL.into()));
    call.handle(Input::Start);
    call.handle(Input::SocketOpened);
    call.receive(welcome("run1"));
    let actions = call.receive(error(ErrorCode::NotInvited));
    assert_eq!(
        emitted(&actions)[0],
        Event::Error(refused(ErrorCode::NotInvited))
    );
}

#[test]
fn further_users_can_be_invited_into_any_call() {
    let mut call = Harness::joined(&[]);
    let users = vec!["dave".to_owned()];
    let actions = call.handle(Input::Invite(users.clone()));
    assert_eq!(actions, [Action::Send(ClientMessage::Invite { users })]);
    let actions = call.receive(callee("dave", Ringing));
    assert_eq!(emitted(&actions), [callee_event("dave", Ringing)]);
    assert_eq!(call.call.state(), CallState::Connected);
    let actions = call.receive(callee("dave", Declined));
    assert_eq!(emitted(&actions), [callee_event("dave", Declined)]);
}

#[test]
fn an_invitation_that_the_token_does_not_allow_is_a_warning() {
    let mut call = Harness::joined(&[]);
    call.handle(Input::Invite(vec!["dave".into()]));
    assert_eq!(
        call.receive(error(ErrorCode::TokenPlace)),
        [Action::Emit(Event::Warning(refused(ErrorCode::TokenPlace)))]
    );
}

#[test]
fn an_invitation_without_a_call_or_without_a_connection_is_a_warning() {
    let invite = || Input::Invite(vec!["dave".into()]);
    let mut lost = Harness::joined(&[]);
    lost.lose();
    for mut call in [Harness::new(), welcomed(), lost] {
        let actions = call.handle(invite());
        assert!(
            matches!(warnings(&actions)[..], [CallError::Uninvited(_)]),
            "{actions:?}"
        );
        assert_eq!(actions.len(), 1);
    }
}
