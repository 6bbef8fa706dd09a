//! Placing calls and finding the callees.

use super::*;

#[test]
fn a_listening_user_is_rung_with_the_caller_and_the_call() {
    let mut stage = Stage::new();
    let bert = stage.listen("bert");
    let anna = stage.place("anna", &[("bert", CalleeState::Ringing)]);
    let digits = anna.call.strip_prefix(PLACED).unwrap();
    assert!(digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
    assert_eq!(anna.ringing, ["bert"]);
    assert!(anna.roster.is_empty());
    assert_eq!(only(stage.take(bert)), incoming(&anna.call, "anna"));
    let stats = stage.rooms.stats();
    assert_eq!((stats.listening, stats.ringing), (1, 1));
    assert_eq!((stats.calls, stats.participants), (1, 1));
}

#[test]
fn every_placed_call_has_another_name() {
    let mut stage = Stage::new();
    let (anna, _) = stage.ring("anna", "bert");
    let (other, _) = stage.ring("anna", "carl");
    assert_ne!(anna.call, other.call);
}

#[test]
fn a_connection_that_listens_has_no_deadline() {
    let mut stage = Stage::new();
    let bert = stage.listen("bert");
    assert_eq!(stage.rooms.poll_timeout(), None);
    stage.advance(Duration::from_secs(3600));
    assert!(!stage.closed.contains(&bert));
    stage.input(Input::Closed(bert));
    assert_eq!(stage.rooms.stats().listening, 0);
    assert!(stage.rooms.listeners.is_empty());
}

#[test]
fn a_user_is_rung_on_all_connections_that_listen() {
    let mut stage = Stage::new();
    let rung = [stage.listen("bert"), stage.listen("bert")];
    let other = stage.listen("carl");
    let anna = stage.place("anna", &[("bert", CalleeState::Ringing)]);
    for id in rung {
        assert_eq!(only(stage.take(id)), incoming(&anna.call, "anna"));
    }
    assert!(stage.take(other).is_empty());
}

#[test]
fn a_user_that_starts_to_listen_during_the_ringing_is_rung() {
    let mut stage = Stage::new();
    let (anna, rung) = stage.ring("anna", "bert");
    stage.input(Input::Closed(rung));
    assert!(stage.received(&anna).is_empty());
    let again = stage.listen("bert");
    assert_eq!(only(stage.take(again)), incoming(&anna.call, "anna"));
    stage.advance(RINGING);
    assert_eq!(
        only(stage.take(again)),
        no_longer(&anna.call, IncomingEnd::NoAnswer)
    );
    let later = stage.listen("bert");
    assert!(stage.take(later).is_empty());
}

#[test]
fn a_user_in_a_call_is_busy_unless_another_connection_listens() {
    let mut stage = Stage::new();
    let bert = stage.join("bert", "tea");
    stage.listen("carl");
    let states = [("bert", CalleeState::Busy), ("carl", CalleeState::Ringing)];
    let anna = stage.place("anna", &states);
    assert_eq!(anna.ringing, ["carl"]);
    assert!(stage.received(&bert).is_empty());

    let second = stage.listen("bert");
    let dora = stage.place("dora", &[("bert", CalleeState::Ringing)]);
    assert_eq!(only(stage.take(second)), incoming(&dora.call, "dora"));
}

#[test]
fn a_user_rung_for_another_call_is_busy_on_all_connections() {
    let mut stage = Stage::new();
    let (anna, rung) = stage.ring("anna", "bert");
    stage.listen("carl");
    let states = [("bert", CalleeState::Busy), ("carl", CalleeState::Ringing)];
    stage.place("dora", &states);
    assert!(stage.take(rung).is_empty());
    // The same applies to a user that loses its connection while it is rung.
    stage.input(Input::Closed(rung));
    let states = [("bert", CalleeState::Busy)];
    stage.invite(&anna, &["bert"]);
    assert!(stage.received(&anna).is_empty(), "it rings for this one");
    let emil = stage.hello("emil");
    stage.say_place(emil, &["bert"]);
    let received = stage.take(emil);
    assert_eq!(received[1], callee(states[0].0, states[0].1));
}

#[test]
fn each_callee_is_reported_once_and_in_order() {
    let mut stage = Stage::new();
    stage.listen("zoe");
    stage.join("bert", "tea");
    let id = stage.hello("anna");
    stage.say_place(id, &["zoe", "nobody", "bert", "zoe", "nobody"]);
    let mut received = stage.take(id);
    assert_eq!(party(id, received.remove(0)).ringing, ["zoe"]);
    let expected = [
        callee("zoe", CalleeState::Ringing),
        callee("nobody", CalleeState::Unknown),
        callee("bert", CalleeState::Busy),
    ];
    assert_eq!(received, expected);
}

#[test]
fn placing_without_permission_is_refused_and_the_connection_stays_open() {
    let mut stage = Stage::new();
    let bert = stage.listen("bert");
    stage.restrict("tea", false);
    let id = stage.hello("anna");
    stage.say_place(id, &["bert"]);
    let text = stage.refused(id, ErrorCode::TokenPlace);
    assert!(text.contains("--place"), "{text}");
    stage.say_join(id, "tea", None);
    stage.joined(id);
    assert!(stage.take(bert).is_empty());
    assert_eq!(stage.rooms.stats().ringing, 0);

    // The permission to place does not depend on the calls that the token admits to.
    stage.restrict("tea", true);
    stage.place("carl", &[("bert", CalleeState::Ringing)]);
}

#[test]
fn callees_are_other_users_with_valid_names() {
    let mut stage = Stage::new();
    let bad: [(&[&str], &str); 4] = [
        (&[], "nobody"),
        (&["bert", ""], "empty"),
        (&["a\nb"], "control"),
        (&["bert", "anna"], "itself"),
    ];
    for (callees, why) in bad {
        let id = stage.hello("anna");
        stage.say_place(id, callees);
        let text = stage.refused(id, ErrorCode::BadName);
        assert!(text.contains(why), "{text}");
    }
    assert!(stage.rooms.calls.is_empty() && stage.rooms.invitations.is_empty());
}

#[test]
fn a_call_has_at_most_as_many_callees_as_free_places() {
    let mut stage = Stage::with(Limits {
        participants_per_call: 3,
        ..Limits::default()
    });
    stage.listen("a");
    stage.listen("b");
    let id = stage.hello("anna");
    stage.say_place(id, &["a", "b", "c"]);
    let text = stage.refused(id, ErrorCode::LimitExceeded);
    assert!(text.contains("2 at most"), "{text}");
    let ringing = CalleeState::Ringing;
    stage.place("anna", &[("a", ringing), ("b", ringing)]);
}

#[test]
fn a_placed_call_counts_as_one_of_the_servers_calls() {
    let mut stage = Stage::with(Limits {
        calls: 1,
        ..Limits::default()
    });
    let bert = stage.listen("bert");
    let tea = stage.join("carl", "tea");
    let id = stage.hello("anna");
    stage.say_place(id, &["bert"]);
    stage.refused(id, ErrorCode::LimitExceeded);
    assert!(stage.take(bert).is_empty());
    stage.leave(&tea, false);
    stage.place("anna", &[("bert", CalleeState::Ringing)]);
}

#[test]
fn each_callee_counts_as_a_message() {
    let mut stage = Stage::with(Limits {
        message_burst: 10,
        ..Limits::default()
    });
    stage.listen("bert");
    let anna = stage.place("anna", &[("bert", CalleeState::Ringing)]);
    // Two messages have been counted already.
    stage.invite(&anna, &["1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(stage.received(&anna).len(), 7);
    stage.invite(&anna, &["8", "9"]);
    let text = stage.refused(anna.connection, ErrorCode::LimitExceeded);
    assert!(text.contains("too many messages"), "{text}");
}

#[test]
fn a_message_out_of_order_is_refused_with_the_remedy() {
    let mut stage = Stage::new();
    let out_of_order = |stage: &mut Stage, id: ConnectionId, text: &str, remedy: &str| {
        stage.text(id, text);
        let received = stage.refused(id, ErrorCode::OutOfOrder);
        assert!(received.contains(remedy), "{received}");
    };
    let new = stage.open();
    out_of_order(&mut stage, new, r#"{"type":"listen"}"#, "hello");
    let greeted = stage.hello("anna");
    let accept = r#"{"type":"accept","call":"x"}"#;
    let reject = r#"{"type":"reject","call":"x"}"#;
    let place = r#"{"type":"place","callees":["x"]}"#;
    out_of_order(&mut stage, greeted, accept, "listen");
    out_of_order(&mut stage, greeted, reject, "listen");
    out_of_order(
        &mut stage,
        greeted,
        r#"{"type":"invite","users":["x"]}"#,
        "join",
    );
    let listening = stage.listen("bert");
    for text in [
        place,
        r#"{"type":"listen"}"#,
        r#"{"type":"join","call":"x"}"#,
    ] {
        out_of_order(&mut stage, listening, text, "another connection");
    }
    let joined = stage.join("carl", "tea");
    for text in [place, accept, reject, r#"{"type":"listen"}"#] {
        out_of_order(&mut stage, joined.connection, text, "in a call");
    }
    let callers = stage.place("dora", &[("bert", CalleeState::Ringing)]);
    assert_eq!(only(stage.take(listening)), incoming(&callers.call, "dora"));
}
