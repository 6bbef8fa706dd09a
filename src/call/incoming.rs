//! Incoming calls that ring.

use std::time::Duration;

use super::outbox::Outbox;
use super::{Event, Incoming};
use crate::model::IncomingEnd;
use crate::signalling::message::ClientMessage;

/// How long the server may take after `listening` to announce again the calls that ring. It does
/// so at once, on an ordered connection.
pub(super) const REPEAT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a call rings on without a connection to the server. Callers hardly wait longer; a call
/// that still rings then is announced as a new one.
pub(super) const RINGS_DISCONNECTED: Duration = Duration::from_secs(30);

/// The calls that ring, in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct IncomingCalls {
    calls: Vec<Ringing>,
    /// The call that was accepted last on this connection.
    accepting: Option<String>,
    /// The call that was being accepted when the connection was lost: the server may have let this
    /// end join it.
    unconfirmed: Option<String>,
}

/// One of the calls.
#[derive(Debug)]
struct Ringing {
    incoming: Incoming,
    answer: Option<Answer>,
    /// Whether the server announced it on the current connection.
    is_announced: bool,
}

/// The application's answer, sent to the server as soon as possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accept,
    /// The application was notified that the call has ended.
    Reject,
}

impl IncomingCalls {
    /// Returns the calls that the application may answer.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Incoming> {
        let open = self.calls.iter().filter(|call| call.is_open());
        open.map(|call| &call.incoming)
    }

    /// Handles a call that the server announced, for the first time or again.
    pub(super) fn announced(&mut self, incoming: Incoming, accept: bool, out: &mut Outbox) {
        let Some(at) = self.position(&incoming.call) else {
            out.emit(Event::Incoming(incoming.clone()));
            self.calls.push(Ringing {
                incoming,
                answer: accept.then_some(Answer::Accept),
                is_announced: true,
            });
            return;
        };
        self.calls[at].is_announced = true;
        if !self.calls[at].is_open() {
            self.calls.remove(at);
            out.send(ClientMessage::Reject {
                call: incoming.call,
            });
        }
    }

    /// Ends one call. `reason` is that of [`Event::IncomingEnded`].
    pub(super) fn end(&mut self, call: &str, reason: Option<IncomingEnd>, out: &mut Outbox) {
        if let Some(at) = self.position(call) {
            self.calls.remove(at).emit_end(reason, out);
        }
    }

    /// Ends all calls.
    pub(super) fn end_all(&mut self, reason: IncomingEnd, out: &mut Outbox) {
        self.unconfirmed = None;
        for call in self.calls.drain(..) {
            call.emit_end(Some(reason), out);
        }
    }

    /// Ends the calls that the server has not announced on the current connection.
    pub(super) fn end_missing(&mut self, out: &mut Outbox) {
        for call in self.calls.extract_if(.., |call| !call.is_announced) {
            call.emit_end(Some(IncomingEnd::Cancelled), out);
        }
    }

    /// Whether the server has yet to announce any of the calls on the current connection.
    pub(super) fn has_missing(&self) -> bool {
        self.calls.iter().any(|call| !call.is_announced)
    }

    /// Handles the loss of the connection. `is_accepting`: an answer was on its way.
    pub(super) fn connection_lost(&mut self, is_accepting: bool) {
        self.unconfirmed = self.accepting.take().filter(|_| is_accepting);
        for call in &mut self.calls {
            call.is_announced = false;
        }
    }

    /// Accepts this call, or the first. Returns whether there is one.
    pub(super) fn accept(&mut self, call: Option<&str>) -> bool {
        let Some(at) = self.open(|ringing| ringing.is(call)) else {
            return false;
        };
        self.calls[at].answer = Some(Answer::Accept);
        true
    }

    /// Declines this call, or the first, but not `accepting`, which is being accepted. Returns
    /// whether there is one.
    pub(super) fn reject(
        &mut self,
        call: Option<&str>,
        accepting: Option<&str>,
        out: &mut Outbox,
    ) -> bool {
        let may_reject = |ringing: &Ringing| {
            ringing.is(call) && accepting != Some(ringing.incoming.call.as_str())
        };
        let Some(at) = self.open(may_reject) else {
            return false;
        };
        let ringing = &mut self.calls[at];
        out.emit(Event::IncomingEnded(ringing.incoming.clone(), None));
        if ringing.is_announced {
            let call = self.calls.remove(at).incoming.call;
            out.send(ClientMessage::Reject { call });
        } else {
            ringing.answer = Some(Answer::Reject);
        }
        true
    }

    /// Returns the call to accept next on the current connection.
    pub(super) fn next_to_accept(&mut self) -> Option<String> {
        let is_accepted =
            |call: &&Ringing| call.is_announced && call.answer == Some(Answer::Accept);
        let call = self.calls.iter().find(is_accepted)?;
        self.accepting = Some(call.incoming.call.clone());
        self.accepting.clone()
    }

    /// Returns the call that was accepted last on this connection.
    pub(super) fn accepting(&self) -> Option<&str> {
        self.accepting.as_deref()
    }

    /// Returns the call that this end may be in already, unless it has ended or been declined.
    pub(super) fn unconfirmed(&self) -> Option<&str> {
        let call = self.unconfirmed.as_deref()?;
        let ringing = &self.calls[self.position(call)?];
        (ringing.answer == Some(Answer::Accept)).then_some(call)
    }

    /// Records that this end is in no call. Returns whether it might have been in one.
    pub(super) fn clear_unconfirmed(&mut self) -> bool {
        self.unconfirmed.take().is_some()
    }

    /// Takes back the last accept, which the server refused for a reason that lies in the call.
    /// The application may try again while it rings.
    pub(super) fn accept_refused(&mut self) {
        let accepting = self.accepting.as_ref();
        if let Some(at) = accepting.and_then(|call| self.position(call)) {
            self.calls[at].answer = None;
        }
    }

    fn position(&self, call: &str) -> Option<usize> {
        self.calls.iter().position(|r| r.incoming.call == call)
    }

    fn open(&self, which: impl Fn(&Ringing) -> bool) -> Option<usize> {
        self.calls.iter().position(|r| r.is_open() && which(r))
    }
}

impl Ringing {
    fn is(&self, call: Option<&str>) -> bool {
        call.is_none_or(|call| self.incoming.call == call)
    }

    /// Whether the application has yet to be notified of its end.
    fn is_open(&self) -> bool {
        self.answer != Some(Answer::Reject)
    }

    fn emit_end(self, reason: Option<IncomingEnd>, out: &mut Outbox) {
        if self.is_open() {
            out.emit(Event::IncomingEnded(self.incoming, reason));
        }
    }
}
