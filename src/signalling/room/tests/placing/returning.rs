//! Lost connections and other servers.

use super::*;

#[test]
fn a_caller_who_comes_back_finds_it_ringing() {
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
fn a_caller_who_does_not_come_back_is_gone() {
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
fn who_comes_back_after_the_end_is_told_of_it() {
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
    // Not twice.
    let id = stage.hello("anna");
    stage.say_join(id, &anna.call, None);
    stage.refused(id, ErrorCode::NotInvited);

    // It was ended for everyone, also a named one, of which there is another by now.
    let tea = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    stage.lose(&bert);
    stage.leave(&tea, true);
    stage.join("carl", "tea");
    let id = stage.hello("bert");
    stage.say_join(id, "tea", Some(bert.resume.clone()));
    assert!(stage.over(id).contains("ANNA"));
    // Who comes without the key of before comes into the new one.
    assert_eq!(stage.join("bert", "tea").roster.len(), 1);
}

#[test]
fn the_end_of_a_call_is_told_to_who_has_the_key_alone() {
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
fn another_server_takes_a_placed_call_over() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    stage.another_server();
    let bert_back = stage.back("bert", &bert);
    assert_eq!(bert_back.resume, bert.resume);
    // The others may take as long as they may on one server.
    stage.advance(RESUME - MOMENT);
    let anna_back = stage.back("anna", &anna);
    assert_eq!(&anna_back.roster[0].id, bert.id());
    stage.advance(RINGING);
    assert_eq!(stage.received(&bert_back).len(), 1);
    // It is a placed call as before.
    let eve = stage.hello("eve");
    stage.say_join(eve, &anna.call, None);
    stage.refused(eve, ErrorCode::NotInvited);
    stage.leave(&anna_back, false);
    assert!(stage.closed.contains(&bert_back.connection));
    stage.is_clean();
}

#[test]
fn on_another_server_a_call_is_over_for_who_stays_alone() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    let rung = stage.listen("carl");
    stage.another_server();
    let bert_back = stage.back("bert", &bert);
    let anna_back = stage.back("anna", &anna);
    // Who leaves again within that time does not end it, since others may come.
    stage.leave(&anna_back, false);
    stage.received(&bert_back);
    stage.advance(RESUME - MOMENT);
    assert!(stage.received(&bert_back).is_empty());
    stage.advance(MOMENT);
    assert!(stage.over(bert_back.connection).contains("everybody else"));
    assert!(stage.take(rung).is_empty());
    stage.is_clean();

    // Then there is nothing to come back to; a key alone makes no call that lasts.
    let alone = stage.back("anna", &anna);
    assert!(alone.roster.is_empty());
    stage.advance(RESUME);
    assert!(stage.closed.contains(&alone.connection));
    stage.is_clean();
}

#[test]
fn another_server_does_not_let_the_uncalled_in() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    stage.another_server();
    for resume in [None, Some(anna.resume.clone())] {
        // Without a key, and with another's.
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
fn on_another_server_a_key_opens_no_more_than_the_token() {
    let mut stage = Stage::new();
    let (anna, bert) = stage.call("anna", "bert");
    stage.another_server();
    stage.restrict("tea", false);
    let join = |stage: &mut Stage, user: &str, party: &Party| {
        let id = stage.hello(user);
        stage.say_join(id, &party.call, Some(party.resume.clone()));
        id
    };
    // Neither alone, nor after one who may.
    let id = join(&mut stage, "bert", &bert);
    let text = stage.refused(id, ErrorCode::NotInvited);
    assert!(text.contains("token for all calls"), "{text}");
    stage.restrict("tea", true);
    stage.back("anna", &anna);
    stage.restrict("tea", false);
    let id = join(&mut stage, "bert", &bert);
    stage.refused(id, ErrorCode::NotInvited);
    // A new call lets it in.
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
fn who_calls_again_ends_the_call_of_which_it_got_no_answer() {
    let mut stage = Stage::new();
    let (lost, rung) = stage.ring("anna", "bert");
    stage.lose(&lost);
    let anna = stage.place("anna", &[("bert", CalleeState::Ringing)]);
    let expected = [
        no_longer(&lost.call, IncomingEnd::Cancelled),
        incoming(&anna.call, "anna"),
    ];
    assert_eq!(stage.take(rung), expected);
    // Should it know of that call after all, it learns what became of it.
    let id = stage.hello("anna");
    stage.say_join(id, &lost.call, Some(lost.resume.clone()));
    assert!(stage.over(id).contains("another call"));
}

#[test]
fn who_calls_again_ends_no_call_that_lives() {
    let mut stage = Stage::new();
    let busy = CalleeState::Busy;
    let ringing = CalleeState::Ringing;
    // One whose caller is there.
    let (_, bert) = stage.ring("anna", "bert");
    stage.listen("carl");
    let second = stage.place("anna", &[("bert", busy), ("carl", ringing)]);
    // One that rings somebody else.
    stage.lose(&second);
    stage.listen("dora");
    let third = stage.place("anna", &[("bert", busy), ("dora", ringing)]);
    assert!(stage.take(bert).is_empty());
    // Another user's.
    stage.listen("frida");
    stage.lose(&third);
    stage.place("emil", &[("dora", busy), ("frida", ringing)]);
    let back = stage.back("anna", &third);
    assert_eq!(back.ringing, ["dora"]);
}
