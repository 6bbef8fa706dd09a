//! Inviting further users.

use super::*;

#[test]
fn an_invited_user_is_rung_and_all_participants_learn_of_it() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    let rung = stage.listen("carl");
    stage.invite(&bert, &["carl", "nobody"]);
    let expected = [
        callee("carl", CalleeState::Ringing),
        callee("nobody", CalleeState::Unknown),
    ];
    assert_eq!(stage.received(&anna), expected);
    assert_eq!(stage.received(&bert), expected);
    assert_eq!(only(stage.take(rung)), incoming(&anna.call, "bert"));
    let carl = stage.accept(rung, &anna.call);
    assert_eq!(carl.roster.len(), 2);
    for client in [&anna, &bert] {
        let received = stage.received(client);
        assert_eq!(received[0], callee("carl", CalleeState::Accepted));
        assert_eq!(received.len(), 2);
    }
}

#[test]
fn a_named_call_rings_users_and_continues_if_nobody_answers() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let rung = stage.listen("bert");
    stage.invite(&anna, &["bert"]);
    assert_eq!(
        only(stage.received(&anna)),
        callee("bert", CalleeState::Ringing)
    );
    assert_eq!(only(stage.take(rung)), incoming("tea", "anna"));
    stage.reject(rung, "tea");
    assert_eq!(
        only(stage.received(&anna)),
        callee("bert", CalleeState::Declined)
    );
    stage.invite(&anna, &["bert"]);
    stage.take(rung);
    let bert = stage.accept(rung, "tea");
    assert_eq!(bert.roster.len(), 1);
    stage.leave(&bert, false);
    stage.advance(RINGING);
    assert!(!stage.closed.contains(&anna.connection));
}

#[test]
fn a_user_in_the_call_is_busy_which_only_the_inviter_learns() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    stage.listen("bert");
    stage.invite(&anna, &["bert", "anna"]);
    let expected = [
        callee("bert", CalleeState::Busy),
        callee("anna", CalleeState::Busy),
    ];
    assert_eq!(stage.received(&anna), expected);
    assert!(stage.received(&bert).is_empty());
    assert_eq!(stage.rooms.stats().ringing, 0);
}

#[test]
fn inviting_a_user_that_is_rung_changes_nothing() {
    let mut stage = Stage::new();
    let (anna, rung) = stage.ring("anna", "bert");
    stage.advance(RINGING - MOMENT);
    stage.invite(&anna, &["bert"]);
    assert!(stage.received(&anna).is_empty() && stage.take(rung).is_empty());
    stage.advance(MOMENT);
    assert_eq!(
        stage.received(&anna)[0],
        callee("bert", CalleeState::NoAnswer)
    );
}

#[test]
fn inviting_requires_the_permission_to_place_calls() {
    let mut stage = Stage::new();
    stage.restrict("tea", false);
    let anna = stage.join("anna", "tea");
    let bert = stage.listen("bert");
    stage.invite(&anna, &["bert"]);
    let text = stage.refused(anna.connection, ErrorCode::TokenPlace);
    assert!(text.contains("invite"), "{text}");
    assert!(stage.take(bert).is_empty());
    // The same applies to a callee, and after resuming.
    let carl = stage.listen("carl");
    stage.grants = Ok(Grants::unlimited());
    let dora = stage.place("dora", &[("carl", CalleeState::Ringing)]);
    stage.take(carl);
    let carl = stage.accept(carl, &dora.call);
    stage.invite(&carl, &["bert"]);
    stage.refused(carl.connection, ErrorCode::TokenPlace);
    stage.lose(&carl);
    stage.restrict("tea", false);
    let back = stage.back("carl", &carl);
    stage.invite(&back, &["bert"]);
    stage.refused(back.connection, ErrorCode::TokenPlace);
}

#[test]
fn participants_and_rung_users_together_are_limited() {
    let mut stage = Stage::with(Limits {
        participants_per_call: 3,
        ..Limits::default()
    });
    let (anna, _) = stage.ring("anna", "bert");
    stage.listen("carl");
    stage.listen("dora");
    // Users that are rung already or in the call are not counted twice.
    stage.invite(&anna, &["bert", "anna", "carl"]);
    assert_eq!(stage.received(&anna).len(), 2);
    stage.invite(&anna, &["dora"]);
    let text = stage.refused(anna.connection, ErrorCode::InviteRefused);
    assert!(text.contains("invite 0 at most"), "{text}");
    assert_eq!(stage.rooms.stats().ringing, 2);
}

#[test]
fn a_participant_that_joins_learns_who_is_being_rung() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.ring("anna", "bert");
    stage.listen("carl");
    stage.invite(&anna, &["carl"]);
    let bert = stage.accept(bert, &anna.call);
    assert_eq!(bert.ringing, ["carl"]);
    stage.lose(&anna);
    assert_eq!(stage.back("anna", &anna).ringing, ["carl"]);
}

#[test]
fn an_invalid_name_is_not_rung() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    stage.invite(&anna, &["carl", "a\nb"]);
    stage.refused(anna.connection, ErrorCode::InviteRefused);
    // The others notice nothing, and the call continues.
    assert_eq!(stage.received(&bert), []);
    let nobody: &[&str] = &[];
    stage.invite(&bert, nobody);
    assert!(stage.received(&bert).is_empty());
}

#[test]
fn a_call_does_not_remember_all_its_past_callees() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    for number in 0..1100 {
        let user = format!("user {number}");
        let rung = stage.listen(&user);
        stage.invite(&anna, &[&user]);
        stage.reject(rung, &anna.call);
        stage.input(Input::Closed(rung));
        stage.advance(Duration::from_millis(100));
    }
    stage.advance(MOMENT);
    let joins = |stage: &mut Stage, user: &str| {
        let id = stage.hello(user);
        stage.say_join(id, &anna.call, None);
        let received = only(stage.take(id));
        matches!(received, ServerMessage::Joined { .. })
    };
    assert!(!joins(&mut stage, "user 0"));
    assert!(joins(&mut stage, "user 1099"));
    // Present participants are kept.
    assert!(joins(&mut stage, "bert"));
    assert_eq!(bert.call, anna.call);
}
