//! The end of calls: nobody answers, the others leave, or a participant ends the call for everyone.

use super::*;

/// Returns the text of the error that ends the caller's call, after the states of its callees.
fn fails(stage: &mut Stage, caller: ConnectionId, expected: ErrorCode) -> String {
    let last = stage.received.get_mut(&caller).unwrap().pop().unwrap();
    let ServerMessage::Error { code, message } = last else {
        panic!("{last:?}")
    };
    assert_eq!(code, expected, "{message}");
    assert!(stage.closed.contains(&caller));
    message
}

#[test]
fn a_call_that_nobody_answers_ends_with_the_state_of_the_last_callee() {
    let mut stage = Stage::new();
    let id = stage.hello("anna");
    stage.say_place(id, &["bert"]);
    let text = fails(&mut stage, id, ErrorCode::CalleeUnknown);
    assert!(
        text.contains("nobody waits for calls as \"bert\""),
        "{text}"
    );
    assert_eq!(stage.take(id).len(), 2, "joined and callee");

    stage.join("bert", "tea");
    let id = stage.hello("anna");
    stage.say_place(id, &["nobody", "bert"]);
    let text = fails(&mut stage, id, ErrorCode::CalleeBusy);
    assert!(text.contains("\"nobody\""), "{text}");
    assert!(text.contains("\"bert\" is busy"), "{text}");

    let (anna, rung) = stage.ring("anna", "carl");
    stage.reject(rung, &anna.call);
    let text = fails(&mut stage, anna.connection, ErrorCode::CalleeDeclined);
    assert!(text.contains("\"carl\" declined"), "{text}");
    assert_eq!(
        only(stage.received(&anna)),
        callee("carl", CalleeState::Declined)
    );

    let (anna, _) = stage.ring("anna", "dora");
    stage.invite(&anna, &["nobody"]);
    stage.advance(RINGING);
    let text = fails(&mut stage, anna.connection, ErrorCode::CalleeNoAnswer);
    assert!(
        text.contains("\"dora\" did not answer within 60 s"),
        "{text}"
    );
    assert!(text.contains("\"nobody\""), "{text}");
    assert!(text.contains("again later"), "{text}");
    assert_eq!(stage.rooms.stats().calls, 1, "tea");
}

#[test]
fn a_callee_that_is_invited_again_is_reported_once() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.ring("anna", "bert");
    stage.listen("carl");
    stage.invite(&anna, &["carl"]);
    stage.reject(bert, &anna.call);
    stage.invite(&anna, &["bert"]);
    stage.advance(RINGING);
    let text = fails(&mut stage, anna.connection, ErrorCode::CalleeNoAnswer);
    assert_eq!(text.matches("bert").count(), 1, "{text}");
    assert!(!text.contains("declined"), "{text}");
    stage.is_clean();
}

#[test]
fn a_call_continues_while_one_of_its_callees_is_rung() {
    let mut stage = Stage::new();
    stage.listen("carl");
    let (anna, bert) = stage.ring("anna", "bert");
    stage.invite(&anna, &["carl"]);
    stage.received(&anna);
    stage.reject(bert, &anna.call);
    assert_eq!(
        only(stage.received(&anna)),
        callee("bert", CalleeState::Declined)
    );
    assert!(!stage.closed.contains(&anna.connection));
}

#[test]
fn when_the_caller_leaves_the_ringing_ends() {
    let mut stage = Stage::new();
    let (anna, rung) = stage.ring("anna", "bert");
    stage.leave(&anna, false);
    assert_eq!(
        only(stage.take(rung)),
        no_longer(&anna.call, IncomingEnd::Cancelled)
    );
    stage.say_accept(rung, &anna.call);
    stage.refused(rung, ErrorCode::IncomingGone);
    stage.is_clean();
}

#[test]
fn the_ringing_continues_when_the_inviter_leaves_others_behind() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    let rung = stage.listen("carl");
    stage.invite(&anna, &["carl"]);
    stage.received(&bert);
    stage.take(rung);
    stage.leave(&anna, false);
    assert!(left(&anna, &only(stage.received(&bert))));
    assert!(stage.take(rung).is_empty());
    let carl = stage.accept(rung, &anna.call);
    assert_eq!(&carl.roster[0].id, bert.id());
}

#[test]
fn the_last_participant_learns_that_everybody_else_has_left() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    stage.leave(&anna, false);
    let mut received = stage.received(&bert);
    assert!(left(&anna, &received.remove(0)));
    let ServerMessage::CallEnded { reason } = only(received) else {
        panic!()
    };
    assert!(reason.contains("everybody else"), "{reason}");
    assert!(stage.closed.contains(&bert.connection));
    stage.is_clean();
}

#[test]
fn a_placed_call_of_three_continues_with_two() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    let rung = stage.listen("carl");
    stage.invite(&anna, &["carl"]);
    stage.take(rung);
    let carl = stage.accept(rung, &anna.call);
    stage.leave(&bert, false);
    assert!(!stage.closed.contains(&anna.connection));
    assert!(!stage.closed.contains(&carl.connection));
    stage.leave(&anna, false);
    assert!(stage.closed.contains(&carl.connection));
}

#[test]
fn the_last_participant_stays_while_somebody_is_rung() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    let rung = stage.listen("carl");
    stage.invite(&anna, &["carl"]);
    stage.leave(&bert, false);
    stage.received(&anna);
    assert!(!stage.closed.contains(&anna.connection));
    stage.reject(rung, &anna.call);
    let mut received = stage.received(&anna);
    assert_eq!(received.remove(0), callee("carl", CalleeState::Declined));
    assert!(matches!(only(received), ServerMessage::CallEnded { .. }));
    stage.is_clean();
}

#[test]
fn a_participant_that_does_not_resume_has_left_the_call() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    stage.lose(&bert);
    assert!(!stage.participant(&anna).connected);
    stage.advance(RESUME - MOMENT);
    assert!(stage.received(&anna).is_empty());
    stage.advance(MOMENT);
    let received = stage.received(&anna);
    assert!(left(&bert, &received[0]), "{received:?}");
    assert!(matches!(received[1], ServerMessage::CallEnded { .. }));
    stage.is_clean();
}

#[test]
fn a_named_call_continues_with_one_participant() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    stage.leave(&bert, false);
    stage.received(&anna);
    stage.advance(Duration::from_secs(3600));
    assert!(stage.received(&anna).is_empty());
    assert!(!stage.closed.contains(&anna.connection));
}

#[test]
fn any_participant_can_end_a_placed_call_for_everyone() {
    let mut stage = Stage::new();
    let (anna, rung) = stage.ring("anna", "bert");
    // The callee's token does not matter.
    stage.restrict("tea", false);
    let listening = stage.listen("carl");
    stage.invite(&anna, &["carl"]);
    stage.input(Input::Closed(rung));
    let bert = stage.listen("bert");
    stage.take(bert);
    let bert = stage.accept(bert, &anna.call);
    stage.received(&anna);
    stage.take(listening);

    stage.leave(&bert, true);
    assert!(stage.received(&bert).is_empty());
    assert!(stage.closed.contains(&bert.connection));
    let reason = stage.over(anna.connection);
    assert_eq!(reason, "BERT ended the call for everyone");
    assert_eq!(
        only(stage.take(listening)),
        no_longer(&anna.call, IncomingEnd::Cancelled)
    );
    stage.is_clean();
}

#[test]
fn a_user_that_may_place_calls_can_end_a_named_call_for_everyone() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    stage.restrict("tea", false);
    let bert = stage.join("bert", "tea");
    stage.received(&anna);
    stage.leave(&bert, true);
    let text = stage.refused(bert.connection, ErrorCode::TokenPlace);
    assert!(text.contains("end a call for everyone"), "{text}");
    assert!(stage.received(&anna).is_empty());

    stage.leave(&anna, true);
    let reason = stage.over(bert.connection);
    assert!(reason.contains("ANNA"), "{reason}");
    stage.is_clean();
}

#[test]
fn a_listening_client_leaves_without_a_message_to_anybody() {
    let mut stage = Stage::new();
    let (anna, rung) = stage.ring("anna", "bert");
    stage.send(rung, &ClientMessage::Leave { for_everyone: true });
    assert!(stage.closed.contains(&rung) && stage.take(rung).is_empty());
    assert!(stage.received(&anna).is_empty());
    assert_eq!(stage.rooms.stats().listening, 0);
}
