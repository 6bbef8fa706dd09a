//! Ids of participants, made from their keys.
//!
//! A participant's id is known to everybody in the call. When a server ends and another one takes
//! its place, nobody there has heard of the participants that come back; the first to present an
//! id would have it. So an id is a hash of a key that the participant alone has: it proves itself
//! to any server.

use ring::digest::{Context, SHA256};

use super::random::hexadecimal;
use crate::model::ParticipantId;
use crate::signalling::message::Resume;

/// Bytes of the hash that make an id: with 128 bits nobody finds another key for it.
const LENGTH: usize = 16;

/// The id that belongs to a key. User and call are in it, so that a key is good for no other.
pub(super) fn id(key: &str, user: &str, call: &str) -> ParticipantId {
    let mut context = Context::new(&SHA256);
    // Neither name has control characters, so this can be read in one way only.
    for part in [key, "\0", user, "\0", call] {
        context.update(part.as_bytes());
    }
    ParticipantId(hexadecimal(&context.finish().as_ref()[..LENGTH]))
}

/// Whether who presents `resume` has the key of that participant.
pub(super) fn is_proven(resume: &Resume, user: &str, call: &str) -> bool {
    let is_a_key = resume.key.len() == 32 && resume.key.bytes().all(|b| b.is_ascii_hexdigit());
    is_a_key && id(&resume.key, user, call) == resume.participant
}
