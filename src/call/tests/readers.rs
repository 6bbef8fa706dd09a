//! The streams that readers are bound to, and the wants that follow.

use std::collections::BTreeSet;

use super::harness::*;
use crate::call::*;
use crate::model::*;
use crate::signalling::message::*;

const READER: ReaderId = ReaderId(1);

fn of(session: &str, kind: Kind) -> Selector {
    Selector::Of {
        session: session.into(),
        kind,
    }
}

fn bind(participant: &str, kind: Kind) -> Action {
    Action::Bind(READER, Some((id(participant), kind)))
}

fn mix(participants: &[&str]) -> Action {
    Action::Mix(
        participants
            .iter()
            .map(|user| id(user))
            .collect::<BTreeSet<_>>(),
    )
}

/// The actions that concern readers.
fn reading(actions: &[Action]) -> Vec<Action> {
    let concerns = |action: &&Action| {
        matches!(
            action,
            Action::Bind(..) | Action::Mix(_) | Action::Send(ClientMessage::Want { .. })
        )
    };
    actions.iter().filter(concerns).cloned().collect()
}

#[test]
fn a_reader_of_a_session_is_bound_at_once_whether_or_not_the_stream_is_available() {
    let mut call = Harness::joined(&[peer("bob")]);
    let actions = call.handle(Input::AddReader(READER, of("bob", Kind::Video)));
    assert_eq!(
        actions,
        [bind("bob", Kind::Video), want("bob", &[Kind::Video])]
    );
    assert_eq!(
        reading(&call.receive(update(peer("bob").media(&[Kind::Video])))),
        []
    );
    let actions = call.handle(Input::RemoveReader(READER));
    assert_eq!(actions, [want("bob", &[])]);
}

#[test]
fn a_reader_may_exist_before_the_call_and_before_its_session() {
    let mut call = Harness::new();
    assert_eq!(
        call.handle(Input::AddReader(READER, of("bob", Kind::Audio))),
        []
    );
    call.handle(Input::Start);
    call.rejoin("run1", &[]);
    let actions = call.receive(update(peer("bob").away()));
    assert_eq!(
        reading(&actions),
        [bind("bob", Kind::Audio), want("bob", &[Kind::Audio])]
    );
}

#[test]
fn a_reader_of_a_session_that_left_is_bound_again_when_it_rejoins_with_another_id() {
    let mut call = Harness::joined(&[peer("bob")]);
    call.handle(Input::AddReader(READER, of("bob", Kind::Audio)));
    assert_eq!(
        reading(&call.receive(left("bob"))),
        [Action::Bind(READER, None)]
    );
    let again = Participant {
        id: id("bob-again"),
        ..peer("bob")
    };
    assert_eq!(
        reading(&call.receive(update(again))),
        [
            bind("bob-again", Kind::Audio),
            want("bob-again", &[Kind::Audio])
        ]
    );
}

#[test]
fn of_two_sessions_with_the_same_name_the_connected_one_is_read() {
    let mut call = Harness::joined(&[peer("bob")]);
    call.handle(Input::AddReader(READER, of("bob", Kind::Audio)));
    let twin = Participant {
        id: id("a-bob"),
        ..peer("bob")
    };
    assert_eq!(
        reading(&call.receive(update(twin))),
        [],
        "both are connected, so nothing changes"
    );
    assert_eq!(
        reading(&call.receive(update(peer("bob").away()))),
        [
            bind("a-bob", Kind::Audio),
            want("a-bob", &[Kind::Audio]),
            want("bob", &[])
        ]
    );
}

#[test]
fn a_reader_of_a_second_session_gets_only_that_session() {
    let mut call = Harness::joined(&[peer("bob")]);
    assert_eq!(
        call.handle(Input::AddReader(READER, of("bob:2", Kind::Audio))),
        []
    );
    let second = Participant {
        id: id("bob-2"),
        session: 2,
        ..peer("bob")
    };
    assert_eq!(
        reading(&call.receive(update(second)))[0],
        bind("bob-2", Kind::Audio)
    );
}

#[test]
fn losing_signalling_changes_no_reader() {
    let mut call = Harness::joined(&[peer("bob")]);
    call.handle(Input::AddReader(READER, of("bob", Kind::Audio)));
    assert_eq!(reading(&call.lose()), []);
    assert_eq!(
        reading(&call.rejoin("run2", &[])),
        [],
        "the server does not know a kept participant"
    );
    let actions = call.receive(update(peer("bob")));
    assert_eq!(reading(&actions), [want("bob", &[Kind::Audio])]);
}

#[test]
fn wants_are_repeated_after_a_rejoin_and_those_that_ended_meanwhile_are_withdrawn() {
    let mut call = Harness::joined(&[peer("bob"), peer("carol"), peer("dave")]);
    call.handle(Input::AddReader(READER, of("bob", Kind::Audio)));
    call.handle(Input::AddReader(ReaderId(2), of("carol", Kind::Audio)));
    call.lose();
    assert_eq!(call.handle(Input::RemoveReader(ReaderId(2))), []);
    let actions = call.rejoin("run1", &[peer("bob"), peer("carol"), peer("dave")]);
    assert_eq!(
        reading(&actions),
        [want("bob", &[Kind::Audio]), want("carol", &[])]
    );
}

#[test]
fn a_reader_of_any_session_takes_the_stream_that_became_available_first() {
    let mut call = Harness::joined(&[peer("alice"), peer("bob")]);
    assert_eq!(
        call.handle(Input::AddReader(
            READER,
            Selector::Any { kind: Kind::Video }
        )),
        []
    );
    assert_eq!(
        reading(&call.receive(update(peer("bob").media(&[Kind::Audio])))),
        []
    );
    let actions = call.receive(update(peer("bob").media(&[Kind::Video])));
    assert_eq!(
        reading(&actions),
        [bind("bob", Kind::Video), want("bob", &[Kind::Video])]
    );
    assert_eq!(
        reading(&call.receive(update(peer("alice").media(&[Kind::Video])))),
        []
    );

    let other = ReaderId(2);
    let actions = call.handle(Input::AddReader(other, Selector::Any { kind: Kind::Video }));
    assert_eq!(
        actions,
        [Action::Bind(other, Some((id("bob"), Kind::Video)))],
        "the same stream"
    );
}

#[test]
fn a_reader_of_any_session_keeps_it_until_it_leaves_and_then_takes_the_next() {
    let all = [
        peer("alice"),
        peer("bob").media(&[Kind::Video]),
        peer("carol"),
    ];
    let mut call = Harness::joined(&all);
    call.handle(Input::AddReader(
        READER,
        Selector::Any { kind: Kind::Video },
    ));
    assert_eq!(
        reading(&call.receive(update(peer("bob")))),
        [],
        "it stopped its camera"
    );
    call.receive(update(peer("carol").media(&[Kind::Video])));
    call.receive(update(peer("alice").media(&[Kind::Video])));
    assert_eq!(
        reading(&call.receive(update(peer("bob").away()))),
        [],
        "it may come back"
    );
    assert_eq!(
        reading(&call.receive(left("bob"))),
        [bind("carol", Kind::Video), want("carol", &[Kind::Video])]
    );
    call.receive(left("alice"));
    assert_eq!(
        reading(&call.receive(left("carol"))),
        [Action::Bind(READER, None)]
    );
}

#[test]
fn the_mix_has_all_senders_except_sessions_of_the_own_user() {
    let phone = Participant {
        user: "me".into(),
        session: 2,
        ..peer("phone")
    };
    let mut call = Harness::joined(&[peer("bob"), peer("listener").roles(true, false), phone]);
    let actions = call.handle(Input::AddReader(READER, Selector::MixedAudio));
    assert_eq!(actions, [mix(&["bob"]), want("bob", &[Kind::Audio])]);
    assert_eq!(
        call.handle(Input::AddReader(ReaderId(2), Selector::MixedAudio)),
        []
    );
    assert_eq!(
        reading(&call.receive(update(peer("carol")))),
        [mix(&["bob", "carol"]), want("carol", &[Kind::Audio])]
    );
    assert_eq!(
        reading(&call.receive(update(peer("bob").away()))),
        [],
        "its media may go on"
    );
    assert_eq!(reading(&call.receive(left("bob"))), [mix(&["carol"])]);
    assert_eq!(call.handle(Input::RemoveReader(READER)), []);
    let actions = call.handle(Input::RemoveReader(ReaderId(2)));
    assert_eq!(actions, [mix(&[]), want("carol", &[])]);
}

#[test]
fn the_wants_are_the_union_over_all_readers() {
    let mut call = Harness::joined(&[peer("bob")]);
    call.handle(Input::AddReader(READER, Selector::MixedAudio));
    let two = ReaderId(2);
    let actions = call.handle(Input::AddReader(two, of("bob", Kind::Screen)));
    assert_eq!(
        reading(&actions)[1..],
        [want("bob", &[Kind::Audio, Kind::Screen])]
    );
    let actions = call.handle(Input::AddReader(ReaderId(3), of("bob", Kind::Audio)));
    assert_eq!(
        reading(&actions).len(),
        1,
        "it is bound; audio is wanted already"
    );
    let actions = call.handle(Input::RemoveReader(READER));
    assert_eq!(reading(&actions), [mix(&[])]);
    let actions = call.handle(Input::RemoveReader(two));
    assert_eq!(reading(&actions), [want("bob", &[Kind::Audio])]);
}
