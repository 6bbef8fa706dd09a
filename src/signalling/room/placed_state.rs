//! The state of a placed call.

use std::collections::VecDeque;
use std::time::Instant;

use crate::model::CalleeState;

/// Callees that failed to answer and are kept for the error. Bounds the memory that invented
/// callees can take.
const FAILED: usize = 64;

/// The state of a placed call.
#[derive(Debug)]
pub(super) enum Placed {
    /// Only its caller has been in the call.
    Unanswered {
        caller: String,
        /// The callees that did not answer, the oldest first.
        failed: VecDeque<(String, CalleeState)>,
    },
    /// Other users have been in the call.
    Answered,
    /// The call was on another server. Its participants can resume their sessions until then.
    Restored { until: Instant },
}

impl Placed {
    /// Handles that a session of `user` joined.
    pub(super) fn joined(&mut self, user: &str) {
        if matches!(self, Placed::Unanswered { caller, .. } if caller != user) {
            *self = Placed::Answered;
        }
    }

    /// Keeps why `user` did not answer.
    pub(super) fn add_failed(&mut self, user: &str, state: CalleeState) {
        if let Placed::Unanswered { failed, .. } = self {
            failed.retain(|(other, _)| other != user);
            if failed.len() >= FAILED {
                failed.pop_front();
            }
            failed.push_back((user.to_owned(), state));
        }
    }
}
