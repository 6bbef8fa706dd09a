//! Messages and errors from the server.

use std::time::Instant;

use super::CallMachine;
use crate::call::connection::ConnectionState;
use crate::call::timers::Timer;
use crate::call::{Action, CallError, CallState, Event, Incoming};
use crate::signalling::message::{ErrorCode, ServerMessage};

impl CallMachine {
    pub(super) fn handle_message(&mut self, message: ServerMessage, now: Instant) {
        match (self.connection.state(), message) {
            // From a connection that has been given up.
            (ConnectionState::Idle | ConnectionState::Opening | ConnectionState::Waiting, _) => {}
            (_, ServerMessage::Error { code, message }) => self.handle_error(code, message, now),
            (_, ServerMessage::CallEnded { reason }) => {
                self.out.emit(Event::Warning(CallError::Ended(reason)));
                self.end(now);
            }
            (ConnectionState::Greeting, ServerMessage::Welcome { version, server }) => {
                self.welcomed(version, server, now);
            }
            (
                state,
                ServerMessage::Joined {
                    call,
                    resume,
                    participants,
                    ringing,
                    ice_servers,
                },
            ) if state == ConnectionState::Joining || self.is_accepted(&call) => {
                self.joined(call, resume, participants, ringing, ice_servers, now);
            }
            (ConnectionState::Subscribing, ServerMessage::Listening {}) => self.listening(now),
            (ConnectionState::Listening | ConnectionState::Accepting, message) => {
                self.handle_listening(message)
            }
            (ConnectionState::Joined, message) => self.handle_joined(message, now),
            // Out of order. Whatever matters comes again with the next `joined`.
            (
                ConnectionState::Greeting | ConnectionState::Joining | ConnectionState::Subscribing,
                _,
            ) => {}
        }
    }

    fn handle_listening(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Incoming {
                call,
                user,
                display_name,
            } => self.announced(Incoming {
                call,
                user,
                display_name,
            }),
            ServerMessage::IncomingEnded { call, reason } => {
                self.incoming.end(&call, Some(reason), &mut self.out);
            }
            _ => {}
        }
    }

    fn handle_joined(&mut self, message: ServerMessage, now: Instant) {
        match message {
            ServerMessage::Callee { user, state } => {
                let is_present = self.participants().any(|other| other.user == user);
                self.callees.update(user, state, is_present, &mut self.out);
            }
            ServerMessage::Participant { participant } => {
                self.participant_updated(participant, now)
            }
            ServerMessage::ParticipantLeft { participant, .. } => {
                self.participant_left(&participant, now)
            }
            ServerMessage::Signal { from, signal } => {
                let (legs, mut context) = self.legs(now);
                legs.signal(&from, signal, &mut context);
            }
            _ => {}
        }
    }

    pub(super) fn handle_error(&mut self, code: ErrorCode, message: String, now: Instant) {
        let state = self.connection.state();
        let error = CallError::Refused {
            code,
            message: message.clone(),
        };
        if !code.is_fatal() && !is_answer(state, code) {
            self.handle_nonfatal(code, error);
            return;
        }
        if state == ConnectionState::Joining && self.incoming.clear_unconfirmed() {
            // This end is not in the call that it accepted. It listens, and accepts the call again
            // if that still rings.
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
            self.fail(error, now);
            return;
        }
        match (state, code) {
            // The call ended while the connection was lost.
            (ConnectionState::Joining, ErrorCode::NotInvited) => {
                self.ended_meanwhile(message, now);
                return;
            }
            // The warning of the loss has the server's text.
            (ConnectionState::Joined | ConnectionState::Listening, _) => {}
            (_, ErrorCode::BadResume) => self.connection.forget_resume(),
            _ => self.connection.report_refusal(error, &mut self.out),
        }
        if state == ConnectionState::Accepting {
            self.incoming.accept_refused();
        }
        self.out.push(Action::Disconnect);
        self.lost(message, now);
    }

    /// Handles an error that leaves the connection open.
    fn handle_nonfatal(&mut self, code: ErrorCode, error: CallError) {
        match code {
            // A participant may leave while a message for it is on the way.
            ErrorCode::UnknownParticipant => return,
            // A call may end while it is answered. The application is notified of its end.
            ErrorCode::IncomingGone => return self.incoming_gone(),
            ErrorCode::TokenPlace => {
                self.is_ending = false;
                self.timers.stop(&Timer::Leave);
            }
            _ => {}
        }
        self.out.emit(Event::Warning(error));
    }

    /// Ends a call that had ended before this end rejoined it.
    fn ended_meanwhile(&mut self, reason: String, now: Instant) {
        let error = CallError::Ended(reason);
        match self.state {
            CallState::Ringing => self.fail(error, now),
            _ => {
                self.out.emit(Event::Warning(error));
                self.end(now);
            }
        }
    }
}

/// Whether an error that leaves the connection open answers the pending request, to which no other
/// answer will come.
fn is_answer(state: ConnectionState, code: ErrorCode) -> bool {
    matches!(
        state,
        ConnectionState::Joining | ConnectionState::Subscribing
    ) && matches!(
        code,
        ErrorCode::TokenPlace | ErrorCode::UnknownMessage | ErrorCode::OutOfOrder
    )
}
