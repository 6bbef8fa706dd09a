//! Accepting, declining and not answering.

use super::*;

#[test]
fn a_callee_that_accepts_joins_after_the_others_learn_that_it_accepted() {
    let mut stage = Stage::new();
    let (anna, rung) = stage.ring("anna", "bert");
    let bert = stage.accept(rung, &anna.call);
    assert_eq!(bert.call, anna.call);
    assert!(bert.ringing.is_empty());
    assert_eq!(&bert.roster[0].id, anna.id());
    assert_eq!(bert.roster[0].media, set(&[Kind::Audio]));

    let received = stage.received(&anna);
    assert_eq!(received[0], callee("bert", CalleeState::Accepted));
    let [_, ServerMessage::Participant { participant }] = &received[..] else {
        panic!("{received:?}")
    };
    assert_eq!(&participant.id, bert.id());
    assert!(participant.receives && participant.sends);
    assert_eq!(participant.media, set(&[Kind::Video]));
    assert_eq!(participant.display_name.as_deref(), Some("BERT"));
    // From now on it is an ordinary call.
    stage.send(anna.connection, &offer(&bert, 1));
    assert_eq!(stage.received(&bert).len(), 1);
    assert_eq!(stage.rooms.poll_timeout(), None);
    let stats = stage.rooms.stats();
    assert_eq!((stats.listening, stats.ringing), (0, 0));
}

#[test]
fn a_call_that_is_answered_rings_nowhere_else() {
    let mut stage = Stage::new();
    let other = stage.listen("bert");
    let (anna, rung) = stage.ring("anna", "bert");
    assert_eq!(only(stage.take(other)), incoming(&anna.call, "anna"));
    stage.accept(rung, &anna.call);
    let ended = no_longer(&anna.call, IncomingEnd::AnsweredElsewhere);
    assert_eq!(only(stage.take(other)), ended);
    // It keeps listening.
    let carl = stage.place("carl", &[("bert", CalleeState::Ringing)]);
    assert_eq!(only(stage.take(other)), incoming(&carl.call, "carl"));
}

#[test]
fn a_user_that_declines_keeps_listening_on_all_connections() {
    let mut stage = Stage::new();
    let other = stage.listen("bert");
    stage.listen("carl");
    let rung = stage.listen("bert");
    let ringing = CalleeState::Ringing;
    let anna = stage.place("anna", &[("bert", ringing), ("carl", ringing)]);
    stage.take(other);
    stage.take(rung);
    stage.reject(rung, &anna.call);
    assert_eq!(
        only(stage.received(&anna)),
        callee("bert", CalleeState::Declined)
    );
    let ended = no_longer(&anna.call, IncomingEnd::DeclinedElsewhere);
    assert_eq!(only(stage.take(other)), ended);
    assert!(stage.take(rung).is_empty());

    let dora = stage.place("dora", &[("bert", ringing)]);
    for id in [other, rung] {
        assert_eq!(only(stage.take(id)), incoming(&dora.call, "dora"));
    }
}

#[test]
fn a_call_rings_for_60_seconds() {
    let mut stage = Stage::new();
    stage.listen("carl");
    let (anna, rung) = stage.ring("anna", "bert");
    stage.advance(Duration::from_secs(1));
    stage.invite(&anna, &["carl"]);
    stage.received(&anna);
    stage.advance(RINGING - Duration::from_secs(1) - MOMENT);
    assert!(stage.received(&anna).is_empty() && stage.take(rung).is_empty());
    stage.advance(MOMENT);
    assert_eq!(
        only(stage.received(&anna)),
        callee("bert", CalleeState::NoAnswer)
    );
    assert_eq!(
        only(stage.take(rung)),
        no_longer(&anna.call, IncomingEnd::NoAnswer)
    );
    stage.say_accept(rung, &anna.call);
    stage.refused(rung, ErrorCode::IncomingGone);
}

#[test]
fn a_connection_can_answer_only_a_call_that_rings_on_it() {
    let mut stage = Stage::new();
    let (anna, rung) = stage.ring("anna", "bert");
    let carl = stage.listen("carl");
    for (id, call) in [(carl, anna.call.as_str()), (rung, "tea"), (rung, "")] {
        stage.say_accept(id, call);
        let text = stage.refused(id, ErrorCode::IncomingGone);
        assert!(text.contains("wait for the next"), "{text}");
        stage.reject(id, call);
        stage.refused(id, ErrorCode::IncomingGone);
    }
    assert!(stage.received(&anna).is_empty());
    // Neither had any effect.
    stage.reject(carl, "tea");
    stage.refused(carl, ErrorCode::IncomingGone);
    stage.accept(rung, &anna.call);
    stage.place("dora", &[("carl", CalleeState::Ringing)]);
}

#[test]
fn a_full_call_cannot_be_accepted() {
    let mut stage = Stage::with(Limits {
        participants_per_call: 2,
        ..Limits::default()
    });
    let bert = stage.listen("bert");
    let anna = stage.join("anna", "tea");
    stage.invite(&anna, &["bert"]);
    stage.take(bert);
    let carl = stage.join("carl", "tea");
    stage.say_accept(bert, "tea");
    let text = stage.refused(bert, ErrorCode::LimitExceeded);
    assert!(text.contains("full"), "{text}");
    stage.received(&carl);
    // The call keeps ringing, since a place may become free.
    let again = stage.listen("bert");
    assert_eq!(only(stage.take(again)), incoming("tea", "anna"));
    stage.leave(&carl, false);
    stage.accept(again, "tea");
}

#[test]
fn a_rung_user_that_joins_by_name_has_accepted() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let rung = stage.listen("bert");
    stage.invite(&anna, &["bert"]);
    stage.take(rung);
    stage.received(&anna);
    stage.join("bert", "tea");
    assert_eq!(
        stage.received(&anna)[0],
        callee("bert", CalleeState::Accepted)
    );
    let ended = no_longer("tea", IncomingEnd::AnsweredElsewhere);
    assert_eq!(only(stage.take(rung)), ended);
    assert_eq!(stage.rooms.stats().ringing, 0);
}

#[test]
fn a_callee_needs_no_token_for_the_call() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "coffee");
    stage.restrict("tea", false);
    let rung = stage.listen("bert");
    stage.invite(&anna, &["bert"]);
    let early = stage.hello("bert");
    stage.say_join(early, "coffee", None);
    stage.refused(early, ErrorCode::TokenCall);
    stage.take(rung);
    let bert = stage.accept(rung, "coffee");
    // The same applies to resuming.
    stage.lose(&bert);
    let back = stage.back("bert", &bert);
    assert_eq!(back.id(), bert.id());
    stage.leave(&back, false);
    stage.join("bert", "coffee");
    let eve = stage.hello("eve");
    stage.say_join(eve, "coffee", None);
    stage.refused(eve, ErrorCode::TokenCall);
}

#[test]
fn only_callees_can_join_a_placed_call() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    let eve = stage.hello("eve");
    stage.say_join(eve, &anna.call, None);
    let text = stage.refused(eve, ErrorCode::NotInvited);
    assert!(text.contains("invite"), "{text}");
    // An invented key does not help.
    let key = "0123456789abcdef0123456789abcdef".to_owned();
    let made = Resume {
        participant: identity::id(&key, "eve", &anna.call),
        session: 1,
        key,
    };
    let eve = stage.hello("eve");
    stage.say_join(eve, &anna.call, Some(made));
    stage.refused(eve, ErrorCode::NotInvited);
    assert!(stage.received(&anna).is_empty());

    // The caller and the callees may join again, whatever their tokens permit.
    stage.restrict("tea", false);
    for (user, session) in [("anna", 2), ("bert", 2)] {
        let id = stage.hello(user);
        stage.say_join(id, &anna.call, None);
        assert_eq!(party(id, only(stage.take(id))).resume.session, session);
    }
    assert_eq!(bert.resume.session, 1);
}

#[test]
fn a_user_that_declined_a_placed_call_may_join_it_later() {
    let mut stage = Stage::new();
    let (anna, _) = stage.call("anna", "bert");
    let rung = stage.listen("carl");
    stage.invite(&anna, &["carl"]);
    stage.take(rung);
    stage.reject(rung, &anna.call);
    let id = stage.hello("carl");
    stage.say_join(id, &anna.call, None);
    assert_eq!(party(id, only(stage.take(id))).roster.len(), 2);
}

#[test]
fn a_placed_name_without_a_call_cannot_be_joined() {
    let mut stage = Stage::new();
    for name in [PLACED.to_owned(), format!("{PLACED}{}", "0".repeat(32))] {
        let id = stage.hello("anna");
        stage.say_join(id, &name, None);
        let text = stage.refused(id, ErrorCode::NotInvited);
        assert!(text.contains("over"), "{text}");
    }
    assert!(stage.rooms.calls.is_empty());
}
