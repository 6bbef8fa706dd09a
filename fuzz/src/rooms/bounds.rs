//! How much the room machine may do and keep.

use std::time::Instant;

use acscall::fuzzing::parse_client;
use acscall::signalling::message::{ClientMessage, ErrorCode, ServerMessage};
use acscall::signalling::room::{Limits, Stats};

/// Of a call that nobody answered this many callees are told.
const FAILED: usize = 64;

/// The messages that `said` may cause, or that a connection opens or closes, where there was so
/// much before.
pub(super) fn messages(before: &Stats, said: &str) -> usize {
    let named = match parse_client(said) {
        Ok(ClientMessage::Place { callees: users, .. } | ClientMessage::Invite { users }) => {
            users.len()
        }
        _ => 0,
    };
    let members = before.participants;
    // Who comes in anew may take the place of one that is lost.
    let of_members = 3 * members + 3;
    // Of each callee all in the call are told, and all that listen as that user: of one call that
    // it is over, of another that it rings.
    let of_callees = (before.ringing + named) * (members + 1) + 2 * before.listening;
    of_members + of_callees
}

/// The bytes of a message that something of `said` bytes caused.
pub(super) fn length(message: &ServerMessage, said: usize, limits: &Limits) -> usize {
    // A control character is a byte on the wire in one direction and `\\u0000` in the other.
    let name = 6 * 4 * limits.name_length;
    let users = match message {
        ServerMessage::Joined {
            participants,
            ringing,
            ..
        } => participants.len() + ringing.len(),
        ServerMessage::Error { code, .. } if is_unanswered(*code) => FAILED,
        _ => 0,
    };
    2000 + 12 * said + (users + 1) * (400 + 2 * name)
}

/// Whether it tells a caller that nobody comes.
pub(super) fn is_unanswered(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::CalleeUnknown
            | ErrorCode::CalleeBusy
            | ErrorCode::CalleeDeclined
            | ErrorCode::CalleeNoAnswer
    )
}

/// Those that run are those that there is to be waited for. `gone`: when connections in calls
/// went, of which the last ones may come back.
pub(super) fn check_timers(
    machine: &str,
    stats: &Stats,
    addresses: usize,
    gone: &[Instant],
    (limits, now): (&Limits, Instant),
) {
    // They are the last thing that is written of the machine.
    let timers = machine.rsplit("timers: {").next().unwrap_or_default();
    let count = |kind: &str| timers.matches(kind).count();
    let (handshakes, lost) = (count(" Handshake(ConnectionId("), count(" Lost(\""));
    let (ringing, restored) = (count(" Ringing(\""), count(" Restored(\""));
    let forget = count(" Forget(");
    let all = handshakes + lost + ringing + restored + forget;
    assert_eq!(all, count("(Instant {"), "a timer of another kind");
    assert!(handshakes <= stats.connections);
    // Those whose call is over may come back, too, and are told.
    let may_be_lost = gone.iter().filter(|at| **at + limits.resume >= now).count();
    assert!((stats.participants_lost..=may_be_lost).contains(&lost));
    assert_eq!(ringing, stats.ringing);
    assert!(restored <= stats.calls);
    assert!(forget <= addresses);
}
