//! What happens in a call, as messages on the bus and as structures.

mod error_code;
mod structures;

use acscall::call::{CallState, Direction, Event, Incoming};
use acscall::model::{CalleeState, IncomingEnd, Kind, Participant};
use gst::prelude::*;

use super::{AcsCallState, ElementCall};
use crate::call::pad_name;
use error_code::cause;
use structures::{callee_fields, participant_fields, stream_fields};
pub(crate) use structures::{shown_name, structure_properties, structure_property};

/// Posts what is told on the bus of `element`, and then that its properties changed. No lock may
/// be held.
pub(crate) fn post(element: &impl IsA<gst::Element>, element_call: &ElementCall, event: &Event) {
    match event {
        Event::State(state) => post_state(element, element_call, (*state).into()),
        Event::Incoming(incoming) => post_incoming(element, incoming, ""),
        Event::IncomingEnded(incoming, reason) => {
            let answered = element_call.names().0 == incoming.call;
            post_incoming(element, incoming, incoming_end(*reason, answered));
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
        // The state that follows tells the name.
        Event::Named(_) | Event::Reached(_) => {}
        Event::Warning(trouble) => {
            gst::element_warning!(element, cause(trouble), ("{trouble}"));
        }
        Event::Error(trouble) => gst::element_error!(element, cause(trouble), ("{trouble}")),
    }
    let changed: &[&str] = match event {
        // When it is over there is nobody.
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

/// Tells that the element has left its call.
pub(crate) fn post_left(element: &impl IsA<gst::Element>, element_call: &ElementCall) {
    post_state(element, element_call, AcsCallState::Disconnected);
    notify(element, &["state", "participants", "streams"]);
}

fn notify(element: &impl IsA<gst::Element>, properties: &[&str]) {
    for property in properties {
        element.notify(property);
    }
}

/// Tells which state the call is in now.
fn post_state(element: &impl IsA<gst::Element>, element_call: &ElementCall, state: AcsCallState) {
    let (call, user) = element_call.names();
    let structure = gst::Structure::builder("acscall-state")
        .field("state", state.nick())
        .field("call", call)
        .field("user", user)
        .build();
    post_structure(element, structure);
}

/// Tells that somebody calls the user or, with a `reason`, that it rings no more.
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

/// Why an incoming call rings no more. Without a reason it was this element's user who `answered`
/// it, or declined.
fn incoming_end(reason: Option<IncomingEnd>, answered: bool) -> &'static str {
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

/// Tells how it stands with somebody who was called. One who answers is told as a participant.
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

/// Tells that a source gives nothing, or does again; people by a warning too.
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
            ("nothing comes to the pad '{kind}': the others see the stream as not available \
                 until something does; a source that pauses on purpose sends GAP events or wants \
                 a longer 'stall-timeout'")
        );
    }
}

/// Tells that a path is too slow for video, or fast enough again; people by a warning too.
fn post_slow(
    element: &impl IsA<gst::Element>,
    participant: &Participant,
    direction: Direction,
    slow: bool,
) {
    let (nick, way) = match direction {
        Direction::Send => ("send", "to"),
        Direction::Receive => ("receive", "from"),
    };
    let structure = gst::Structure::builder("acscall-slow")
        .field("participant", &participant.user)
        .field("display-name", shown_name(participant))
        .field("direction", nick)
        .field("slow", slow)
        .build();
    post_structure(element, structure);
    if slow {
        gst::element_warning!(
            element,
            gst::ResourceError::NotFound,
            (
                "the network {way} '{}' has carried less than 150 kbit/s for 5 s: no video goes \
                 over it until it carries more",
                participant.user
            )
        );
    }
}

fn post_structure(element: &impl IsA<gst::Element>, structure: gst::Structure) {
    let message = gst::message::Element::builder(structure)
        .src(element.upcast_ref::<gst::Element>())
        .build();
    // Fails where the element is in no pipeline: then nobody listens.
    let _nobody_listens = element.post_message(message);
}

#[cfg(test)]
mod tests;
