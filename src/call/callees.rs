//! Those who are being rung for the call.

use std::collections::BTreeSet;

use super::Event;
use super::outbox::Outbox;
use crate::model::{CalleeState, Participant};

/// The users who are being rung for the call, whoever had them rung.
#[derive(Debug, Default)]
pub(super) struct Callees {
    ringing: BTreeSet<String>,
}

impl Callees {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.ringing.iter().map(String::as_str)
    }

    /// Takes in what the server says of one. `is_there`: a participant is this user.
    pub(super) fn update(
        &mut self,
        user: String,
        state: CalleeState,
        is_there: bool,
        out: &mut Outbox,
    ) {
        let rang = self.ringing.remove(&user);
        let is_news = match state {
            CalleeState::Ringing => {
                self.ringing.insert(user.clone());
                !rang
            }
            CalleeState::Accepted => rang || !is_there,
            _ => true,
        };
        if is_news {
            out.emit(Event::Callee(user, state));
        }
    }

    /// Takes in whom a join lists: what happened meanwhile to those who rang can be told as far as
    /// it shows.
    pub(super) fn compare(
        &mut self,
        ringing: Vec<String>,
        participants: &[Participant],
        out: &mut Outbox,
    ) {
        let ringing: BTreeSet<String> = ringing.into_iter().collect();
        for user in self.ringing.difference(&ringing) {
            let has_come = participants.iter().any(|listed| listed.user == *user);
            let state = match has_come {
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

    /// A participant who is this user comes: whatever the server says later, the user answered.
    pub(super) fn came(&mut self, user: &str, out: &mut Outbox) {
        if self.ringing.remove(user) {
            out.emit(Event::Callee(user.to_owned(), CalleeState::Accepted));
        }
    }
}
