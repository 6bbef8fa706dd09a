//! Bounds on the work and memory of the room machine.

use std::time::Instant;

use acscall::fuzzing::parse_client;
use acscall::signalling::message::{ClientMessage, ErrorCode, ServerMessage};
use acscall::signalling::room::{Limits, Stats};

/// The maximum number of callees in the error of an unanswered call.
const FAILED: usize = 64;

/// Returns the maximum number of messages that `said`, or an opened or closed connection, may cause
/// in the state `before`.
pub(super) fn messages(before: &Stats, said: &str) -> usize {
    let named = match parse_client(said) {
        Ok(ClientMessage::Place { callees: users, .. } | ClientMessage::Invite { users }) => {
            users.len()
        }
        _ => 0,
    };
    let members = before.participants;
    // A new session may replace a lost one.
    let of_members = 3 * members + 3;
    // Each callee is announced to everybody in the call and to its listening connections: of one
    // call that it ended, of another that it rings.
    let of_callees = (before.ringing + named) * (members + 1) + 2 * before.listening;
    of_members + of_callees
}

/// Returns the maximum size of a message caused by an input of `said` bytes.
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

/// Whether `code` is the error of an unanswered call.
pub(super) fn is_unanswered(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::CalleeUnknown
            | ErrorCode::CalleeBusy
            | ErrorCode::CalleeDeclined
            | ErrorCode::CalleeNoAnswer
    )
}

/// Checks that the running timers match the pending events. `gone`: the times when connections in
/// calls closed; the latest of them may resume.
pub(super) fn check_timers(
    machine: &str,
    stats: &Stats,
    addresses: usize,
    gone: &[Instant],
    (limits, now): (&Limits, Instant),
) {
    // They are last in the machine's debug output.
    let timers = machine.rsplit("timers: {").next().unwrap_or_default();
    let count = |kind: &str| timers.matches(kind).count();
    let (handshakes, lost) = (count(" Handshake(ConnectionId("), count(" Lost(\""));
    let (ringing, restored) = (count(" Ringing(\""), count(" Restored(\""));
    let forget = count(" Forget(");
    let all = handshakes + lost + ringing + restored + forget;
    assert_eq!(all, count("(Instant {"), "a timer of another kind");
    assert!(handshakes <= stats.connections);
    // Participants of ended calls may resume too, and get an error.
    let may_be_lost = gone.iter().filter(|at| **at + limits.resume >= now).count();
    assert!((stats.participants_lost..=may_be_lost).contains(&lost));
    assert_eq!(ringing, stats.ringing);
    assert!(restored <= stats.calls);
    assert!(forget <= addresses);
}
