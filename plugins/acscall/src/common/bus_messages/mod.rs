//! The events of a call as bus messages and property notifications.

mod error_code;
mod structures;

use acscall::call::{CallState, Direction, Event, Incoming};
use acscall::model::{CalleeState, IncomingEnd, Kind, Participant};
use gst::prelude::*;

use super::{AcsCallState, ElementCall};
use crate::call::pad_name;
use error_code::error_code;
use structures::{callee_fields, participant_fields, stream_fields};
pub(crate) use structures::{display_name, structure_properties, structure_property};

/// Posts `event` on the bus of `element`, then notifies of the properties that it changes. The
/// caller must not hold a lock.
pub(crate) fn post(element: &impl IsA<gst::Element>, element_call: &ElementCall, event: &Event) {
    match event {
        Event::State(state) => post_state(element, element_call, (*state).into()),
        Event::Incoming(incoming) => post_incoming(element, incoming, ""),
        Event::IncomingEnded(incoming, reason) => {
            let answered = element_call.names().0 == incoming.call;
            post_incoming(element, incoming, incoming_end_reason(*reason, answered));
        }
        Event::Callee(user, state) => post_callee(element, user, *state),
        Event::Participant(participant, state) => {
            let fields = participant_fields("acscall-participant", participant, *state);
            post_structure(element, fields);
        }
        Event::Stream {
            participant,
            kind,
            available,
        } => {
            let structure = stream_fields("acscall-stream", participant, *kind)
                .field("available", *available)
                .field("pad", pad_name(participant, *kind))
                .build();
            post_structure(element, structure);
        }
        Event::Stalled(kind, stalled) => post_stalled(element, *kind, *stalled),
        Event::Slow {
            participant,
            direction,
            slow,
        } => post_slow(element, participant, *direction, *slow),
        // The name is in the state message that follows.
        Event::Named(_) | Event::Reached(_) => {}
        Event::Warning(error) => {
            gst::element_warning!(element, error_code(error), ("{error}"));
        }
        Event::Error(error) => gst::element_error!(element, error_code(error), ("{error}")),
    }
    let changed: &[&str] = match event {
        // A call that is over has no participants.
        Event::State(CallState::Disconnected) => &["state", "participants", "streams"],
        Event::State(_) => &["state"],
        Event::Callee(..) => &["participants"],
        Event::Participant(..) => &["participants", "streams"],
        Event::Stream { .. } => &["streams"],
        Event::Named(_)
        | Event::Incoming(_)
        | Event::IncomingEnded(..)
        | Event::Stalled(..)
        | Event::Slow { .. }
        | Event::Reached(_)
        | Event::Warning(_)
        | Event::Error(_) => &[],
    };
    notify(element, changed);
}

/// Posts that the element has left its call, and notifies of the properties that changed.
pub(crate) fn post_left(element: &impl IsA<gst::Element>, element_call: &ElementCall) {
    post_state(element, element_call, AcsCallState::Disconnected);
    notify(element, &["state", "participants", "streams"]);
}

fn notify(element: &impl IsA<gst::Element>, properties: &[&str]) {
    for property in properties {
        element.notify(property);
    }
}

fn post_state(element: &impl IsA<gst::Element>, element_call: &ElementCall, state: AcsCallState) {
    let (call, user) = element_call.names();
    let structure = gst::Structure::builder("acscall-state")
        .field("state", state.nick())
        .field("call", call)
        .field("user", user)
        .build();
    post_structure(element, structure);
}

/// Posts that a call to the user rings or, with a `reason`, that it no longer does.
fn post_incoming(element: &impl IsA<gst::Element>, incoming: &Incoming, reason: &str) {
    let Incoming {
        call,
        user,
        display_name,
    } = incoming;
    let structure = gst::Structure::builder("acscall-incoming")
        .field("call", call)
        .field("participant", user)
        .field("display-name", display_name.as_ref().unwrap_or(user))
        .field("ringing", reason.is_empty())
        .field("reason", reason)
        .build();
    post_structure(element, structure);
}

/// Returns why an incoming call no longer rings. Without a reason this element's user `answered`
/// or declined it.
fn incoming_end_reason(reason: Option<IncomingEnd>, answered: bool) -> &'static str {
    match reason {
        None if answered => "answered",
        None => "declined",
        Some(IncomingEnd::Cancelled) => "cancelled",
        Some(IncomingEnd::AnsweredElsewhere) => "answered-elsewhere",
        Some(IncomingEnd::DeclinedElsewhere) => "declined-elsewhere",
        Some(IncomingEnd::NoAnswer) => "no-answer",
        Some(IncomingEnd::Other) => "other",
    }
}

/// Posts the status of an invited user. A user who accepts is posted as a participant instead.
fn post_callee(element: &impl IsA<gst::Element>, user: &str, state: CalleeState) {
    let reason = match state {
        CalleeState::Accepted => return,
        CalleeState::Ringing => {
            let fields = callee_fields("acscall-participant", user, "ringing");
            return post_structure(element, fields.build());
        }
        CalleeState::Declined => "declined",
        CalleeState::Busy => "busy",
        CalleeState::NoAnswer => "no-answer",
        CalleeState::Unknown => "unknown",
        CalleeState::Other => "other",
    };
    let fields = callee_fields("acscall-participant", user, "disconnected");
    post_structure(element, fields.field("reason", reason).build());
}

/// Posts that a source has stalled or recovered; a stall is also a warning.
fn post_stalled(element: &impl IsA<gst::Element>, kind: Kind, stalled: bool) {
    let structure = gst::Structure::builder("acscall-stalled")
        .field("kind", kind.as_str())
        .field("stalled", stalled)
        .build();
    post_structure(element, structure);
    if stalled {
        gst::element_warning!(
            element,
            gst::ResourceError::Read,
            ("no data arrives at the pad '{kind}', so the stream is unavailable to the others until \
                 data comes again; if the source pauses on purpose, let it send GAP events or set a longer \
                 'stall-timeout'")
        );
    }
}

/// Posts that a network path is too slow for video or fast enough again; a slow path is also a
/// warning.
fn post_slow(
    element: &impl IsA<gst::Element>,
    participant: &Participant,
    direction: Direction,
    slow: bool,
) {
    let (nick, preposition) = match direction {
        Direction::Send => ("send", "to"),
        Direction::Receive => ("receive", "from"),
    };
    let structure = gst::Structure::builder("acscall-slow")
        .field("participant", &participant.user)
        .field("display-name", display_name(participant))
        .field("direction", nick)
        .field("slow", slow)
        .build();
    post_structure(element, structure);
    if slow {
        gst::element_warning!(
            element,
            gst::ResourceError::NotFound,
            (
                "the network {preposition} '{}' has carried less than 150 kbit/s for 5 s, so no \
                 video is sent over it until it carries more",
                participant.user
            )
        );
    }
}

fn post_structure(element: &impl IsA<gst::Element>, structure: gst::Structure) {
    let message = gst::message::Element::builder(structure)
        .src(element.upcast_ref::<gst::Element>())
        .build();
    // Fails if the element is in no pipeline: nobody listens.
    let _nobody_listens = element.post_message(message);
}

#[cfg(test)]
mod tests;
