//! What the server says.

use std::time::Instant;

use super::CallMachine;
use crate::call::connection::ConnectionState;
use crate::call::timers::Timer;
use crate::call::{Action, CallError, CallState, Event, Incoming};
use crate::signalling::message::{ErrorCode, ServerMessage};

impl CallMachine {
    pub(super) fn received(&mut self, message: ServerMessage, now: Instant) {
        match (self.connection.step(), message) {
            // Of a connection that has been given up.
            (ConnectionState::Idle | ConnectionState::Opening | ConnectionState::Waiting, _) => {}
            (_, ServerMessage::Error { code, message }) => self.refused(code, message, now),
            (_, ServerMessage::CallEnded { reason }) => {
                self.out.emit(Event::Warning(CallError::Ended(reason)));
                self.end(now);
            }
            (ConnectionState::Greeting, ServerMessage::Welcome { version, server }) => {
                self.welcomed(version, server, now);
            }
            (
                step,
                ServerMessage::Joined {
                    call,
                    resume,
                    participants,
                    ringing,
                    ice_servers,
                },
            ) if step == ConnectionState::Joining || self.is_answer(&call) => {
                self.joined(call, resume, participants, ringing, ice_servers, now);
            }
            (ConnectionState::Asking, ServerMessage::Listening {}) => self.listening(now),
            (ConnectionState::Listening | ConnectionState::Answering, message) => {
                self.received_listening(message)
            }
            (ConnectionState::Joined, message) => self.received_joined(message, now),
            // Out of order: what matters of it comes with the next Joined.
            (ConnectionState::Greeting | ConnectionState::Joining | ConnectionState::Asking, _) => {
            }
        }
    }

    fn received_listening(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Incoming {
                call,
                user,
                display_name,
            } => self.rung(Incoming {
                call,
                user,
                display_name,
            }),
            ServerMessage::IncomingEnded { call, reason } => {
                self.incoming.ended(&call, Some(reason), &mut self.out);
            }
            _ => {}
        }
    }

    fn received_joined(&mut self, message: ServerMessage, now: Instant) {
        match message {
            ServerMessage::Callee { user, state } => {
                let is_there = self.participants().any(|other| other.user == user);
                self.callees.update(user, state, is_there, &mut self.out);
            }
            ServerMessage::Participant { participant } => self.updated(participant, now),
            ServerMessage::ParticipantLeft { participant, .. } => self.left(&participant, now),
            ServerMessage::Signal { from, signal } => {
                let (legs, mut context) = self.legs(now);
                legs.signal(&from, signal, &mut context);
            }
            _ => {}
        }
    }

    pub(super) fn refused(&mut self, code: ErrorCode, message: String, now: Instant) {
        let step = self.connection.step();
        let trouble = CallError::Refused {
            code,
            message: message.clone(),
        };
        if !code.is_fatal() && !is_answer(step, code) {
            self.survived(code, trouble);
            return;
        }
        if step == ConnectionState::Joining && self.incoming.no_doubt() {
            // It is not in the call that it answered: it listens, and answers again what rings.
            self.out.push(Action::Disconnect);
            self.lost(message, now);
            return;
        }
        let is_about_callees = matches!(
            code,
            ErrorCode::CalleeUnknown
                | ErrorCode::CalleeBusy
                | ErrorCode::CalleeDeclined
                | ErrorCode::CalleeNoAnswer
        );
        if !self.connection.is_established() || code.is_about_token() || is_about_callees {
            self.fail(trouble, now);
            return;
        }
        match (step, code) {
            // It ended while the connection was lost.
            (ConnectionState::Joining, ErrorCode::NotInvited) => {
                self.over(message, now);
                return;
            }
            // The loss itself is told, with the server's text.
            (ConnectionState::Joined | ConnectionState::Listening, _) => {}
            (_, ErrorCode::BadResume) => self.connection.forget_resume(),
            _ => self.connection.tell_refusal(trouble, &mut self.out),
        }
        if step == ConnectionState::Answering {
            self.incoming.refused();
        }
        self.out.push(Action::Disconnect);
        self.lost(message, now);
    }

    /// The server refused something, and that is all.
    fn survived(&mut self, code: ErrorCode, trouble: CallError) {
        match code {
            // A participant may leave while something for it is on the way, ...
            ErrorCode::UnknownParticipant => return,
            // ... and a call may end while it is answered: that is told as its end.
            ErrorCode::IncomingGone => return self.answer_gone(),
            ErrorCode::TokenPlace => {
                self.is_ending = false;
                self.timers.stop(&Timer::Leave);
            }
            _ => {}
        }
        self.out.emit(Event::Warning(trouble));
    }

    /// The call is over, as this end learns when it comes back to it.
    fn over(&mut self, reason: String, now: Instant) {
        let trouble = CallError::Ended(reason);
        match self.state {
            CallState::Ringing => self.fail(trouble, now),
            _ => {
                self.out.emit(Event::Warning(trouble));
                self.end(now);
            }
        }
    }
}

/// Whether an error that leaves the connection open is the answer to the request that this end
/// waits for: no other will come.
fn is_answer(step: ConnectionState, code: ErrorCode) -> bool {
    matches!(step, ConnectionState::Joining | ConnectionState::Asking)
        && matches!(
            code,
            ErrorCode::TokenPlace | ErrorCode::UnknownMessage | ErrorCode::OutOfOrder
        )
}
