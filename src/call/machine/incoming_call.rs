//! Incoming calls, and the application's answers to them.

use std::time::Instant;

use super::CallMachine;
use crate::call::connection::ConnectionState;
use crate::call::incoming::{REPEAT_TIMEOUT, RINGS_DISCONNECTED};
use crate::call::timers::Timer;
use crate::call::{CallError, Event, Incoming, Target};
use crate::model::IncomingEnd;
use crate::signalling::message::ClientMessage;

impl CallMachine {
    /// Handles `listening`: the server announces incoming calls from now on.
    pub(super) fn listening(&mut self, now: Instant) {
        if self.connection.listened(now, &mut self.timers) {
            // Another server instance knows nothing of the calls that ring.
            self.incoming.end_all(IncomingEnd::Cancelled, &mut self.out);
        }
        self.timers.stop(&Timer::MissingIncoming);
        if self.incoming.has_missing() {
            self.timers
                .set(Timer::MissingIncoming, now + REPEAT_TIMEOUT);
        }
    }

    pub(super) fn announced(&mut self, incoming: Incoming) {
        let accept = self.config.target
            == Target::Answer {
                automatically: true,
            };
        self.incoming.announced(incoming, accept, &mut self.out);
    }

    pub(super) fn accept(&mut self, call: Option<&str>) {
        if !self.incoming.accept(call) {
            let error = CallError::NoIncoming("accept");
            self.out.emit(Event::Warning(error));
        }
    }

    pub(super) fn reject(&mut self, call: Option<&str>) {
        let accepting = match self.connection.state() {
            ConnectionState::Accepting => self.incoming.accepting().map(str::to_owned),
            _ => None,
        };
        let accepting = accepting.as_deref();
        if !self.incoming.reject(call, accepting, &mut self.out) {
            let error = CallError::NoIncoming("decline");
            self.out.emit(Event::Warning(error));
        }
    }

    /// Sends the application's accept, one call at a time.
    pub(super) fn accept_next(&mut self, now: Instant) {
        if self.connection.state() != ConnectionState::Listening {
            return;
        }
        let Some(call) = self.incoming.next_to_accept() else {
            return;
        };
        self.connection.accepting(now, &mut self.timers);
        self.advertised.join(self.roles, &self.media);
        self.out.send(ClientMessage::Accept {
            call,
            receives: self.roles.receives,
            sends: self.roles.sends,
            media: self.media.clone(),
        });
    }

    /// Handles the server's word that an accepted or declined call no longer exists.
    pub(super) fn incoming_gone(&mut self) {
        // It may mean a call that was declined. Then the server answers the accept nevertheless,
        // and `is_accepted` recognises that.
        if self.connection.state() == ConnectionState::Accepting {
            self.connection.not_accepted(&mut self.timers);
            if let Some(call) = self.incoming.accepting().map(str::to_owned) {
                let reason = Some(IncomingEnd::Cancelled);
                self.incoming.end(&call, reason, &mut self.out);
            }
        }
    }

    /// Whether `joined` with this call answers the last accept.
    pub(super) fn is_accepted(&self, call: &str) -> bool {
        matches!(
            self.connection.state(),
            ConnectionState::Listening | ConnectionState::Accepting
        ) && self.incoming.accepting() == Some(call)
    }

    /// Ends all ringing: this end is in `call`.
    pub(super) fn end_ringing(&mut self, call: &str) {
        self.timers.stop(&Timer::MissingIncoming);
        self.incoming.end(call, None, &mut self.out);
        self.incoming.end_all(IncomingEnd::Other, &mut self.out);
    }

    /// Handles the loss of the connection for the calls that ring.
    pub(super) fn stop_listening(&mut self, now: Instant) {
        let state = self.connection.state();
        if matches!(
            state,
            ConnectionState::Listening | ConnectionState::Accepting
        ) {
            self.incoming
                .connection_lost(state == ConnectionState::Accepting);
            if self.incoming.has_missing() {
                self.timers
                    .set(Timer::MissingIncoming, now + RINGS_DISCONNECTED);
            }
        }
    }
}
