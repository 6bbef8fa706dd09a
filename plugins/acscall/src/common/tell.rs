//! What happens in a call, as messages on the bus and as structures.

use acscall::call::{Direction, Event, Presence, Trouble, presence_name};
use acscall::signalling::message::{ErrorCode, Kind, Participant};
use gst::glib;
use gst::prelude::*;

use super::{AcsCallState, Attendance};
use crate::call::{Snapshot, pad_name};

/// Posts what is told on the bus of `element`, and then that its properties changed. No lock may
/// be held.
pub(crate) fn post(element: &impl IsA<gst::Element>, attendance: &Attendance, event: &Event) {
    match event {
        Event::State(state) => post_state(element, attendance, (*state).into()),
        Event::Participant(participant, presence) => {
            let fields = participant_fields("acscall-participant", participant, *presence);
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
        Event::Reached(_) => {}
        Event::Warning(trouble) => {
            gst::element_warning!(element, cause(trouble), ("{trouble}"));
        }
        Event::Error(trouble) => gst::element_error!(element, cause(trouble), ("{trouble}")),
    }
    let changed: &[&str] = match event {
        Event::State(_) => &["state"],
        Event::Participant(..) => &["participants", "streams"],
        Event::Stream { .. } => &["streams"],
        Event::Stalled(..)
        | Event::Slow { .. }
        | Event::Reached(_)
        | Event::Warning(_)
        | Event::Error(_) => &[],
    };
    notify(element, changed);
}

/// Tells that the element has left its call.
pub(crate) fn post_left(element: &impl IsA<gst::Element>, attendance: &Attendance) {
    post_state(element, attendance, AcsCallState::Disconnected);
    notify(element, &["state", "participants", "streams"]);
}

fn notify(element: &impl IsA<gst::Element>, properties: &[&str]) {
    for property in properties {
        element.notify(property);
    }
}

/// Tells which state the call is in now.
fn post_state(element: &impl IsA<gst::Element>, attendance: &Attendance, state: AcsCallState) {
    let (call, user) = attendance.names();
    let structure = gst::Structure::builder("acscall-state")
        .field("state", state.nick())
        .field("call", call)
        .field("user", user.unwrap_or_default())
        .build();
    post_structure(element, structure);
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

/// The properties that are structures.
pub(crate) fn structure_properties() -> impl Iterator<Item = glib::ParamSpec> {
    [
        (
            "participants",
            "Participants",
            "The others in the call: a structure for each, in a field named as in pad names",
        ),
        (
            "streams",
            "Streams",
            "The available streams: a structure for each, in a field named as its pad",
        ),
        ("stats", "Statistics", "Statistics of the call"),
    ]
    .into_iter()
    .map(|(name, nick, blurb)| {
        glib::ParamSpecBoxed::builder::<gst::Structure>(name)
            .nick(nick)
            .blurb(blurb)
            .read_only()
            .build()
    })
}

/// The value of one of [`structure_properties`].
pub(crate) fn structure_property(attendance: &Attendance, name: &str) -> Option<gst::Structure> {
    match name {
        "participants" => Some(participants(&attendance.snapshot())),
        "streams" => Some(streams(&attendance.snapshot())),
        "stats" => Some(attendance.stats()),
        _ => None,
    }
}

/// The property `participants`: a field per presence, named as in pad names.
fn participants(snapshot: &Snapshot) -> gst::Structure {
    let mut all = gst::Structure::new_empty("participants");
    for (participant, presence) in &snapshot.participants {
        let name = presence_name(&participant.user, participant.presence);
        all.set(
            name,
            participant_fields("participant", participant, *presence),
        );
    }
    all
}

/// The property `streams`: a field per available stream, named as its pad.
fn streams(snapshot: &Snapshot) -> gst::Structure {
    let mut all = gst::Structure::new_empty("streams");
    for (participant, kind) in snapshot.streams() {
        let fields = stream_fields("stream", participant, kind)
            .field("available", true)
            .build();
        all.set(pad_name(participant, kind), fields);
    }
    all
}

fn participant_fields(name: &str, participant: &Participant, presence: Presence) -> gst::Structure {
    let state = match presence {
        Presence::Connected => "connected",
        Presence::Connecting => "connecting",
        Presence::Disconnected => "disconnected",
    };
    gst::Structure::builder(name)
        .field("participant", &participant.user)
        .field("display-name", shown_name(participant))
        .field("presence", participant.presence)
        .field("id", participant.id.to_string())
        .field("state", state)
        .build()
}

fn stream_fields(name: &str, participant: &Participant, kind: Kind) -> gst::structure::Builder {
    gst::Structure::builder(name)
        .field("participant", &participant.user)
        .field("display-name", shown_name(participant))
        .field("kind", kind.as_str())
}

/// Who shows no name is shown by the user's.
pub(crate) fn shown_name(participant: &Participant) -> &str {
    participant
        .display_name
        .as_deref()
        .unwrap_or(&participant.user)
}

fn cause(trouble: &Trouble) -> gst::ResourceError {
    match trouble {
        Trouble::Unreachable(_) => gst::ResourceError::OpenReadWrite,
        Trouble::SignallingLost(_) => gst::ResourceError::Read,
        Trouble::Refused { code, .. } => match *code {
            ErrorCode::BadName => gst::ResourceError::Settings,
            ErrorCode::LimitExceeded => gst::ResourceError::NoSpaceLeft,
            ErrorCode::BadResume | ErrorCode::Replaced => gst::ResourceError::Busy,
            ErrorCode::UnknownParticipant => gst::ResourceError::NotFound,
            code if code.is_about_token() => gst::ResourceError::NotAuthorized,
            _ => gst::ResourceError::OpenReadWrite,
        },
        Trouble::Ended(_) => gst::ResourceError::Close,
        Trouble::Media(_) | Trouble::Leg(..) | Trouble::Rejected(..) | Trouble::LegRefused(..) => {
            gst::ResourceError::Failed
        }
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
mod tests {
    use super::*;

    #[test]
    fn who_is_refused_for_the_token_is_not_authorized() {
        let cause = |code| {
            let message = "no".to_owned();
            cause(&Trouble::Refused { code, message })
        };
        let not_authorized = gst::ResourceError::NotAuthorized;
        assert_eq!(cause(ErrorCode::TokenRequired), not_authorized);
        assert_eq!(cause(ErrorCode::TokenExpired), not_authorized);
        assert_eq!(
            cause(ErrorCode::UnsupportedVersion),
            gst::ResourceError::OpenReadWrite
        );
    }
}
