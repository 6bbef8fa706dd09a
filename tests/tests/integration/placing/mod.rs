//! Placing calls and answering them, over loopback.

mod actions;
mod failures;
mod person;

use acscall_tests::pipeline::{Pipeline, free_port, init};
use anyhow::Result;
use gst::prelude::*;

use person::Person;

#[test]
fn a_call_is_placed_and_answered_and_media_goes_both_ways() -> Result<()> {
    init()?;
    // Bob starts the server.
    let port = free_port()?;
    let bob = Person::answering(port, "bob")?;
    let alice = Person::calling(port, "alice", "bob")?;
    assert_eq!(alice.until_participant("bob", "ringing")?, None);
    alice.until_participant("bob", "connected")?;
    alice.until_state("connected")?;
    bob.until_participant("alice", "connected")?;
    bob.until_state("connected")?;
    alice.sees()?;
    bob.sees()?;

    // All elements post the states, in the order of ACS.
    assert_eq!(alice.course()?, ["connecting", "ringing", "connected"]);
    assert_eq!(bob.course()?, ["connecting", "connected"]);
    // One participant each, though each is two elements.
    let only = |user: &str| vec![(user.to_owned(), "connected".to_owned())];
    assert_eq!(alice.participants()?, only("bob"));
    assert_eq!(bob.participants()?, only("alice"));
    let call = alice.call()?;
    assert!(call.starts_with("placed:"), "{call}");
    assert_eq!(bob.call()?, call);

    // A placed call ends when one participant is left, and so do its streams.
    drop(bob);
    alice.until_participant("bob", "disconnected")?;
    alice.until_eos()?;
    alice.until_state("disconnected")?;
    let states = alice.states("c");
    assert!(states.ends_with(&["disconnecting", "disconnected"].map(String::from)));
    assert_eq!(alice.participants()?, []);
    Ok(())
}

#[test]
fn several_users_are_called_at_once_and_each_has_its_own_messages() -> Result<()> {
    init()?;
    let port = free_port()?;
    let bob = Person::waiting(port, "bob")?;
    let carol = Person::waiting(port, "carol")?;
    let alice = Person::calling(port, "alice", "bob,carol,nobody")?;
    assert_eq!(
        alice
            .until_participant("nobody", "disconnected")?
            .as_deref(),
        Some("unknown")
    );
    let ringing = ["bob", "carol"].map(|user| (user.to_owned(), "ringing".to_owned()));
    assert_eq!(alice.participants()?, ringing);
    let call = bob.until_called_by("alice")?;
    assert_eq!(carol.until_called_by("alice")?, call);
    bob.emit("reject", Some(&call))?;
    assert_eq!(
        alice.until_participant("bob", "disconnected")?.as_deref(),
        Some("declined")
    );
    carol.emit("accept", None)?;
    alice.until_participant("carol", "connected")?;
    carol.until_state("connected")?;
    assert_eq!(carol.call()?, call);
    alice.sees()?;
    Ok(())
}

#[test]
fn the_other_clients_of_a_user_are_notified_that_a_call_was_answered() -> Result<()> {
    init()?;
    let port = free_port()?;
    let desk = Person::waiting(port, "bob")?;
    let phone = Person::waiting_elsewhere(port, "bob")?;
    let alice = Person::calling(port, "alice", "bob")?;
    desk.until_called_by("alice")?;
    phone.until_called_by("alice")?;
    phone.emit("accept", None)?;
    assert_eq!(phone.until_not_called()?, "answered");
    assert_eq!(desk.until_not_called()?, "answered-elsewhere");
    alice.sees()?;
    phone.sees()?;
    Ok(())
}

#[test]
fn elements_that_join_later_share_the_call_and_post_its_current_state() -> Result<()> {
    init()?;
    let port = free_port()?;
    let later = |user: &str, how: &str| {
        Pipeline::playing(&format!(
            "acscallsrc name=c server=ws://127.0.0.1:{port} user={user} {how}"
        ))
    };
    let bob = Person::waiting(port, "bob")?;
    let alice = Person::calling(port, "alice", "bob")?;
    let call = bob.until_called_by("alice")?;
    alice.until_participant("bob", "ringing")?;

    let of_bob = later("bob", "incoming=true")?;
    let rings = of_bob.wait_element_message(|message| message.name() == "acscall-incoming")?;
    assert_eq!(rings.get::<&str>("call")?, call);
    let of_alice = later("alice", "callee=bob")?;
    let state = of_alice.wait_element_message(|message| message.name() == "acscall-state")?;
    assert_eq!(state.get::<&str>("state")?, "ringing");
    assert_eq!(state.get::<&str>("call")?, call);
    let callee =
        of_alice.wait_element_message(|message| message.name() == "acscall-participant")?;
    assert_eq!(callee.get::<&str>("state")?, "ringing");

    let none: Option<&str> = None;
    of_bob.element("c")?.emit_by_name::<()>("accept", &[&none]);
    assert_eq!(bob.until_not_called()?, "answered");
    bob.until_participant("alice", "connected")?;
    alice.until_participant("bob", "connected")?;
    of_alice.wait_connected()?;
    // One participant each, however many elements there are.
    assert_eq!(alice.participants()?.len(), 1);
    assert_eq!(bob.participants()?.len(), 1);
    Ok(())
}
