//! The users who are being rung for the call.

use std::collections::BTreeSet;

use super::Event;
use super::outbox::Outbox;
use crate::model::{CalleeState, Participant};

/// The users who are being rung for the call, whichever participant invited them.
#[derive(Debug, Default)]
pub(super) struct Callees {
    ringing: BTreeSet<String>,
}

impl Callees {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.ringing.iter().map(String::as_str)
    }

    /// Handles the server's word about one user. `is_present`: a participant is this user.
    pub(super) fn update(
        &mut self,
        user: String,
        state: CalleeState,
        is_present: bool,
        out: &mut Outbox,
    ) {
        let was_ringing = self.ringing.remove(&user);
        let is_new = match state {
            CalleeState::Ringing => {
                self.ringing.insert(user.clone());
                !was_ringing
            }
            CalleeState::Accepted => was_ringing || !is_present,
            _ => true,
        };
        if is_new {
            out.emit(Event::Callee(user, state));
        }
    }

    /// Replaces the list with the one of a join, and emits what happened meanwhile, as far as the
    /// list shows it.
    pub(super) fn replace(
        &mut self,
        ringing: Vec<String>,
        participants: &[Participant],
        out: &mut Outbox,
    ) {
        let ringing: BTreeSet<String> = ringing.into_iter().collect();
        for user in self.ringing.difference(&ringing) {
            let is_present = participants.iter().any(|listed| listed.user == *user);
            let state = match is_present {
                true => CalleeState::Accepted,
                false => CalleeState::Other,
            };
            out.emit(Event::Callee(user.clone(), state));
        }
        for user in ringing.difference(&self.ringing) {
            out.emit(Event::Callee(user.clone(), CalleeState::Ringing));
        }
        self.ringing = ringing;
    }

    /// Handles a new participant who is this user: the user accepted, whatever the server says
    /// later.
    pub(super) fn joined(&mut self, user: &str, out: &mut Outbox) {
        if self.ringing.remove(user) {
            out.emit(Event::Callee(user.to_owned(), CalleeState::Accepted));
        }
    }
}
