//! Messages between participants, and messages out of order.

use super::*;

#[test]
fn a_change_of_media_or_roles_is_sent_to_all_others_once() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    let carl = stage.join("carl", "tea");
    for client in [&anna, &bert, &carl] {
        stage.received(client);
    }
    stage.media(&anna, &[Kind::Audio, Kind::Screen]);
    for other in [&bert, &carl] {
        assert_eq!(
            stage.participant(other).media,
            set(&[Kind::Audio, Kind::Screen])
        );
    }
    assert!(stage.received(&anna).is_empty());

    stage.media(&anna, &[Kind::Screen, Kind::Audio]);
    assert!(stage.received(&bert).is_empty(), "nothing has changed");

    let roles = ClientMessage::Roles {
        receives: false,
        sends: true,
    };
    stage.send(anna.connection, &roles);
    let received = stage.participant(&bert);
    assert!(!received.receives && received.sends);
    assert_eq!(received.media, set(&[Kind::Audio, Kind::Screen]));
}

#[test]
fn the_roster_has_the_media_of_the_others_and_their_wants_of_the_receiver() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    stage.media(&anna, &[Kind::Video]);
    stage.want(&anna, &bert, &[Kind::Audio]);
    let carl = stage.join("carl", "tea");
    let seen = carl.roster.iter().find(|p| &p.id == anna.id()).unwrap();
    assert_eq!(seen.media, set(&[Kind::Video]));
    assert!(seen.wants.is_empty(), "that is bert's");
}

#[test]
fn a_want_is_sent_only_to_the_sender() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    let carl = stage.join("carl", "tea");
    for client in [&anna, &bert, &carl] {
        stage.received(client);
    }
    stage.want(&anna, &bert, &[Kind::Video, Kind::Audio]);
    let received = stage.participant(&bert);
    assert_eq!(&received.id, anna.id());
    assert_eq!(received.wants, set(&[Kind::Audio, Kind::Video]));
    assert!(stage.received(&anna).is_empty());
    assert!(stage.received(&carl).is_empty());

    // Later messages about anna repeat her wants to each participant.
    stage.media(&anna, &[Kind::Audio]);
    assert_eq!(
        stage.participant(&bert).wants,
        set(&[Kind::Audio, Kind::Video])
    );
    assert!(stage.participant(&carl).wants.is_empty());

    stage.want(&anna, &bert, &[]);
    assert!(stage.participant(&bert).wants.is_empty());
}

#[test]
fn a_want_of_a_lost_participant_waits_for_it() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    stage.lose(&bert);
    stage.received(&anna);
    stage.want(&anna, &bert, &[Kind::Screen]);
    assert!(stage.received(&anna).is_empty());
    let back = stage.resume("bert", "tea", &bert.resume);
    assert_eq!(back.roster[0].wants, set(&[Kind::Screen]));
}

#[test]
fn a_signal_reaches_its_receiver_with_the_senders_id() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    let carl = stage.join("carl", "tea");
    for client in [&anna, &bert, &carl] {
        stage.received(client);
    }
    stage.send(bert.connection, &offer(&anna, 3));
    let received = stage.received(&anna);
    let [ServerMessage::Signal { from, signal }] = &received[..] else {
        panic!("{received:?}")
    };
    assert_eq!(from, bert.id());
    assert_eq!(signal.leg, 3);
    assert!(stage.received(&bert).is_empty());
    assert!(stage.received(&carl).is_empty());
}

#[test]
fn a_signal_to_nobody_is_an_error_and_one_to_a_lost_participant_is_dropped() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    stage.received(&anna);
    stage.lose(&bert);
    stage.received(&anna);
    stage.send(anna.connection, &offer(&bert, 1));
    assert!(stage.received(&anna).is_empty());

    stage.advance(Duration::from_secs(31));
    stage.received(&anna);
    stage.send(anna.connection, &offer(&bert, 1));
    stage.refused(anna.connection, ErrorCode::UnknownParticipant);
    stage.want(&anna, &bert, &[Kind::Audio]);
    stage.refused(anna.connection, ErrorCode::UnknownParticipant);
    stage.send(anna.connection, &offer(&anna, 1));
    stage.refused(anna.connection, ErrorCode::UnknownParticipant);
}

#[test]
fn messages_out_of_order_are_refused_and_change_nothing() {
    let mut stage = Stage::new();
    let id = stage.open();
    stage.say_join(id, "tea", None);
    stage.refused(id, ErrorCode::OutOfOrder);
    stage.say_hello(id, "anna");
    stage.take(id);
    stage.send(
        id,
        &ClientMessage::Media {
            kinds: Kinds::new(),
        },
    );
    stage.refused(id, ErrorCode::OutOfOrder);
    stage.say_hello(id, "bert");
    stage.refused(id, ErrorCode::OutOfOrder);
    stage.say_join(id, "tea", None);
    let anna = stage.joined(id);
    stage.say_join(id, "coffee", None);
    stage.refused(id, ErrorCode::OutOfOrder);
    stage.say_hello(id, "bert");
    stage.refused(id, ErrorCode::OutOfOrder);

    let bert = stage.join("bert", "tea");
    assert_eq!(bert.roster[0].user, "anna");
    stage.send(id, &offer(&bert, 1));
    assert_eq!(stage.received(&bert).len(), 1);
    assert_eq!(anna.resume.session, 1);
}

#[test]
fn versions_are_negotiated() {
    let mut stage = Stage::new();
    let id = stage.open();
    stage.text(id, r#"{"type":"hello","versions":[2,3],"user":"anna"}"#);
    let text = stage.refused(id, ErrorCode::UnsupportedVersion);
    assert!(text.contains("[1]"), "{text}");
}

#[test]
fn an_unknown_type_is_an_error_that_keeps_the_connection_open() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    stage.text(anna.connection, r#"{"type":"dance","with":"bert"}"#);
    let text = stage.refused(anna.connection, ErrorCode::UnknownMessage);
    assert!(text.contains("dance"), "{text}");
    stage.media(&anna, &[Kind::Audio]);
    assert!(stage.received(&anna).is_empty());
}

#[test]
fn a_malformed_message_closes_only_its_senders_connection() {
    for text in [
        "{",
        "null",
        r#"{"type":"media"}"#,
        r#"{"type":"media","kinds":["taste"]}"#,
    ] {
        let mut stage = Stage::new();
        let anna = stage.join("anna", "tea");
        let bert = stage.join("bert", "tea");
        stage.received(&anna);
        stage.text(bert.connection, text);
        stage.refused(bert.connection, ErrorCode::Malformed);
        // Later messages are ignored.
        stage.media(&bert, &[Kind::Audio]);
        assert!(!stage.participant(&anna).connected);
        stage.lose(&bert);
        assert!(stage.received(&anna).is_empty());
        assert_eq!(
            stage.resume("bert", "tea", &bert.resume).resume,
            bert.resume
        );
    }
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    stage.input(Input::Broken(anna.connection, Broken::NotText));
    stage.refused(anna.connection, ErrorCode::Malformed);
}
