//! Leaving, and calls that end.

use super::harness::*;
use crate::call::*;
use crate::signalling::message::*;

fn leave(for_everyone: bool) -> ClientMessage {
    ClientMessage::Leave { for_everyone }
}

#[test]
fn a_call_that_the_server_ends_emits_its_events_in_order() {
    let (mut call, leg) = Harness::connected(peer("bob"));
    let actions = call.receive(ServerMessage::CallEnded {
        reason: "all left".into(),
    });
    assert_eq!(
        emitted(&actions),
        [
            Event::Warning(CallError::Ended("all left".into())),
            Event::State(CallState::Disconnecting),
            Event::State(CallState::Disconnected),
        ]
    );
    assert!(actions.contains(&Action::CloseLeg(leg)));
    assert_eq!(actions.last(), Some(&Action::Finished));
}

#[test]
fn leaving_sends_leave_closes_the_legs_and_finishes() {
    let (mut call, leg) = Harness::connected(peer("bob"));
    let actions = call.handle(Input::Leave {
        for_everyone: false,
    });
    assert_eq!(
        actions,
        [
            Action::Emit(Event::State(CallState::Disconnecting)),
            Action::Send(ClientMessage::Leave {
                for_everyone: false
            }),
            Action::Disconnect,
            Action::CloseLeg(leg),
            Action::Emit(Event::State(CallState::Disconnected)),
            Action::Finished,
        ]
    );
    assert_eq!(call.call.poll_timeout(), None);
}

#[test]
fn leaving_ends_the_call_in_every_state_and_nothing_follows() {
    type Step = fn(&mut Harness);
    let steps: [(&str, bool, Step); 8] = [
        ("started", false, |call| drop(call.handle(Input::Start))),
        ("refused", false, |call| {
            drop(call.handle(Input::SocketClosed("refused".into())))
        }),
        ("reconnecting", false, |call| drop(call.after(200))),
        ("opened", false, |call| {
            drop(call.handle(Input::SocketOpened))
        }),
        ("welcomed", true, |call| drop(call.receive(welcome("run1")))),
        ("joined", true, |call| {
            drop(call.receive(joined("me1", &[peer("bob")])))
        }),
        ("lost", false, |call| {
            drop(call.handle(Input::SocketClosed("cable".into())))
        }),
        ("reconnecting after the loss", false, |call| {
            drop(call.after(200))
        }),
    ];
    for count in 0..=steps.len() {
        let mut call = Harness::new();
        call.handle(Input::Roles {
            receives: true,
            sends: true,
        });
        for (_, _, step) in &steps[..count] {
            step(&mut call);
        }
        let (name, sends_leave) = count
            .checked_sub(1)
            .map_or(("new", false), |at| (steps[at].0, steps[at].1));
        let actions = call.handle(Input::Leave {
            for_everyone: false,
        });
        assert_eq!(actions.last(), Some(&Action::Finished), "{name}");
        let is_sent = sent(&actions).contains(&ClientMessage::Leave {
            for_everyone: false,
        });
        assert_eq!(is_sent, sends_leave, "{name}");
        assert_eq!(call.call.state(), CallState::Disconnected);
        assert_eq!(
            call.handle(Input::Leave {
                for_everyone: false
            }),
            [],
            "{name}"
        );
        assert_eq!(call.handle(Input::Start), [], "{name}");
        assert_eq!(call.handle(Input::SocketOpened), [], "{name}");
        assert_eq!(call.after(60_000), [], "{name}");
    }
}

#[test]
fn a_call_ends_for_everyone_when_the_server_has_ended_it() {
    let (mut call, _) = Harness::connected(peer("bob"));
    let actions = call.handle(Input::Leave { for_everyone: true });
    assert_eq!(actions, [Action::Send(leave(true))]);
    assert_eq!(call.handle(Input::Leave { for_everyone: true }), []);
    let actions = call.handle(Input::SocketClosed("closed".into()));
    assert_eq!(
        emitted(&actions),
        [
            Event::State(CallState::Disconnecting),
            Event::State(CallState::Disconnected),
        ]
    );
    assert_eq!(actions.last(), Some(&Action::Finished));
}

#[test]
fn a_call_that_may_not_be_ended_for_everyone_continues() {
    let (mut call, _) = Harness::connected(peer("bob"));
    call.handle(Input::Leave { for_everyone: true });
    assert_eq!(
        call.receive(error(ErrorCode::TokenPlace)),
        [Action::Emit(Event::Warning(refused(ErrorCode::TokenPlace)))]
    );
    assert_eq!(call.after(60_000), []);
    let actions = call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(warnings(&actions).len(), 1, "an ordinary loss");
    assert_eq!(call.after(200), [Action::Connect]);
}

#[test]
fn ending_the_call_for_everyone_leaves_it_even_if_the_server_stays_silent() {
    let (mut call, _) = Harness::connected(peer("bob"));
    call.handle(Input::Leave { for_everyone: true });
    assert_eq!(call.after(4999), []);
    let actions = call.after(1);
    assert_eq!(sent(&actions), [leave(false)]);
    assert_eq!(actions.last(), Some(&Action::Finished));
}

#[test]
fn a_call_can_be_left_while_it_is_being_ended_for_everyone() {
    let (mut call, _) = Harness::connected(peer("bob"));
    call.handle(Input::Leave { for_everyone: true });
    let actions = call.handle(Input::Leave {
        for_everyone: false,
    });
    assert_eq!(actions.last(), Some(&Action::Finished));
}

#[test]
fn without_a_connection_only_this_end_leaves() {
    let (mut call, _) = Harness::connected(peer("bob"));
    call.lose();
    let actions = call.handle(Input::Leave { for_everyone: true });
    assert_eq!(sent(&actions), []);
    assert_eq!(actions.last(), Some(&Action::Finished));
}
