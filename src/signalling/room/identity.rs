//! The ids of participants, derived from their keys.
//!
//! A participant's id is known to everybody in the call. A server that replaces another one knows
//! no participants; without a proof, the first client to present an id would get it. Therefore an
//! id is a hash of a key that only the participant and its server know. The key proves the
//! participant's identity to any server.

use ring::digest::{Context, SHA256};

use super::random::hexadecimal;
use crate::model::ParticipantId;
use crate::signalling::message::Resume;

/// The number of bytes of the hash in an id. With 128 bits, nobody can find another key for an id.
const LENGTH: usize = 16;

/// Returns the id for a key. It also depends on the user and the call, so that the key is not valid
/// for others.
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
