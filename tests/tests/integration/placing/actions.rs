//! Action signals in a call: invitations and hanging up.

use acscall_tests::pipeline::{Pipeline, free_port, init};
use anyhow::{Result, bail};
use gst::prelude::*;

use super::person::Person;

#[test]
fn a_third_user_is_invited_into_a_placed_call() -> Result<()> {
    init()?;
    let port = free_port()?;
    let bob = Person::answering(port, "bob")?;
    let carol = Person::answering(port, "carol")?;
    let alice = Person::calling(port, "alice", "bob")?;
    alice.until_state("connected")?;
    bob.until_state("connected")?;
    // The callee can invite, too.
    bob.emit("invite", Some("carol, nobody"))?;
    for member in [&alice, &bob] {
        member.until_participant("carol", "ringing")?;
    }
    assert_eq!(
        bob.until_participant("nobody", "disconnected")?.as_deref(),
        Some("unknown")
    );
    carol.until_state("connected")?;
    assert_eq!(carol.call()?, alice.call()?);
    let connected = |users: [&str; 2]| users.map(|user| (user.to_owned(), "connected".to_owned()));
    alice.sees()?;
    carol.sees()?;
    assert_eq!(carol.participants()?, connected(["alice", "bob"]));
    alice.until_participant("carol", "connected")?;
    assert_eq!(alice.participants()?, connected(["bob", "carol"]));
    Ok(())
}

#[test]
fn a_user_is_invited_into_a_named_call() -> Result<()> {
    init()?;
    let port = free_port()?;
    let alice = Person::joining(port, "alice", "room")?;
    let bob = Person::waiting(port, "bob")?;
    alice.emit("invite", Some("bob"))?;
    assert_eq!(bob.until_called_by("alice")?, "room");
    bob.emit("accept", Some("room"))?;
    bob.until_state("connected")?;
    assert_eq!(bob.call()?, "room");
    bob.sees()?;
    // A named call continues with one participant.
    drop(bob);
    alice.until_participant("bob", "disconnected")?;
    assert_eq!(alice.course()?, ["connecting", "connected"]);
    Ok(())
}

#[test]
fn hanging_up_ends_the_call_for_all_elements_of_the_user_and_not_for_others() -> Result<()> {
    init()?;
    let port = free_port()?;
    let bob = Person::answering(port, "bob")?;
    let carol = Person::answering(port, "carol")?;
    let alice = Person::calling(port, "alice", "bob,carol")?;
    for (member, other) in [(&alice, "carol"), (&bob, "carol"), (&carol, "bob")] {
        member.until_participant(other, "connected")?;
    }
    alice.hang_up(false)?;
    alice.until_eos()?;
    alice.until_state("disconnected")?;
    for element in ["c", "s"] {
        let states = alice.states(element);
        let end = &states[states.len() - 2..];
        assert_eq!(end, ["disconnecting", "disconnected"]);
    }
    bob.until_participant("alice", "disconnected")?;
    carol.until_participant("alice", "disconnected")?;

    bob.hang_up(true)?;
    bob.until_eos()?;
    let (text, _) = carol.is_warned()?;
    assert!(text.contains("bob"), "{text}");
    carol.until_eos()?;
    carol.until_state("disconnected")?;
    Ok(())
}

#[test]
fn a_caller_who_hangs_up_cancels_the_ringing() -> Result<()> {
    init()?;
    let port = free_port()?;
    let bob = Person::waiting(port, "bob")?;
    let alice = Person::calling(port, "alice", "bob")?;
    bob.until_called_by("alice")?;
    alice.hang_up(false)?;
    assert_eq!(bob.until_not_called()?, "cancelled");
    alice.until_eos()?;
    Ok(())
}

#[test]
fn a_pipeline_that_waits_for_participants_ends_when_it_hangs_up() -> Result<()> {
    init()?;
    let port = free_port()?;
    let bob = Person::waiting(port, "bob")?;
    let alice = Pipeline::playing(&format!(
        "videotestsrc ! acscallsink name=s wait-for=1 callee=bob user=alice \
         server=ws://127.0.0.1:{port}"
    ))?;
    bob.until_called_by("alice")?;
    alice.element("s")?.emit_by_name::<()>("hang-up", &[&false]);
    alice.wait_eos()
}

#[test]
fn actions_outside_a_call_only_post_a_warning() -> Result<()> {
    init()?;
    let port = free_port()?;
    let pipeline = Pipeline::new(&format!(
        "acscallsrc name=c call=room server=ws://127.0.0.1:{port}"
    ))?;
    let element = pipeline.element("c")?;
    let none: Option<&str> = None;
    element.emit_by_name::<()>("invite", &[&"bob"]);
    element.emit_by_name::<()>("accept", &[&none]);
    element.emit_by_name::<()>("reject", &[&none]);
    element.emit_by_name::<()>("hang-up", &[&false]);
    for action in ["invite", "accept", "reject", "hang-up"] {
        let warning = pipeline.wait_for(|m| m.type_() == gst::MessageType::Warning)?;
        let gst::MessageView::Warning(warning) = warning.view() else {
            bail!("not a warning");
        };
        let text = warning.error().to_string();
        assert!(
            text.contains(&format!("'{action}' outside of a call")),
            "{text}"
        );
    }
    Ok(())
}

#[test]
fn an_invitation_of_an_invalid_user_is_refused() -> Result<()> {
    init()?;
    let alice = Person::joining(free_port()?, "alice", "room")?;
    for (users, problem) in [("alice", "calls itself"), ("a\u{7}", "control")] {
        alice.emit("invite", Some(users))?;
        let (text, code) = alice.is_warned()?;
        assert!(text.contains("invite") && text.contains(problem), "{text}");
        assert_eq!(code, Some(gst::ResourceError::Settings));
    }
    Ok(())
}
