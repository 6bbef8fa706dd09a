//! The participants of the call, and those kept in it.

use super::harness::*;
use crate::call::*;
use crate::model::*;
use crate::signalling::message::*;

fn presence(participant: &Participant, state: ParticipantState) -> Event {
    Event::Participant(participant.clone(), state)
}

fn stream(participant: &Participant, kind: Kind, available: bool) -> Event {
    Event::Stream {
        participant: participant.clone(),
        kind,
        available,
    }
}

/// A joined call with bob and a connected leg, moved to another server instance that does not know
/// bob.
fn taken_over(bob: Participant) -> (Harness, LegId, Vec<Action>) {
    let (mut call, leg) = Harness::connected(bob);
    call.lose();
    let actions = call.rejoin("run2", &[]);
    (call, leg, actions)
}

#[test]
fn every_listed_participant_is_emitted_with_its_available_streams() {
    let mut call = Harness::new();
    call.handle(Input::Start);
    let bob = peer("bob").media(&[Kind::Audio, Kind::Video]);
    let carol = peer("carol").away();
    let actions = call.rejoin("run1", &[bob.clone(), carol.clone()]);
    assert_eq!(
        emitted(&actions)[2..],
        [
            presence(&bob, ParticipantState::Connected),
            stream(&bob, Kind::Audio, true),
            stream(&bob, Kind::Video, true),
            presence(&carol, ParticipantState::Connecting),
        ]
    );
    assert_eq!(call.call.participants().collect::<Vec<_>>(), [&bob, &carol]);
    assert_eq!(call.call.participant(&id("carol")), Some(&carol));
}

#[test]
fn joining_changing_and_leaving_emit_events() {
    let mut call = Harness::joined(&[]);
    let bob = peer("bob").roles(true, true);
    let actions = call.receive(update(bob.clone()));
    assert_eq!(
        emitted(&actions),
        [presence(&bob, ParticipantState::Connected)]
    );
    let bob = bob.media(&[Kind::Screen]);
    assert_eq!(
        emitted(&call.receive(update(bob.clone()))),
        [stream(&bob, Kind::Screen, true)]
    );
    let bob = bob.media(&[Kind::Audio]);
    assert_eq!(
        emitted(&call.receive(update(bob.clone()))),
        [
            stream(&bob, Kind::Audio, true),
            stream(&bob, Kind::Screen, false)
        ]
    );
    let bob = bob.away();
    let actions = call.receive(update(bob.clone()));
    assert_eq!(
        emitted(&actions),
        [presence(&bob, ParticipantState::Connecting)]
    );
    let gone = bob.media(&[]);
    assert_eq!(
        emitted(&call.receive(left("bob"))),
        [
            stream(&gone, Kind::Audio, false),
            presence(&gone, ParticipantState::Disconnected)
        ]
    );
    assert_eq!(call.receive(left("bob")), [], "nobody leaves twice");
    assert_eq!(call.call.participants().count(), 0);
}

#[test]
fn a_participant_is_never_its_own_peer() {
    let mut call = Harness::joined(&[peer("me1")]);
    assert_eq!(call.call.participants().count(), 0);
    assert_eq!(call.receive(update(peer("me1"))), []);
}

#[test]
fn another_session_of_the_own_user_is_known_as_such() {
    let phone = Participant {
        user: "me".into(),
        session: 2,
        ..peer("phone")
    };
    let call = Harness::joined(&[phone, peer("bob")]);
    assert!(call.call.is_own_user(&id("phone")));
    assert!(!call.call.is_own_user(&id("bob")));
}

#[test]
fn losing_the_connection_affects_neither_legs_nor_participants() {
    let (mut call, leg) = Harness::connected(peer("bob"));
    let actions = call.lose();
    assert_eq!(emitted(&actions).len(), 1, "only the loss: {actions:?}");
    let actions = call.rejoin("run1", &[peer("bob").wants(&[Kind::Audio])]);
    assert_eq!(actions[2..], [Action::Feed(leg, kinds(&[Kind::Audio]))]);
}

#[test]
fn participants_that_the_same_server_instance_does_not_list_have_left() {
    let (mut call, leg) = Harness::connected(peer("bob"));
    call.lose();
    let actions = call.rejoin("run1", &[]);
    assert_eq!(
        emitted(&actions),
        [presence(
            &peer("bob").away(),
            ParticipantState::Disconnected
        )]
    );
    assert!(actions.contains(&Action::CloseLeg(leg)));
}

#[test]
fn participants_that_another_server_instance_does_not_list_are_kept_for_thirty_seconds() {
    let (mut call, leg, actions) = taken_over(peer("bob").media(&[Kind::Audio]));
    let kept = peer("bob").media(&[Kind::Audio]).away();
    assert_eq!(
        emitted(&actions),
        [presence(&kept, ParticipantState::Connecting)]
    );
    assert!(!actions.contains(&Action::CloseLeg(leg.clone())));
    assert_eq!(call.after(29_999), []);
    let gone = peer("bob").away();
    assert_eq!(
        call.after(1),
        [
            Action::Emit(stream(&gone, Kind::Audio, false)),
            Action::Emit(presence(&gone, ParticipantState::Disconnected)),
            Action::CloseLeg(leg),
        ]
    );
}

#[test]
fn a_kept_participant_that_rejoins_in_time_continues_undisturbed() {
    let (mut call, _, _) = taken_over(peer("bob"));
    call.after(20_000);
    let actions = call.receive(update(peer("bob")));
    assert_eq!(
        actions,
        [Action::Emit(presence(
            &peer("bob"),
            ParticipantState::Connected
        ))]
    );
    assert_eq!(call.after(60_000), []);
}

#[test]
fn a_kept_participant_stays_when_the_connection_is_lost_again() {
    let (mut call, leg, _) = taken_over(peer("bob"));
    call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(call.after(400), [Action::Connect]);
    assert_eq!(emitted(&call.rejoin("run2", &[])), []);
    call.handle(Input::SocketClosed("cable".into()));
    assert_eq!(call.after(800), [Action::Connect]);
    assert_eq!(emitted(&call.rejoin("run3", &[])), []);
    let actions = call.after(30_000 - 1200);
    assert!(
        actions.contains(&Action::CloseLeg(leg)),
        "30 s from the first takeover: {actions:?}"
    );
}

#[test]
fn wants_stay_in_force_until_peers_had_time_to_repeat_them_to_another_server_instance() {
    let bob = peer("bob").wants(&[Kind::Video]);
    let (mut call, leg, _) = taken_over(bob.clone());
    call.after(5000);
    assert_eq!(emitted(&call.receive(update(peer("bob")))).len(), 1);
    let repeated = bob.wants(&[Kind::Video, Kind::Audio]);
    let actions = call.receive(update(repeated));
    assert_eq!(
        actions,
        [Action::Feed(
            leg.clone(),
            kinds(&[Kind::Audio, Kind::Video])
        )]
    );
    assert_eq!(call.after(1000), []);
    let actions = call.receive(update(peer("bob")));
    assert_eq!(actions, [Action::Feed(leg, Kinds::new())]);
}

#[test]
fn wants_that_are_not_repeated_to_another_server_instance_end_after_a_second() {
    let (mut call, leg, _) = taken_over(peer("bob").wants(&[Kind::Video]));
    call.receive(update(peer("bob")));
    assert_eq!(call.after(999), []);
    assert_eq!(call.after(1), [Action::Feed(leg, Kinds::new())]);
}

#[test]
fn a_removed_participant_that_comes_back_with_its_id_learns_that_its_leg_is_closed() {
    let mut call = Harness::joined(&[peer("bob")]);
    call.signal("bob", 7, LegEnd::Sender, LegStep::Offer("sdp".into()));
    call.handle(Input::LegConnected(receiving("bob", 7)));
    call.receive(update(peer("bob").away()));
    call.receive(left("bob"));
    let actions = call.receive(update(peer("bob")));
    let reason = "it was closed while its sender was gone".to_owned();
    assert!(actions.contains(&signalled(
        "bob",
        7,
        LegEnd::Receiver,
        LegStep::Failed(reason)
    )));
    assert_eq!(opened(&actions), [sending("bob", 2)]);
}
