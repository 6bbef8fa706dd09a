//! Each limit, reached and exceeded by one.

use super::*;

fn small() -> Limits {
    Limits {
        participants_per_call: 3,
        calls: 2,
        connections_per_address: 4,
        ..Limits::default()
    }
}

#[test]
fn names_have_1_to_128_characters_and_none_of_them_control() {
    let mut stage = Stage::new();
    let longest = "ü".repeat(128);
    for name in [
        "x",
        "Grüße aus/nach Köln?",
        " ",
        "日本 ☎ \u{1F600}",
        &longest,
    ] {
        stage.join(name, name);
    }
    let too_long = "ü".repeat(129);
    for name in ["", "a\nb", "a\u{0}", "\u{7f}", "\u{85}", &too_long] {
        let id = stage.open();
        stage.say_hello(id, name);
        stage.refused(id, ErrorCode::BadName);
        let id = stage.hello("anna");
        stage.say_join(id, name, None);
        let text = stage.refused(id, ErrorCode::BadName);
        assert!(text.contains("1 to 128"), "{text}");
    }
    let id = stage.open();
    stage.text(
        id,
        r#"{"type":"hello","versions":[1],"user":"a","displayName":"\u0007"}"#,
    );
    stage.refused(id, ErrorCode::BadName);
    let id = stage.open();
    stage.text(
        id,
        r#"{"type":"hello","versions":[1],"user":"a","displayName":""}"#,
    );
    assert!(matches!(
        stage.take(id)[..],
        [ServerMessage::Welcome { .. }]
    ));
}

#[test]
fn the_participants_of_a_call_are_limited() {
    let mut stage = Stage::with(small());
    let clients: Vec<_> = ["a", "b", "c"].map(|user| stage.join(user, "tea")).into();
    let id = stage.hello("d");
    stage.say_join(id, "tea", None);
    let text = stage.refused(id, ErrorCode::LimitExceeded);
    assert!(text.contains("full"), "{text}");
    stage.input(Input::Closed(id));

    // A lost participant keeps its place, and its user can join again.
    stage.lose(&clients[2]);
    let id = stage.hello("d");
    stage.say_join(id, "tea", None);
    stage.refused(id, ErrorCode::LimitExceeded);
    stage.input(Input::Closed(id));
    assert_eq!(stage.join("c", "tea").resume.session, 1);
    stage.send(
        clients[0].connection,
        &ClientMessage::Leave {
            for_everyone: false,
        },
    );
    stage.lose(&clients[0]);
    stage.join("d", "tea");
}

#[test]
fn the_calls_of_a_server_are_limited() {
    let mut stage = Stage::with(small());
    stage.join("a", "tea");
    let coffee = stage.join("a", "coffee");
    let id = stage.hello("a");
    stage.say_join(id, "water", None);
    stage.refused(id, ErrorCode::LimitExceeded);
    stage.input(Input::Closed(id));
    stage.join("b", "tea");
    stage.send(
        coffee.connection,
        &ClientMessage::Leave {
            for_everyone: false,
        },
    );
    stage.lose(&coffee);
    stage.join("a", "water");
}

#[test]
fn the_connections_of_an_address_are_limited() {
    let mut stage = Stage::with(small());
    let open: Vec<_> = (0..4).map(|_| stage.hello("a")).collect();
    let id = stage.open();
    let text = stage.refused(id, ErrorCode::LimitExceeded);
    assert!(text.contains("127.0.0.1"), "{text}");
    let elsewhere = stage.open_from([127, 0, 0, 2]);
    stage.say_hello(elsewhere, "b");
    assert_eq!(stage.take(elsewhere).len(), 1);

    // It counts until the connection is closed.
    let again = stage.open();
    stage.refused(again, ErrorCode::LimitExceeded);
    for gone in [id, again, open[0]] {
        stage.input(Input::Closed(gone));
    }
    stage.hello("a");
}

#[test]
fn the_new_connections_of_an_address_per_second_are_limited() {
    let mut stage = Stage::with(Limits {
        connections_per_second: 2,
        connection_burst: 3,
        ..Limits::default()
    });
    let anna = stage.join("anna", "tea");
    for _ in 1..3 {
        let id = stage.hello("quick");
        stage.input(Input::Closed(id));
    }
    // Closed connections count, too.
    let id = stage.open();
    let text = stage.refused(id, ErrorCode::LimitExceeded);
    assert!(text.contains("2 per second"), "{text}");
    stage.input(Input::Closed(id));
    let elsewhere = stage.open_from([127, 0, 0, 2]);
    stage.say_hello(elsewhere, "b");
    assert_eq!(stage.take(elsewhere).len(), 1);

    stage.advance(Duration::from_millis(500));
    let bert = stage.join("bert", "tea");
    let id = stage.open();
    stage.refused(id, ErrorCode::LimitExceeded);
    assert_eq!(&stage.participant(&anna).id, bert.id());
}

#[test]
fn an_address_is_remembered_until_its_quota_is_full() {
    let mut stage = Stage::with(Limits {
        connections_per_second: 1,
        connection_burst: 2,
        ..Limits::default()
    });
    for _ in 0..2 {
        let id = stage.open();
        stage.input(Input::Closed(id));
    }
    let id = stage.open();
    stage.refused(id, ErrorCode::LimitExceeded);
    stage.input(Input::Closed(id));
    assert_eq!(stage.rooms.addresses.len(), 1);
    stage.advance(Duration::from_secs(3));
    assert!(stage.rooms.addresses.is_empty());
    assert_eq!(stage.rooms.poll_timeout(), None);
}

#[test]
fn repeated_connections_of_an_address_take_no_memory() {
    let mut stage = Stage::new();
    for _ in 0..1000 {
        let id = stage.open();
        stage.input(Input::Closed(id));
        stage.advance(Duration::from_millis(1));
    }
    assert_eq!(stage.rooms.timers.len(), 1);
    stage.advance(Duration::from_secs(20));
    assert!(stage.rooms.timers.is_empty() && stage.rooms.addresses.is_empty());
}

#[test]
fn hello_and_join_must_arrive_within_5_seconds() {
    let mut stage = Stage::new();
    let silent = stage.open();
    let greeted = stage.hello("anna");
    let joined = stage.join("bert", "tea");
    stage.advance(Duration::from_millis(4999));
    assert!(stage.closed.is_empty());
    stage.advance(Duration::from_millis(1));
    for id in [silent, greeted] {
        let text = stage.refused(id, ErrorCode::LimitExceeded);
        assert!(text.contains("5 s"), "{text}");
    }
    stage.advance(Duration::from_secs(3600));
    assert!(!stage.closed.contains(&joined.connection));
    assert_eq!(stage.rooms.poll_timeout(), None);
}

#[test]
fn the_messages_of_a_connection_are_limited() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    stage.received(&anna);
    // The first two messages are hello and join.
    for _ in 2..Limits::default().message_burst {
        stage.send(bert.connection, &offer(&anna, 1));
    }
    assert!(stage.received(&bert).is_empty());
    assert_eq!(stage.received(&anna).len(), 2046);
    stage.advance(Duration::from_millis(10));
    stage.send(bert.connection, &offer(&anna, 1));
    assert_eq!(stage.received(&anna).len(), 1);
    stage.send(bert.connection, &offer(&anna, 1));
    let text = stage.refused(bert.connection, ErrorCode::LimitExceeded);
    assert!(text.contains("100 messages"), "{text}");
    assert!(!stage.participant(&anna).connected);
    // A returning client starts with a full quota.
    stage.lose(&bert);
    stage.advance(Limits::default().penalty());
    stage.resume("bert", "tea", &bert.resume);
}

#[test]
fn the_changes_of_a_connection_are_limited() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    stage.received(&anna);
    for n in 0..Limits::default().change_burst {
        match n % 2 {
            0 => stage.media(&bert, &[Kind::Audio]),
            _ => stage.media(&bert, &[]),
        }
    }
    assert_eq!(stage.received(&anna).len(), 256);
    stage.advance(Duration::from_millis(50));
    stage.want(&bert, &anna, &[Kind::Audio]);
    assert_eq!(stage.received(&anna).len(), 1);
    // Messages about legs are not changes.
    stage.send(bert.connection, &offer(&anna, 1));
    assert_eq!(stage.received(&anna).len(), 1);
    stage.want(&bert, &anna, &[]);
    let text = stage.refused(bert.connection, ErrorCode::LimitExceeded);
    assert!(text.contains("20 per second"), "{text}");
    assert!(!stage.participant(&anna).connected);
}

/// Sends too many messages on a new connection. Returns false if it cannot be opened.
fn flood(stage: &mut Stage) -> bool {
    let id = stage.open();
    let is_open = stage.take(id).is_empty();
    if is_open {
        stage.say_hello(id, "mallory");
        for _ in 0..Limits::default().message_burst {
            stage.text(id, r#"{"type":"leave?"}"#);
        }
        assert!(stage.closed.contains(&id));
    }
    stage.input(Input::Closed(id));
    is_open
}

#[test]
fn reconnecting_does_not_raise_the_limit_on_messages() {
    let mut stage = Stage::new();
    let mut floods = |seconds: u32| {
        let mut floods = 0;
        for _ in 0..seconds * 10 {
            while flood(&mut stage) {
                floods += 1;
            }
            stage.advance(Duration::from_millis(100));
        }
        floods
    };
    // The first minute uses up the burst of connections.
    floods(60);
    // A burst of messages is available again after 20.48 s.
    let floods = floods(2048);
    assert!((95..=100).contains(&floods), "{floods}");
}

#[test]
fn others_at_the_address_of_a_flooding_client_can_resume_in_time() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    while flood(&mut stage) {}
    stage.advance(Duration::from_secs(60));
    let many: Vec<_> = (0..8).map(|_| stage.hello("mallory")).collect();
    stage.lose(&anna);
    for id in many {
        for _ in 0..Limits::default().message_burst {
            stage.text(id, r#"{"type":"leave?"}"#);
        }
        assert!(stage.closed.contains(&id));
    }
    stage.advance(Limits::default().penalty() + Duration::from_millis(50));
    stage.resume("anna", "tea", &anna.resume);
}

#[test]
fn the_bytes_of_a_connection_are_limited() {
    let mut stage = Stage::with(Limits {
        byte_burst: 1000,
        ..Limits::default()
    });
    let anna = stage.join("anna", "tea");
    let text = format!(r#"{{"type":"leave","why":"{}"}}"#, "x".repeat(1000));
    stage.text(anna.connection, &text);
    let text = stage.refused(anna.connection, ErrorCode::LimitExceeded);
    assert!(text.contains("bytes per second"), "{text}");
}

#[test]
fn a_message_has_at_most_256_kib() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let message = |size: usize| {
        let frame = r#"{"type":"media","kinds":[],"x":""}"#.len();
        format!(
            r#"{{"type":"media","kinds":[],"x":"{}"}}"#,
            "x".repeat(size - frame)
        )
    };
    stage.text(anna.connection, &message(256 * 1024));
    assert!(stage.received(&anna).is_empty());
    stage.text(anna.connection, &message(256 * 1024 + 1));
    let text = stage.refused(anna.connection, ErrorCode::LimitExceeded);
    assert!(text.contains("262144"), "{text}");

    let bert = stage.join("bert", "tea");
    stage.input(Input::Broken(bert.connection, Broken::TooLong));
    stage.refused(bert.connection, ErrorCode::LimitExceeded);
}

#[test]
fn each_end_of_a_leg_sends_at_most_64_candidates() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    stage.received(&anna);
    for (leg, by) in [
        (1, LegEnd::Sender),
        (1, LegEnd::Receiver),
        (2, LegEnd::Sender),
    ] {
        for _ in 0..64 {
            stage.send(bert.connection, &candidate(&anna, leg, by, "candidate:1"));
        }
        // The end of candidates does not count.
        stage.send(bert.connection, &candidate(&anna, leg, by, ""));
    }
    assert_eq!(stage.received(&anna).len(), 3 * 65);
    assert!(stage.received(&bert).is_empty());
    stage.send(
        bert.connection,
        &candidate(&anna, 1, LegEnd::Sender, "candidate:1"),
    );
    let text = stage.refused(bert.connection, ErrorCode::LimitExceeded);
    assert!(text.contains("64 candidates"), "{text}");
    assert!(!stage.participant(&anna).connected);
}

#[test]
fn invented_legs_take_no_memory() {
    let mut stage = Stage::new();
    let anna = stage.join("anna", "tea");
    let bert = stage.join("bert", "tea");
    for leg in 0..1000 {
        stage.send(
            bert.connection,
            &candidate(&anna, leg, LegEnd::Sender, "candidate:1"),
        );
    }
    // The counters of old legs are forgotten, those of the newest are kept.
    for _ in 1..64 {
        stage.send(
            bert.connection,
            &candidate(&anna, 999, LegEnd::Sender, "candidate:1"),
        );
    }
    assert!(stage.received(&bert).is_empty());
    stage.send(
        bert.connection,
        &candidate(&anna, 999, LegEnd::Sender, "candidate:1"),
    );
    stage.refused(bert.connection, ErrorCode::LimitExceeded);
}
