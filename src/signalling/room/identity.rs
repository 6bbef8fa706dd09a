//! Ids of participants, made from their keys.
//!
//! A participant's id is known to everybody in the call. A server that replaces another one knows
//! no participants; without a proof, the first client to present an id would get it. So an id is a
//! hash of a key that only the participant has, which proves its identity to any server.

use ring::digest::{Context, SHA256};

use super::random::hexadecimal;
use crate::model::ParticipantId;
use crate::signalling::message::Resume;

/// The bytes of the hash that form an id: with 128 bits nobody finds another key for it.
const LENGTH: usize = 16;

/// Returns the id for a key. It also depends on user and call, so that a key is valid for no
/// others.
pub(super) fn id(key: &str, user: &str, call: &str) -> ParticipantId {
    let mut context = Context::new(&SHA256);
    // Names have no control characters, so this is unambiguous.
    for part in [key, "\0", user, "\0", call] {
        context.update(part.as_bytes());
    }
    ParticipantId(hexadecimal(&context.finish().as_ref()[..LENGTH]))
}

/// Whether the key in `resume` belongs to its participant.
pub(super) fn is_proven(resume: &Resume, user: &str, call: &str) -> bool {
    let is_a_key = resume.key.len() == 32 && resume.key.bytes().all(|b| b.is_ascii_hexdigit());
    is_a_key && id(&resume.key, user, call) == resume.participant
}
