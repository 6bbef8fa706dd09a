//! Secrets must not be logged.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::filter::LevelFilter;

use super::*;

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn a_whole_session_leaves_no_secret_in_the_log_at_any_level() {
    let log = Log::default();
    let writer = log.clone();
    // The server runs in this test's thread.
    let _guard = tracing::subscriber::set_default(
        tracing_subscriber::fmt()
            .json()
            .with_max_level(LevelFilter::TRACE)
            .with_writer(move || writer.clone())
            .finish(),
    );
    let turn = Turn {
        urls: vec!["turn:t.example".to_owned()],
        secret: Secret::new(b"turn-secret", TURN_SECRET).unwrap(),
        lifetime: Duration::from_secs(60),
    };
    let at = spawn_with(Config {
        secret: Some(tokens::secret()),
        ice: Ice {
            turn: Some(turn),
            ..Ice::default()
        },
        ..Config::default()
    });
    let mut secrets = vec![
        "a secret for tests".to_owned(),
        "turn-secret".to_owned(),
        "sdp-text".to_owned(),
        "ice-password".to_owned(),
    ];
    let mut clients = Vec::new();
    for user in ["anna", "bert"] {
        let token = tokens::claims(user).sign(&tokens::secret());
        let (sender, receiver) = connect(&format!("ws://{at}")).await.unwrap();
        let client = Client::enter_on(sender, receiver, user, Some(&token), None).await;
        secrets.extend(token.split('.').skip(1).map(str::to_owned));
        secrets.push(client.resume.key.clone());
        secrets.extend(client.ice_servers[0].credential.clone());
        clients.push(client);
    }
    let (mut bert, mut anna) = (clients.remove(1), clients.remove(0));
    assert!(anna.participant().await.connected);
    bert.send(&anna.offer("sdp-text\r\na=ice-pwd:ice-password\r\n"))
        .await;
    assert!(matches!(anna.next().await, ServerMessage::Signal { .. }));
    bert.leave().await;
    bert.closed().await;
    anna.participant_left().await;

    // Errors to the client quote a part of its message; the log does not.
    let key = &anna.resume.key;
    let hello = r#"{"type":"hello","versions":[1],"user":"eve","token":"#;
    let token = tokens::claims("anna").sign(&tokens::secret());
    for (text, code) in [
        (
            r#"{"type":"hello","versions":"sdp-text"}"#.to_owned(),
            ErrorCode::Malformed,
        ),
        (format!(r#"{{"type":"{key}"}}"#), ErrorCode::UnknownMessage),
        (format!(r#"{hello}"{token}"}}"#), ErrorCode::TokenUser),
        (
            format!(r#"{hello}"ice-password"}}"#),
            ErrorCode::TokenMalformed,
        ),
    ] {
        let mut raw = tokio::task::spawn_blocking(move || hostile::Raw::open(at))
            .await
            .unwrap();
        let code = serde_json::to_string(&code).unwrap();
        let read = tokio::task::spawn_blocking(move || {
            raw.send(1, text.as_bytes()).unwrap();
            raw.wait_for(&code);
        });
        timeout(PATIENCE, read).await.unwrap().unwrap();
    }
    let (sender, receiver) = connect(&format!("ws://{at}")).await.unwrap();
    let back = Client::enter_on(sender, receiver, "anna", Some(&token), Some(anna.resume)).await;
    back.sender.close().await;

    let text = log.text();
    for said in ["joined", "refused", "opened", "closed", "anna"] {
        assert!(text.contains(said), "{said} in {text}");
    }
    for secret in &secrets {
        assert!(secret.len() > 7, "{secret}");
        assert!(!text.contains(secret.as_str()), "{secret} in {text}");
    }
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string(), "{line}");
    }
}
