use std::collections::BTreeSet;

use acscall::call::{CallState, ParticipantState};
use acscall::model::{Kinds, ParticipantId};
use gst::glib;

use super::*;
use crate::acscallsrc::AcsCallSrc;

/// Returns what an element posts for this event, and the properties that it notifies of.
fn posted(event: &Event) -> (Vec<gst::Structure>, BTreeSet<String>) {
    gst::init().unwrap();
    let (element, bus) = (glib::Object::new::<AcsCallSrc>(), gst::Bus::new());
    element.set_bus(Some(&bus));
    let (sender, changed) = std::sync::mpsc::channel();
    element.connect_notify(None, move |_, property| {
        sender.send(property.name().to_owned()).unwrap();
    });
    post(&element, &ElementCall::default(), event);
    let messages = bus.iter();
    let structures = messages.filter_map(|message| message.structure().map(ToOwned::to_owned));
    (structures.collect(), changed.try_iter().collect())
}

/// Returns the only message of an event.
fn structure_of(event: &Event) -> gst::Structure {
    let (mut structures, _) = posted(event);
    assert_eq!(structures.len(), 1, "{structures:?}");
    structures.remove(0)
}

fn text(structure: &gst::StructureRef, field: &str) -> String {
    structure.get::<String>(field).unwrap()
}

#[test]
fn a_user_who_is_called_is_a_participant_without_an_id() {
    let (structures, changed) = posted(&Event::Callee("bob".into(), CalleeState::Ringing));
    let [callee] = &structures[..] else {
        panic!("{structures:?}");
    };
    assert_eq!(callee.name(), "acscall-participant");
    assert_eq!(text(callee, "participant"), "bob");
    assert_eq!(text(callee, "state"), "ringing");
    assert!(!callee.has_field("id") && !callee.has_field("reason"));
    assert_eq!(changed, BTreeSet::from(["participants".to_owned()]));
}

#[test]
fn a_callee_who_does_not_come_is_posted_with_a_reason() {
    let reasons = [
        (CalleeState::Declined, "declined"),
        (CalleeState::Busy, "busy"),
        (CalleeState::NoAnswer, "no-answer"),
        (CalleeState::Unknown, "unknown"),
    ];
    for (state, reason) in reasons {
        let callee = structure_of(&Event::Callee("bob".into(), state));
        assert_eq!(text(&callee, "state"), "disconnected");
        assert_eq!(text(&callee, "reason"), reason);
        assert!(!callee.has_field("id"), "{callee}");
    }
}

#[test]
fn a_callee_who_answers_is_posted_as_a_participant_only() {
    let (structures, changed) = posted(&Event::Callee("bob".into(), CalleeState::Accepted));
    assert!(structures.is_empty(), "{structures:?}");
    assert!(changed.contains("participants"));
    let bob = Participant {
        id: ParticipantId("b".into()),
        user: "bob".into(),
        session: 1,
        display_name: None,
        receives: true,
        sends: true,
        media: Kinds::new(),
        wants: Kinds::new(),
        connected: true,
    };
    let bob = structure_of(&Event::Participant(bob, ParticipantState::Connected));
    assert_eq!(
        (text(&bob, "state"), text(&bob, "id")),
        ("connected".into(), "b".into())
    );
}

#[test]
fn an_incoming_call_is_posted_when_it_begins_and_when_it_ceases_to_ring() {
    let incoming = Incoming {
        call: "placed:1".into(),
        user: "alice".into(),
        display_name: Some("Al".into()),
    };
    let rings = structure_of(&Event::Incoming(incoming.clone()));
    assert_eq!(rings.name(), "acscall-incoming");
    for (field, value) in [
        ("call", "placed:1"),
        ("participant", "alice"),
        ("display-name", "Al"),
        ("reason", ""),
    ] {
        assert_eq!(text(&rings, field), value, "{field}");
    }
    assert_eq!(rings.get("ringing"), Ok(true));
    let reasons = [
        (None, "declined"),
        (Some(IncomingEnd::Cancelled), "cancelled"),
        (Some(IncomingEnd::AnsweredElsewhere), "answered-elsewhere"),
        (Some(IncomingEnd::DeclinedElsewhere), "declined-elsewhere"),
        (Some(IncomingEnd::NoAnswer), "no-answer"),
    ];
    for (reason, name) in reasons {
        let ended = structure_of(&Event::IncomingEnded(incoming.clone(), reason));
        assert_eq!(ended.get("ringing"), Ok(false));
        assert_eq!(text(&ended, "reason"), name);
    }
    assert_eq!(incoming_end_reason(None, true), "answered");
}

#[test]
fn when_a_call_is_over_its_participants_and_streams_have_changed() {
    let (structures, changed) = posted(&Event::State(CallState::Disconnected));
    assert_eq!(text(&structures[0], "state"), "disconnected");
    let all = ["state", "participants", "streams"].map(str::to_owned);
    assert_eq!(changed, BTreeSet::from(all));
}
