//! Joining, leaving, losing the connection and resuming.

use super::*;

const SOON: Duration = Duration::from_secs(29);
const LATE: Duration = Duration::from_secs(31);

#[test]
fn a_participant_that_joins_gets_the_roster_and_the_others_learn_of_it() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    assert!(anna.roster.is_empty());
    let bert = stage.join("bert", "tea");
    assert_eq!(bert.roster.len(), 1);
    assert_eq!(&bert.roster[0].id, anna.id());
    assert_eq!(bert.roster[0].display_name.as_deref(), Some("ANNA"));

    let received = stage.participant(&anna);
    assert_eq!(
        (&received.id, received.user.as_str(), received.session),
        (bert.id(), "bert", 1)
    );
    assert!(received.connected && received.receives && received.sends && received.wants.is_empty());
}

#[test]
fn calls_do_not_affect_each_other() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "coffee");
    assert!(bert.roster.is_empty());
    assert!(stage.received(&anna).is_empty());
    stage.send(anna.connection, &offer(&bert, 1));
    stage.refused(anna.connection, ErrorCode::UnknownParticipant);
    assert!(stage.received(&bert).is_empty());
}

#[test]
fn sessions_of_a_user_are_numbered_from_the_lowest_free() {
    let mut stage = Stage::new();
    let first = stage.join("anna", "tea");
    let second = stage.join("anna", "tea");
    let third = stage.join("anna", "tea");
    let session = |client: &Client| client.resume.session;
    assert_eq!(
        [session(&first), session(&second), session(&third)],
        [1, 2, 3]
    );

    stage.send(
        second.connection,
        &ClientMessage::Leave {
            for_everyone: false,
        },
    );
    assert!(stage.closed.contains(&second.connection));
    assert_eq!(stage.join("anna", "tea").resume.session, 2);
    assert_eq!(stage.join("bert", "tea").resume.session, 1);
    assert_eq!(stage.join("anna", "coffee").resume.session, 1);
}

#[test]
fn a_participant_that_leaves_is_gone_at_once() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    stage.received(&anna);
    stage.send(
        bert.connection,
        &ClientMessage::Leave {
            for_everyone: false,
        },
    );
    stage.lose(&bert);
    let received = stage.received(&anna);
    assert!(
        received.len() == 1 && left(&bert, &received[0]),
        "{received:?}"
    );
    assert_eq!(stage.rooms.poll_timeout(), None);
}

#[test]
fn a_lost_connection_is_announced_and_the_participant_leaves_after_30_seconds() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    stage.received(&anna);
    stage.lose(&bert);
    assert!(!stage.participant(&anna).connected);
    stage.advance(SOON);
    assert!(stage.received(&anna).is_empty());
    let carl = stage.join("carl", "tea");
    assert!(
        carl.roster
            .iter()
            .any(|p| &p.id == bert.id() && !p.connected)
    );
    stage.received(&anna);
    stage.advance(LATE - SOON);
    let received = stage.received(&anna);
    assert!(
        received.len() == 1 && left(&bert, &received[0]),
        "{received:?}"
    );
}

#[test]
fn a_participant_that_resumes_in_time_has_lost_nothing() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    stage.want(&anna, &bert, &[Kind::Video]);
    stage.want(&bert, &anna, &[Kind::Audio]);
    stage.lose(&bert);
    stage.advance(SOON);
    stage.received(&anna);

    let back = stage.resume("bert", "tea", &bert.resume);
    assert_eq!(back.resume, bert.resume);
    assert_eq!(back.roster.len(), 1);
    assert_eq!(back.roster[0].wants, set(&[Kind::Video]));
    let received = stage.participant(&anna);
    assert_eq!(&received.id, bert.id());
    assert!(received.connected);
    assert_eq!(received.wants, set(&[Kind::Audio]));
    stage.advance(LATE);
    assert!(stage.received(&anna).is_empty());
}

#[test]
fn a_wrong_key_does_not_resume_and_disturbs_nobody() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    stage.received(&anna);
    for (user, key) in [("bert", "guessed"), ("eve", bert.resume.key.as_str())] {
        let eve = stage.hello(user);
        let guess = Resume {
            key: key.to_owned(),
            ..bert.resume.clone()
        };
        stage.say_join(eve, "tea", Some(guess));
        stage.refused(eve, ErrorCode::BadResume);
    }
    assert!(stage.received(&anna).is_empty());
    assert!(stage.received(&bert).is_empty());
    stage.send(bert.connection, &offer(&anna, 1));
    assert_eq!(stage.received(&anna).len(), 1);
}

#[test]
fn resuming_while_the_old_connection_is_open_replaces_it() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    stage.received(&anna);
    let back = stage.resume("bert", "tea", &bert.resume);
    stage.refused(bert.connection, ErrorCode::Replaced);
    assert_eq!(back.resume, bert.resume);

    // The end of the old connection no longer affects the participant.
    stage.received(&anna);
    stage.send(
        bert.connection,
        &ClientMessage::Leave {
            for_everyone: false,
        },
    );
    stage.lose(&bert);
    stage.advance(LATE);
    assert!(stage.received(&anna).is_empty());
    stage.send(anna.connection, &offer(&back, 1));
    assert_eq!(stage.received(&back).len(), 1);
}

#[test]
fn a_user_that_joins_again_takes_over_its_lost_session() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let first = stage.join("bert", "tea");
    let second = stage.join("bert", "tea");
    let lost = stage.join("bert", "tea");
    stage.lose(&second);
    stage.lose(&lost);
    stage.received(&anna);

    let again = stage.join("bert", "tea");
    assert_eq!(again.resume.session, 2);
    assert_ne!(again.id(), second.id());
    assert!(again.roster.iter().all(|p| &p.id != second.id()));
    let received = stage.received(&anna);
    assert!(left(&second, &received[0]), "{received:?}");
    assert!(
        matches!(&received[1], ServerMessage::Participant { participant } if &participant.id == again.id() && participant.session == 2),
        "{received:?}"
    );
    assert_eq!(received.len(), 2);
    stage.advance(LATE);
    let received = stage.received(&anna);
    assert!(
        received.len() == 1 && left(&lost, &received[0]),
        "{received:?}"
    );
    assert!(stage.received.contains_key(&first.connection));
}

#[test]
fn another_server_restores_a_session_unchanged() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    let bert_2 = stage.join("bert", "tea");
    stage.another_server();

    let back_2 = stage.resume("bert", "tea", &bert_2.resume);
    assert_eq!(back_2.resume, bert_2.resume);
    let back = stage.resume("bert", "tea", &bert.resume);
    assert_eq!(back.resume, bert.resume);
    let anna_back = stage.resume("anna", "tea", &anna.resume);
    assert_eq!(anna_back.resume, anna.resume);
    assert_eq!(anna_back.roster.len(), 2);

    // From now on the server knows the keys.
    let eve = stage.hello("anna");
    let guess = Resume {
        key: "guess".into(),
        ..anna.resume
    };
    stage.say_join(eve, "tea", Some(guess));
    stage.refused(eve, ErrorCode::BadResume);
}

#[test]
fn on_another_server_an_id_needs_its_key_user_and_call() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let eve = stage.join("eve", "tea");
    stage.another_server();
    // Eve knows anna's id, and has a key of her own.
    let stolen = Resume {
        key: eve.resume.key.clone(),
        ..anna.resume.clone()
    };
    for (user, call, resume) in [
        ("anna", "tea", &stolen),
        ("eve", "tea", &stolen),
        ("eve", "tea", &anna.resume),
        ("anna", "coffee", &anna.resume),
    ] {
        let connection = stage.hello(user);
        stage.say_join(connection, call, Some(resume.clone()));
        stage.refused(connection, ErrorCode::BadResume);
    }
    assert!(stage.rooms.calls.is_empty());
    assert_eq!(stage.resume("anna", "tea", &anna.resume).id(), anna.id());
}

/// Returns the identity that a server derives from a key in the call `tea`.
fn made(key: &str, user: &str) -> Resume {
    Resume {
        participant: identity::id(key, user, "tea"),
        session: 1,
        key: key.to_owned(),
    }
}

#[test]
fn on_another_server_a_session_whose_number_is_taken_gets_a_free_one() {
    let mut stage = Stage::new();
    let bert = stage.join("bert", "tea");
    stage.another_server();
    let new = stage.join("bert", "tea");
    assert_eq!(new.resume.session, 1);
    let back = stage.resume("bert", "tea", &bert.resume);
    assert_eq!((back.id(), back.resume.session), (bert.id(), 2));

    // Unless the session with that number is lost.
    stage.lose(&new);
    let other = made("0123456789abcdef0123456789abcdef", "bert");
    assert_eq!(stage.resume("bert", "tea", &other).resume, other);
    let received = stage.received(&back);
    assert!(
        received.iter().any(|message| left(&new, message)),
        "{received:?}"
    );
}

#[test]
fn a_session_that_no_server_can_have_created_is_refused() {
    let mut stage = Stage::new();
    // A matching id does not help if the key is invalid.
    for key in ["", "k", &"k".repeat(32), &"a".repeat(31), &"a".repeat(65)] {
        let connection = stage.hello("anna");
        stage.say_join(connection, "tea", Some(made(key, "anna")));
        stage.refused(connection, ErrorCode::BadResume);
    }
    for session in [0, 65, u32::MAX] {
        let user = format!("user {session}");
        let resume = Resume {
            session,
            ..made("0123456789abcdef0123456789abcdef", &user)
        };
        let client = stage.resume(&user, "tea", &resume);
        assert_eq!(client.resume.session, 1);
    }
}

#[test]
fn an_empty_call_is_forgotten() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    stage.lose(&anna);
    stage.advance(LATE);
    assert!(stage.rooms.calls.is_empty());
    assert!(stage.rooms.connections.is_empty());
    assert!(stage.rooms.addresses.is_empty());
    assert!(stage.rooms.timers.is_empty());
}

#[test]
fn a_machine_with_the_same_random_bytes_repeats() {
    let run = || {
        let mut stage = Stage::new();
        let anna = stage.join("anna", "tea");
        let bert = stage.join("bert", "tea");
        (anna.resume, bert.resume)
    };
    assert_eq!(run(), run());
    let (anna, bert) = run();
    assert_ne!(anna.participant, bert.participant);
    assert_ne!(anna.key, bert.key);
}
