//! Calls to the user: which ring, and how the application answers them.

use std::time::Instant;

use super::CallMachine;
use crate::call::connection::ConnectionState;
use crate::call::incoming::{RINGS_UNHEARD, TOLD_ANEW};
use crate::call::timers::Timer;
use crate::call::{CallError, Event, Incoming, Target};
use crate::model::IncomingEnd;
use crate::signalling::message::ClientMessage;

impl CallMachine {
    /// The server tells calls from now on.
    pub(super) fn listening(&mut self, now: Instant) {
        if self.connection.listened(now, &mut self.timers) {
            // Another server run knows nothing of them.
            self.incoming
                .all_ended(IncomingEnd::Cancelled, &mut self.out);
        }
        self.timers.stop(&Timer::Rung);
        if self.incoming.any_missing() {
            self.timers.set(Timer::Rung, now + TOLD_ANEW);
        }
    }

    pub(super) fn rung(&mut self, incoming: Incoming) {
        let accept = self.config.target
            == Target::Answer {
                automatically: true,
            };
        self.incoming.came(incoming, accept, &mut self.out);
    }

    pub(super) fn accept(&mut self, call: Option<&str>) {
        if !self.incoming.accept(call) {
            let trouble = CallError::NoIncoming("accept");
            self.out.emit(Event::Warning(trouble));
        }
    }

    pub(super) fn reject(&mut self, call: Option<&str>) {
        let answering = match self.connection.step() {
            ConnectionState::Answering => self.incoming.asked().map(str::to_owned),
            _ => None,
        };
        let answering = answering.as_deref();
        if !self.incoming.reject(call, answering, &mut self.out) {
            let trouble = CallError::NoIncoming("decline");
            self.out.emit(Event::Warning(trouble));
        }
    }

    /// Accepts what is to be accepted, one call at a time.
    pub(super) fn answer(&mut self, now: Instant) {
        if self.connection.step() != ConnectionState::Listening {
            return;
        }
        let Some(call) = self.incoming.ask() else {
            return;
        };
        self.connection.answering(now, &mut self.timers);
        self.advertised.join(self.roles, &self.media);
        self.out.send(ClientMessage::Accept {
            call,
            receives: self.roles.receives,
            sends: self.roles.sends,
            media: self.media.clone(),
        });
    }

    /// What was answered last rings no more.
    pub(super) fn answer_gone(&mut self) {
        // One that was declined may be meant. Then this one is answered nevertheless, and
        // `is_answer` knows it.
        if self.connection.step() == ConnectionState::Answering {
            self.connection.not_answered(&mut self.timers);
            if let Some(call) = self.incoming.asked().map(str::to_owned) {
                let reason = Some(IncomingEnd::Cancelled);
                self.incoming.ended(&call, reason, &mut self.out);
            }
        }
    }

    /// Whether the server says with `joined` that this call is accepted.
    pub(super) fn is_answer(&self, call: &str) -> bool {
        matches!(
            self.connection.step(),
            ConnectionState::Listening | ConnectionState::Answering
        ) && self.incoming.asked() == Some(call)
    }

    /// This end is in a call: nothing rings any more.
    pub(super) fn answered(&mut self, call: &str) {
        self.timers.stop(&Timer::Rung);
        self.incoming.ended(call, None, &mut self.out);
        self.incoming.all_ended(IncomingEnd::Other, &mut self.out);
    }

    /// The connection is lost, if there was one.
    pub(super) fn unheard(&mut self, now: Instant) {
        let step = self.connection.step();
        if matches!(
            step,
            ConnectionState::Listening | ConnectionState::Answering
        ) {
            self.incoming.lost(step == ConnectionState::Answering);
            if self.incoming.any_missing() {
                self.timers.set(Timer::Rung, now + RINGS_UNHEARD);
            }
        }
    }
}
