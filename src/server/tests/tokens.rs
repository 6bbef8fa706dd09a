//! Servers that require tokens.

use super::*;
use crate::server::token::Claims;

pub(super) fn secret() -> Secret {
    Secret::new(b"a secret for tests, of 32 bytes!", TOKEN_SECRET).unwrap()
}

pub(super) fn claims(user: &str) -> Claims {
    Claims {
        sub: user.to_owned(),
        call: "*".to_owned(),
        exp: now() + 3600,
        nbf: None,
        place: false,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tokens are made at the real time"
)]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}

fn guarded() -> Embedded {
    start_with(Config {
        secret: Some(secret()),
        ..Config::default()
    })
}

async fn enter(server: SocketAddr, user: &str, token: &str) -> Client {
    let (sender, receiver) = connect(&format!("ws://{server}")).await.unwrap();
    Client::enter_on(sender, receiver, user, Some(token), None).await
}

async fn rejection(server: SocketAddr, user: &str, token: Option<&str>) -> (ErrorCode, String) {
    let (mut sender, mut receiver) = connect(&format!("ws://{server}")).await.unwrap();
    sender.send(&hello(user, token)).await.unwrap();
    refused(&mut receiver).await
}

#[tokio::test]
async fn every_fault_of_a_token_has_a_code_and_a_remedy_and_the_call_continues() {
    let server = guarded();
    let at = server.local_addr();
    let mut anna = enter(at, "anna", &claims("anna").sign(&secret())).await;

    let expired = Claims {
        exp: now() - 3600,
        ..claims("bert")
    };
    let early = Claims {
        nbf: Some(now() + 3600),
        ..claims("bert")
    };
    let other = Secret::new(&[7; 32], TOKEN_SECRET).unwrap();
    // {"alg":"none"}, {"alg":"RS256"}
    let body = claims("bert").sign(&secret());
    let body = body.split('.').nth(1).unwrap();
    for (token, code, remedy) in [
        (None, ErrorCode::TokenRequired, "ACSCALL_TOKEN"),
        (
            Some("rubbish".to_owned()),
            ErrorCode::TokenMalformed,
            "acscall token",
        ),
        (
            Some(format!("eyJhbGciOiJub25lIn0.{body}.")),
            ErrorCode::TokenAlgorithm,
            "HS256",
        ),
        (
            Some(format!("eyJhbGciOiJSUzI1NiJ9.{body}.AAAA")),
            ErrorCode::TokenAlgorithm,
            "HS256",
        ),
        (
            Some(claims("bert").sign(&other)),
            ErrorCode::TokenSignature,
            "secret",
        ),
        (
            Some(expired.sign(&secret())),
            ErrorCode::TokenExpired,
            "new one",
        ),
        (
            Some(early.sign(&secret())),
            ErrorCode::TokenNotYetValid,
            "wait",
        ),
        (
            Some(claims("eve").sign(&secret())),
            ErrorCode::TokenUser,
            "eve",
        ),
    ] {
        let (received, text) = rejection(at, "bert", token.as_deref()).await;
        assert_eq!(received, code, "{text}");
        assert!(text.contains(remedy), "{text}");
    }
    let mut carl = enter(at, "carl", &claims("carl").sign(&secret())).await;
    assert_eq!(anna.participant().await.user, "carl");
    carl.send(&anna.offer("v=0")).await;
    assert!(matches!(anna.next().await, ServerMessage::Signal { .. }));
}

#[tokio::test]
async fn a_token_for_one_call_does_not_admit_to_another() {
    let server = guarded();
    let at = server.local_addr();
    let token = |call: &str| {
        let claims = Claims {
            call: call.to_owned(),
            ..claims("bert")
        };
        claims.sign(&secret())
    };
    let mut anna = enter(at, "anna", &claims("anna").sign(&secret())).await;
    let (mut sender, mut receiver) = connect(&format!("ws://{at}")).await.unwrap();
    let elsewhere = token("elsewhere");
    sender.send(&hello("bert", Some(&elsewhere))).await.unwrap();
    let welcome = receiver.next().await.unwrap();
    assert!(matches!(welcome, ServerMessage::Welcome { .. }));
    sender.send(&join(CALL, None)).await.unwrap();
    let (code, text) = refused(&mut receiver).await;
    assert_eq!(code, ErrorCode::TokenCall);
    assert!(text.contains("elsewhere"), "{text}");

    enter(at, "bert", &token(CALL)).await;
    assert_eq!(anna.participant().await.user, "bert");
}

#[tokio::test]
async fn without_a_secret_tokens_are_ignored() {
    let server = start();
    enter(server.local_addr(), "anna", "rubbish").await;
}

#[tokio::test]
async fn a_participant_gets_ice_servers_with_a_temporary_password() {
    let turn = Turn {
        urls: vec!["turn:t.example:3478".to_owned()],
        secret: Secret::new(b"north", TURN_SECRET).unwrap(),
        lifetime: Duration::from_secs(3600),
    };
    let ice = Ice {
        stun: vec!["stun:s.example".to_owned()],
        turn: Some(turn),
    };
    let server = start_with(Config {
        ice,
        ..Config::default()
    });
    let anna = Client::join(server.local_addr(), "anna").await;
    let [stun, turn] = &anna.ice_servers[..] else {
        panic!("{:?}", anna.ice_servers)
    };
    assert_eq!(stun.urls, ["stun:s.example"]);
    let (end, user) = turn.username.as_ref().unwrap().split_once(':').unwrap();
    assert_eq!(user, "anna");
    let left = end.parse::<u64>().unwrap() - now();
    assert!((3500..=3600).contains(&left), "{left}");
    assert_eq!(turn.credential.as_ref().unwrap().len(), 28);
}

#[test]
fn an_invalid_name_or_address_is_refused_at_the_start() {
    let bad_host = Config {
        hosts: vec!["https://calls.example".to_owned()],
        ..Config::default()
    };
    let bad_origin = Config {
        origins: vec!["*".to_owned()],
        ..Config::default()
    };
    let bad_stun = Config {
        ice: Ice {
            stun: vec!["s.example".to_owned()],
            turn: None,
        },
        ..Config::default()
    };
    for config in [bad_host, bad_origin, bad_stun] {
        let error = Server::bind("127.0.0.1:0".parse().unwrap(), config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("such as"), "{error}");
    }
}
