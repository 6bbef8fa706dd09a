//! Calls that fail, and the messages of the caller and the callee.

use std::time::Duration;

use acscall::server::token::Claims;
use acscall::server::{Config, Secret, TOKEN_SECRET};
use acscall_tests::pipeline::{Pipeline, free_port, init};
use anyhow::Result;
use gst::prelude::*;

use super::person::{Person, server};

#[test]
fn calling_an_absent_user_is_an_error_that_says_how_to_accept_calls() -> Result<()> {
    init()?;
    let alice = Person::calling(free_port()?, "alice", "bob")?;
    assert_eq!(
        alice.until_participant("bob", "disconnected")?.as_deref(),
        Some("unknown")
    );
    let (text, code) = alice.fails()?;
    assert!(text.contains("nobody waits for calls as \"bob\""), "{text}");
    assert_eq!(code, Some(gst::ResourceError::NotFound));
    alice.until_state("disconnected")?;
    Ok(())
}

#[test]
fn a_user_in_a_call_is_busy() -> Result<()> {
    init()?;
    let port = free_port()?;
    let bob = Person::joining(port, "bob", "room")?;
    let alice = Person::calling(port, "alice", "bob")?;
    assert_eq!(
        alice.until_participant("bob", "disconnected")?.as_deref(),
        Some("busy")
    );
    let (text, code) = alice.fails()?;
    assert!(text.contains("\"bob\"") && text.contains("busy"), "{text}");
    assert_eq!(code, Some(gst::ResourceError::Busy));
    assert_eq!(bob.participants()?, []);
    Ok(())
}

#[test]
fn a_user_who_declines_a_call_can_answer_the_next_one() -> Result<()> {
    init()?;
    let port = free_port()?;
    let bob = Person::waiting(port, "bob")?;
    let alice = Person::calling(port, "alice", "bob")?;
    let first = bob.until_called_by("alice")?;
    alice.until_state("ringing")?;
    bob.emit("reject", None)?;
    assert_eq!(bob.until_not_called()?, "declined");
    assert_eq!(
        alice.until_participant("bob", "disconnected")?.as_deref(),
        Some("declined")
    );
    let (text, code) = alice.fails()?;
    assert!(
        text.contains("\"bob\"") && text.contains("declined"),
        "{text}"
    );
    assert_eq!(code, Some(gst::ResourceError::Close));
    drop(alice);

    let alice = Person::calling(port, "alice", "bob")?;
    let second = bob.until_called_by("alice")?;
    assert_ne!(first, second);
    bob.emit("accept", Some(&second))?;
    bob.until_state("connected")?;
    assert_eq!(bob.course()?, ["connecting", "connected"]);
    alice.until_state("connected")?;
    alice.sees()?;
    bob.sees()?;
    Ok(())
}

#[test]
fn ringing_ends_if_nobody_answers_in_time() -> Result<()> {
    init()?;
    let mut config = Config::default();
    config.limits.ringing = Duration::from_millis(500);
    let (_server, port) = server(config)?;
    let bob = Person::waiting(port, "bob")?;
    let alice = Person::calling(port, "alice", "bob")?;
    bob.until_called_by("alice")?;
    assert_eq!(bob.until_not_called()?, "no-answer");
    assert_eq!(
        alice.until_participant("bob", "disconnected")?.as_deref(),
        Some("no-answer")
    );
    let (text, code) = alice.fails()?;
    assert!(
        text.contains("\"bob\"") && text.contains("answer"),
        "{text}"
    );
    assert_eq!(code, Some(gst::ResourceError::Close));
    Ok(())
}

#[test]
fn a_user_is_notified_when_the_caller_is_gone() -> Result<()> {
    init()?;
    let (_server, port) = server(Config::default())?;
    let bob = Person::waiting(port, "bob")?;
    let alice = Person::calling(port, "alice", "bob")?;
    bob.until_called_by("alice")?;
    drop(alice);
    assert_eq!(bob.until_not_called()?, "cancelled");
    // A cancelled call cannot be accepted.
    bob.emit("accept", None)?;
    let (text, _) = bob.is_warned()?;
    assert!(text.contains("none rings"), "{text}");
    Ok(())
}

#[test]
fn placing_a_call_needs_a_token_that_allows_it() -> Result<()> {
    init()?;
    let secret = Secret::new(b"a secret for tests, of 32 bytes!", TOKEN_SECRET)?;
    let token = |place: bool| {
        let claims = Claims {
            sub: "alice".into(),
            call: "*".into(),
            // The year 2100.
            exp: 4_102_444_800,
            nbf: None,
            place,
        };
        claims.sign(&secret)
    };
    let mut config = Config::default();
    config.secret = Some(secret.clone());
    let (_server, port) = server(config)?;
    let call = |place| Person::new(port, "alice", &format!("callee=bob token={}", token(place)));
    let (text, code) = call(false)?.fails()?;
    assert!(text.contains("place"), "{text}");
    assert_eq!(code, Some(gst::ResourceError::NotAuthorized));
    let (text, code) = call(true)?.fails()?;
    assert!(text.contains("\"bob\""), "{text}");
    assert_eq!(code, Some(gst::ResourceError::NotFound));
    Ok(())
}

#[test]
fn only_callees_can_join_a_placed_call() -> Result<()> {
    init()?;
    let port = free_port()?;
    let _bob = Person::answering(port, "bob")?;
    let alice = Person::calling(port, "alice", "bob")?;
    alice.until_state("connected")?;
    let eve = Person::new(port, "eve", &format!("call={}", alice.call()?))?;
    let (text, code) = eve.fails()?;
    assert!(text.contains("called"), "{text}");
    assert_eq!(code, Some(gst::ResourceError::NotAuthorized));
    Ok(())
}

#[test]
fn elements_of_the_same_user_must_agree_on_auto_accept() -> Result<()> {
    init()?;
    let port = free_port()?;
    let _bob = Person::answering(port, "bob")?;
    let other = Pipeline::new(&format!(
        "acscallsrc server=ws://127.0.0.1:{port} user=bob incoming=true"
    ))?;
    assert!(other.0.set_state(gst::State::Playing).is_err());
    let text = other.wait_error()?;
    assert!(
        text.contains("'auto-accept'") && text.contains("incoming calls as 'bob'"),
        "{text}"
    );
    Ok(())
}
