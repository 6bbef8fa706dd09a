//! A call's participants and streams as structures.

use acscall::call::{ParticipantState, session_name};
use acscall::model::{Kind, Participant};
use gst::glib;
use gst::prelude::*;

use crate::call::{Snapshot, pad_name};
use crate::common::ElementCall;

/// The properties that are structures.
pub(crate) fn structure_properties() -> impl Iterator<Item = glib::ParamSpec> {
    [
        (
            "participants",
            "Participants",
            "The others in the call, and those who are being rung for it: a structure for each, in \
             a field named as in pad names",
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
pub(crate) fn structure_property(element_call: &ElementCall, name: &str) -> Option<gst::Structure> {
    match name {
        "participants" => Some(participants(&element_call.snapshot())),
        "streams" => Some(streams(&element_call.snapshot())),
        "stats" => Some(element_call.stats()),
        _ => None,
    }
}

/// The property `participants`: a field per session, named as in pad names; one who is rung is
/// going to be the user's first.
fn participants(snapshot: &Snapshot) -> gst::Structure {
    let mut all = gst::Structure::new_empty("participants");
    for user in &snapshot.ringing {
        let fields = callee_fields("participant", user, "ringing").build();
        all.set(session_name(user, 1), fields);
    }
    for (participant, state) in &snapshot.participants {
        let name = session_name(&participant.user, participant.session);
        all.set(name, participant_fields("participant", participant, *state));
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

pub(super) fn participant_fields(
    name: &str,
    participant: &Participant,
    session: ParticipantState,
) -> gst::Structure {
    let state = match session {
        ParticipantState::Connected => "connected",
        ParticipantState::Connecting => "connecting",
        ParticipantState::Disconnected => "disconnected",
    };
    gst::Structure::builder(name)
        .field("participant", &participant.user)
        .field("display-name", shown_name(participant))
        .field("session", participant.session)
        .field("id", participant.id.to_string())
        .field("state", state)
        .build()
}

/// Somebody who was called: there is no session in the call, and so no id.
pub(super) fn callee_fields(name: &str, user: &str, state: &str) -> gst::structure::Builder {
    gst::Structure::builder(name)
        .field("participant", user)
        .field("display-name", user)
        .field("state", state)
}

pub(super) fn stream_fields(
    name: &str,
    participant: &Participant,
    kind: Kind,
) -> gst::structure::Builder {
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
