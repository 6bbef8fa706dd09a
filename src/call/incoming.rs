//! The calls to the user that ring.

use std::time::Duration;

use super::outbox::Outbox;
use super::{Event, Incoming};
use crate::model::IncomingEnd;
use crate::signalling::message::ClientMessage;

/// How long after `listening` the server has told anew what rings: it does so at once, and on an
/// ordered connection.
pub(super) const TOLD_ANEW: Duration = Duration::from_secs(1);

/// How long a call rings on without a connection to the server. Its caller hardly waits longer,
/// and one that does is told as a new call.
pub(super) const RINGS_UNHEARD: Duration = Duration::from_secs(30);

/// The calls that ring, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct IncomingCalls {
    calls: Vec<Ringing>,
    /// The one that the last accept on this connection was for.
    asked: Option<String>,
    /// The one that was being accepted when the connection was lost: the server may have taken
    /// this end into the call.
    doubtful: Option<String>,
}

/// One of them.
#[derive(Debug)]
struct Ringing {
    incoming: Incoming,
    answer: Option<Answer>,
    /// AdvertisedState on the present connection.
    is_here: bool,
}

/// What the application wants done with one, as soon as the server can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accept,
    /// Its end has been told to the application.
    Reject,
}

impl IncomingCalls {
    /// Those that the application may answer.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Incoming> {
        let open = self.calls.iter().filter(|call| call.is_open());
        open.map(|call| &call.incoming)
    }

    /// The server tells one, for the first time or anew.
    pub(super) fn came(&mut self, incoming: Incoming, accept: bool, out: &mut Outbox) {
        let Some(at) = self.position(&incoming.call) else {
            out.emit(Event::Incoming(incoming.clone()));
            self.calls.push(Ringing {
                incoming,
                answer: accept.then_some(Answer::Accept),
                is_here: true,
            });
            return;
        };
        self.calls[at].is_here = true;
        if !self.calls[at].is_open() {
            self.calls.remove(at);
            out.send(ClientMessage::Reject {
                call: incoming.call,
            });
        }
    }

    /// One rings no more: `reason` as in [`Event::IncomingEnded`].
    pub(super) fn ended(&mut self, call: &str, reason: Option<IncomingEnd>, out: &mut Outbox) {
        if let Some(at) = self.position(call) {
            self.calls.remove(at).tell_end(reason, out);
        }
    }

    /// None rings any more.
    pub(super) fn all_ended(&mut self, reason: IncomingEnd, out: &mut Outbox) {
        self.doubtful = None;
        for call in self.calls.drain(..) {
            call.tell_end(Some(reason), out);
        }
    }

    /// Those that the present connection has not told ring no more.
    pub(super) fn missing_ended(&mut self, out: &mut Outbox) {
        for call in self.calls.extract_if(.., |call| !call.is_here) {
            call.tell_end(Some(IncomingEnd::Cancelled), out);
        }
    }

    /// Whether any has not been told on the present connection.
    pub(super) fn any_missing(&self) -> bool {
        self.calls.iter().any(|call| !call.is_here)
    }

    /// The connection is lost, an accept on its way or not.
    pub(super) fn lost(&mut self, is_answering: bool) {
        self.doubtful = self.asked.take().filter(|_| is_answering);
        for call in &mut self.calls {
            call.is_here = false;
        }
    }

    /// The application answers this one, or the first. False: there is none.
    pub(super) fn accept(&mut self, call: Option<&str>) -> bool {
        let Some(at) = self.open(|ringing| ringing.is(call)) else {
            return false;
        };
        self.calls[at].answer = Some(Answer::Accept);
        true
    }

    /// The application declines this one, or the first, but not `answering`, which is accepted
    /// already. False: there is none.
    pub(super) fn reject(
        &mut self,
        call: Option<&str>,
        answering: Option<&str>,
        out: &mut Outbox,
    ) -> bool {
        let may = |ringing: &Ringing| {
            ringing.is(call) && answering != Some(ringing.incoming.call.as_str())
        };
        let Some(at) = self.open(may) else {
            return false;
        };
        let ringing = &mut self.calls[at];
        out.emit(Event::IncomingEnded(ringing.incoming.clone(), None));
        if ringing.is_here {
            let call = self.calls.remove(at).incoming.call;
            out.send(ClientMessage::Reject { call });
        } else {
            ringing.answer = Some(Answer::Reject);
        }
        true
    }

    /// The call to accept next on the present connection.
    pub(super) fn ask(&mut self) -> Option<String> {
        let wanted = |call: &&Ringing| call.is_here && call.answer == Some(Answer::Accept);
        let call = self.calls.iter().find(wanted)?;
        self.asked = Some(call.incoming.call.clone());
        self.asked.clone()
    }

    /// The call that the last accept on this connection was for.
    pub(super) fn asked(&self) -> Option<&str> {
        self.asked.as_deref()
    }

    /// The call that this end may be in already, unless it is over or declined by now.
    pub(super) fn doubtful(&self) -> Option<&str> {
        let call = self.doubtful.as_deref()?;
        let ringing = &self.calls[self.position(call)?];
        (ringing.answer == Some(Answer::Accept)).then_some(call)
    }

    /// This end is in none. Returns whether it might have been.
    pub(super) fn no_doubt(&mut self) -> bool {
        self.doubtful.take().is_some()
    }

    /// The server refused the last accept for a reason that lies in the call: the application may
    /// try again while it rings.
    pub(super) fn refused(&mut self) {
        if let Some(at) = self.asked.as_ref().and_then(|call| self.position(call)) {
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

    /// Whether its end has not been told.
    fn is_open(&self) -> bool {
        self.answer != Some(Answer::Reject)
    }

    fn tell_end(self, reason: Option<IncomingEnd>, out: &mut Outbox) {
        if self.is_open() {
            out.emit(Event::IncomingEnded(self.incoming, reason));
        }
    }
}
