//! Limits: a client that exceeds one gets an error and is closed. Other clients are not affected.
//!
//! The room machine's tests cover each limit exactly; these show that the server applies them.

use super::*;

fn limited(limits: Limits) -> Embedded {
    start_with(Config {
        limits,
        ..Config::default()
    })
}

/// Connects and joins, and is refused at some point.
async fn one_too_many(server: SocketAddr, call: &str) -> String {
    let (mut sender, mut receiver) = connect(&format!("ws://{server}")).await.unwrap();
    // If the connection itself exceeds the limit, the server may have closed it already.
    let _ = sender.send(&hello("late", None)).await;
    let _ = sender.send(&join(call, None)).await;
    loop {
        match timeout(PATIENCE, receiver.next()).await.unwrap().unwrap() {
            ServerMessage::Welcome { .. } => {}
            ServerMessage::Error { code, message } => {
                assert_eq!(code, ErrorCode::LimitExceeded, "{message}");
                timeout(PATIENCE, receiver.next())
                    .await
                    .unwrap()
                    .unwrap_err();
                return message;
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Asserts that the next message to `client` is about a participant that joins now.
async fn undisturbed(client: &mut Client, server: SocketAddr, user: &str) {
    let other = Client::join(server, user).await;
    assert_eq!(client.participant().await.user, user);
    drop(other);
}

#[tokio::test]
async fn connections_of_an_address() {
    let server = limited(Limits {
        connections_per_address: 2,
        ..Limits::default()
    });
    let at = server.local_addr();
    let mut anna = Client::join(at, "anna").await;
    let bert = Client::join(at, "bert").await;
    assert!(anna.participant().await.connected);
    let text = one_too_many(at, CALL).await;
    assert!(text.contains("more than 2 connections"), "{text}");
    bert.sender.close().await;
    assert!(!anna.participant().await.connected);
    undisturbed(&mut anna, at, "carl").await;
}

#[tokio::test]
async fn new_connections_of_an_address_per_second() {
    let server = limited(Limits {
        connections_per_second: 1,
        connection_burst: 2,
        ..Limits::default()
    });
    let at = server.local_addr();
    let mut anna = Client::join(at, "anna").await;
    // On a slow machine further connections may be allowed in the meantime.
    let text = loop {
        let (mut sender, mut receiver) = connect(&format!("ws://{at}")).await.unwrap();
        // The server may have closed the connection already.
        let _ = sender.send(&hello("quick", None)).await;
        match timeout(PATIENCE, receiver.next()).await.unwrap().unwrap() {
            ServerMessage::Welcome { .. } => {}
            ServerMessage::Error { code, message } => {
                assert_eq!(code, ErrorCode::LimitExceeded);
                break message;
            }
            other => panic!("{other:?}"),
        }
    };
    assert!(text.contains("too many new connections"), "{text}");
    anna.send(&ClientMessage::Want {
        of: anna.resume.participant.clone(),
        kinds: Kinds::new(),
    })
    .await;
    // The reply is the first message that anna receives.
    let answer = anna.next().await;
    let own = ErrorCode::UnknownParticipant;
    assert!(
        matches!(answer, ServerMessage::Error { code, .. } if code == own),
        "{answer:?}"
    );
}

#[tokio::test]
async fn participants_of_a_call() {
    let server = limited(Limits {
        participants_per_call: 2,
        ..Limits::default()
    });
    let at = server.local_addr();
    let mut anna = Client::join(at, "anna").await;
    let mut bert = Client::join(at, "bert").await;
    assert!(anna.participant().await.connected);
    let text = one_too_many(at, CALL).await;
    assert!(text.contains("2 participants"), "{text}");
    bert.leave().await;
    anna.participant_left().await;
    undisturbed(&mut anna, at, "carl").await;
}

#[tokio::test]
async fn calls() {
    let server = limited(Limits {
        calls: 1,
        ..Limits::default()
    });
    let at = server.local_addr();
    let mut anna = Client::join(at, "anna").await;
    let text = one_too_many(at, "another").await;
    assert!(text.contains("1 calls"), "{text}");
    undisturbed(&mut anna, at, "bert").await;
}

#[tokio::test]
async fn candidates_of_a_leg() {
    let server = start();
    let at = server.local_addr();
    let mut anna = Client::join(at, "anna").await;
    let mut bert = Client::join(at, "bert").await;
    let mut carl = Client::join(at, "carl").await;
    for client in [&mut anna, &mut bert] {
        while client.participant().await.user != "carl" {}
    }
    let candidate = |to: &Client| ClientMessage::Signal {
        to: to.resume.participant.clone(),
        signal: LegSignal {
            leg: 1,
            by: LegEnd::Sender,
            step: LegStep::Candidate(crate::model::Candidate {
                candidate: "candidate:1 1 UDP 1 127.0.0.1 9 typ host".to_owned(),
                line: 0,
            }),
        },
    };
    for _ in 0..65 {
        bert.send(&candidate(&anna)).await;
    }
    let (code, text) = refused(&mut bert.receiver).await;
    assert_eq!(code, ErrorCode::LimitExceeded);
    assert!(text.contains("64 candidates"), "{text}");
    // Anna receives 64 candidates and the loss of bert's connection, carl only the latter.
    for _ in 0..64 {
        assert!(matches!(anna.next().await, ServerMessage::Signal { .. }));
    }
    assert!(!anna.participant().await.connected);
    assert!(!carl.participant().await.connected);
    anna.send(&carl.offer("v=0")).await;
    assert!(matches!(carl.next().await, ServerMessage::Signal { .. }));
}

#[tokio::test]
async fn time_for_the_handshake() {
    let at = spawn();
    let mut anna = Client::join(at, "anna").await;
    let (_sender, mut receiver) = connect(&format!("ws://{at}")).await.unwrap();
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let next = receiver.next().await.unwrap();
    assert!(
        matches!(
            next,
            ServerMessage::Error {
                code: ErrorCode::LimitExceeded,
                ..
            }
        ),
        "{next:?}"
    );
    assert_eq!(seconds_since(start), 5);
    tokio::time::resume();
    undisturbed(&mut anna, at, "bert").await;
}
