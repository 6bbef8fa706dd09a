//! Lost connections and other servers.

use super::*;

#[test]
fn a_caller_that_resumes_finds_the_call_ringing() {
    let mut stage = Stage::new();
    let (anna, rung) = stage.ring("anna", "bert");
    stage.lose(&anna);
    stage.advance(RESUME - MOMENT);
    assert!(stage.take(rung).is_empty());
    let back = stage.back("anna", &anna);
    assert_eq!(
        (back.id(), &back.ringing[..]),
        (anna.id(), &names(&["bert"])[..])
    );
    stage.accept(rung, &anna.call);
    assert_eq!(stage.received(&back).len(), 2);
}

#[test]
fn a_caller_that_does_not_resume_cancels_the_call() {
    let mut stage = Stage::new();
    let (anna, rung) = stage.ring("anna", "bert");
    stage.lose(&anna);
    stage.advance(RESUME);
    assert_eq!(
        only(stage.take(rung)),
        no_longer(&anna.call, IncomingEnd::Cancelled)
    );
    stage.is_clean();
}

#[test]
fn a_call_is_answered_while_its_caller_is_lost() {
    let mut stage = Stage::new();
    let (anna, rung) = stage.ring("anna", "bert");
    stage.lose(&anna);
    let bert = stage.accept(rung, &anna.call);
    assert!(!bert.roster[0].connected);
    let back = stage.back("anna", &anna);
    assert_eq!(&back.roster[0].id, bert.id());
    assert!(stage.participant(&bert).connected);
}

#[test]
fn a_participant_that_resumes_after_the_end_learns_of_it() {
    let mut stage = Stage::new();
    // Nobody answered.
    let (anna, rung) = stage.ring("anna", "bert");
    stage.lose(&anna);
    stage.reject(rung, &anna.call);
    let id = stage.hello("anna");
    stage.say_join(id, &anna.call, Some(anna.resume.clone()));
    stage.refused(id, ErrorCode::CalleeDeclined);
    stage.input(Input::Closed(rung));
    stage.is_clean();
    // The end is reported only once.
    let id = stage.hello("anna");
    stage.say_join(id, &anna.call, None);
    stage.refused(id, ErrorCode::NotInvited);

    // The same applies to a named call that was ended for everyone, even if a new one has the same
    // name.
    let tea = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    stage.lose(&bert);
    stage.leave(&tea, true);
    stage.join("carl", "tea");
    let id = stage.hello("bert");
    stage.say_join(id, "tea", Some(bert.resume.clone()));
    assert!(stage.over(id).contains("ANNA"));
    // Without the old key, a client joins the new call.
    assert_eq!(stage.join("bert", "tea").roster.len(), 1);
}

#[test]
fn only_the_owner_of_the_key_learns_of_the_end() {
    let mut stage = Stage::new();
    let (anna, rung) = stage.ring("anna", "bert");
    stage.lose(&anna);
    stage.reject(rung, &anna.call);
    let guess = Resume {
        key: "0123456789abcdef0123456789abcdef".into(),
        ..anna.resume.clone()
    };
    let id = stage.hello("anna");
    stage.say_join(id, &anna.call, Some(guess));
    stage.refused(id, ErrorCode::BadResume);
    assert_eq!(stage.rooms.tombstones.len(), 1);
    stage.advance(RESUME);
    stage.is_clean();
}

#[test]
fn another_server_restores_a_placed_call() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    stage.another_server();
    let bert_back = stage.back("bert", &bert);
    assert_eq!(bert_back.resume, bert.resume);
    // The others have as much time to resume as on one server.
    stage.advance(RESUME - MOMENT);
    let anna_back = stage.back("anna", &anna);
    assert_eq!(&anna_back.roster[0].id, bert.id());
    stage.advance(RINGING);
    assert_eq!(stage.received(&bert_back).len(), 1);
    // It is still a placed call.
    let eve = stage.hello("eve");
    stage.say_join(eve, &anna.call, None);
    stage.refused(eve, ErrorCode::NotInvited);
    stage.leave(&anna_back, false);
    assert!(stage.closed.contains(&bert_back.connection));
    stage.is_clean();
}

#[test]
fn on_another_server_a_call_ends_for_a_participant_that_stays_alone() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    let rung = stage.listen("carl");
    stage.another_server();
    let bert_back = stage.back("bert", &bert);
    let anna_back = stage.back("anna", &anna);
    // Leaving within that time does not end the call, since others may still resume.
    stage.leave(&anna_back, false);
    stage.received(&bert_back);
    stage.advance(RESUME - MOMENT);
    assert!(stage.received(&bert_back).is_empty());
    stage.advance(MOMENT);
    assert!(stage.over(bert_back.connection).contains("everybody else"));
    assert!(stage.take(rung).is_empty());
    stage.is_clean();

    // Then the call is over. A key alone creates no lasting call.
    let alone = stage.back("anna", &anna);
    assert!(alone.roster.is_empty());
    stage.advance(RESUME);
    assert!(stage.closed.contains(&alone.connection));
    stage.is_clean();
}

#[test]
fn another_server_admits_only_callees() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    stage.another_server();
    for resume in [None, Some(anna.resume.clone())] {
        // Without a key, and with that of another participant.
        let eve = stage.hello("eve");
        let expected = match resume {
            None => ErrorCode::NotInvited,
            Some(_) => ErrorCode::BadResume,
        };
        stage.say_join(eve, &anna.call, resume);
        stage.refused(eve, expected);
    }
    assert!(stage.rooms.calls.is_empty());
    stage.back("bert", &bert);
    let eve = stage.hello("eve");
    stage.say_join(eve, &anna.call, None);
    stage.refused(eve, ErrorCode::NotInvited);
}

#[test]
fn on_another_server_a_key_permits_no_more_than_the_token() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    stage.another_server();
    stage.restrict("tea", false);
    let join = |stage: &mut Stage, user: &str, party: &Party| {
        let id = stage.hello(user);
        stage.say_join(id, &party.call, Some(party.resume.clone()));
        id
    };
    // Neither alone, nor after a client with permission.
    let id = join(&mut stage, "bert", &bert);
    let text = stage.refused(id, ErrorCode::NotInvited);
    assert!(text.contains("token for all calls"), "{text}");
    stage.restrict("tea", true);
    stage.back("anna", &anna);
    stage.restrict("tea", false);
    let id = join(&mut stage, "bert", &bert);
    stage.refused(id, ErrorCode::NotInvited);
    // A new invitation admits it.
    let rung = stage.listen("bert");
    stage.grants = Ok(Grants::unlimited());
    let anna = stage.back("anna", &anna);
    stage.invite(&anna, &["bert"]);
    stage.take(rung);
    stage.accept(rung, &anna.call);
}

#[test]
fn on_another_server_others_can_be_invited_to_the_call() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    stage.another_server();
    let bert_back = stage.back("bert", &bert);
    let rung = stage.listen("carl");
    stage.invite(&bert_back, &["carl"]);
    stage.advance(RESUME);
    stage.received(&bert_back);
    assert!(!stage.closed.contains(&bert_back.connection));
    stage.take(rung);
    let carl = stage.accept(rung, &anna.call);
    assert_eq!(&carl.roster[0].id, bert.id());
}

#[test]
fn calling_again_ends_the_users_lost_call_to_the_same_callees() {
    let mut stage = Stage::new();
    let (lost, rung) = stage.ring("anna", "bert");
    stage.lose(&lost);
    let anna = stage.place("anna", &[("bert", CalleeState::Ringing)]);
    let expected = [
        no_longer(&lost.call, IncomingEnd::Cancelled),
        incoming(&anna.call, "anna"),
    ];
    assert_eq!(stage.take(rung), expected);
    // If it does know that call, it learns why it ended.
    let id = stage.hello("anna");
    stage.say_join(id, &lost.call, Some(lost.resume.clone()));
    assert!(stage.over(id).contains("another call"));
}

#[test]
fn calling_again_ends_no_other_call() {
    let mut stage = Stage::new();
    let busy = CalleeState::Busy;
    let ringing = CalleeState::Ringing;
    // A call whose caller is present.
    let (_, bert) = stage.ring("anna", "bert");
    stage.listen("carl");
    let second = stage.place("anna", &[("bert", busy), ("carl", ringing)]);
    // A call that rings somebody else.
    stage.lose(&second);
    stage.listen("dora");
    let third = stage.place("anna", &[("bert", busy), ("dora", ringing)]);
    assert!(stage.take(bert).is_empty());
    // A call of another user.
    stage.listen("frida");
    stage.lose(&third);
    stage.place("emil", &[("dora", busy), ("frida", ringing)]);
    let back = stage.back("anna", &third);
    assert_eq!(back.ringing, ["dora"]);
}
