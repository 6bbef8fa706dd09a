//! The actions that the driver has yet to perform.

use std::collections::VecDeque;

use super::{Action, Event};
use crate::signalling::message::ClientMessage;

/// The queue of actions.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    actions: VecDeque<Action>,
}

impl Outbox {
    pub(super) fn push(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    pub(super) fn send(&mut self, message: ClientMessage) {
        self.push(Action::Send(message));
    }

    pub(super) fn emit(&mut self, event: Event) {
        self.push(Action::Emit(event));
    }

    pub(super) fn pop(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }
}
