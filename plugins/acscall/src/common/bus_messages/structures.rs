//! The participants and streams of a call as `GstStructure`s.

use acscall::call::{ParticipantState, session_name};
use acscall::model::{Kind, Participant};
use gst::glib;
use gst::prelude::*;

use crate::call::{Snapshot, pad_name};
use crate::common::ElementCall;

/// Returns the properties whose values are structures.
pub(crate) fn structure_properties() -> impl Iterator<Item = glib::ParamSpec> {
    [
        (
            "participants",
            "Participants",
            "Other participants of the call, including users who are being called: one structure \
             per session, in a field named like the suffix of its pads",
        ),
        (
            "streams",
            "Streams",
            "Available streams: one structure per stream, in a field named like its pad",
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

/// Returns the value of one of [`structure_properties`].
pub(crate) fn structure_property(element_call: &ElementCall, name: &str) -> Option<gst::Structure> {
    match name {
        "participants" => Some(participants(&element_call.snapshot())),
        "streams" => Some(streams(&element_call.snapshot())),
        "stats" => Some(element_call.stats()),
        _ => None,
    }
}

/// Returns the value of `participants`: a field per session, named like the suffix of its pads. A
/// user who is being called has the field of their first session.
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

/// Returns the value of `streams`: a field per available stream, named like its pad.
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
    state: ParticipantState,
) -> gst::Structure {
    let state = match state {
        ParticipantState::Connected => "connected",
        ParticipantState::Connecting => "connecting",
        ParticipantState::Disconnected => "disconnected",
    };
    gst::Structure::builder(name)
        .field("participant", &participant.user)
        .field("display-name", display_name(participant))
        .field("session", participant.session)
        .field("id", participant.id.to_string())
        .field("state", state)
        .build()
}

/// Returns the fields of an invited user, who has no session in the call and so no id.
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
        .field("display-name", display_name(participant))
        .field("kind", kind.as_str())
}

/// Returns the participant's display name, or the user if there is none.
pub(crate) fn display_name(participant: &Participant) -> &str {
    participant
        .display_name
        .as_deref()
        .unwrap_or(&participant.user)
}
