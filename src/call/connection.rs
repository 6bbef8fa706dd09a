//! The connection to the server: opened, greeted, joined or listened on, lost and opened again.

use std::time::{Duration, Instant};

use super::outbox::Outbox;
use super::timers::{Backoff, Timer, Timers};
use super::{Action, CallError, Config, Event};
use crate::model::ParticipantId;
use crate::signalling::message::{ClientMessage, Resume, VERSIONS};

/// How long the first join is tried: a server started in the same moment is up by then, and a
/// user with a wrong address learns of it before giving up.
const FIRST_JOIN: Duration = Duration::from_secs(5);

/// The delay between these first attempts: the call begins that soon after the server does.
const FIRST_RETRY: Duration = Duration::from_millis(200);

/// How long opening a connection, and each request on it that has an answer, may take. They are a
/// few round trips; a server that accepts and stays silent is as good as none.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(5);

/// The longest delay before the next attempt to come back. Shorter than for legs: when a network
/// is up again media may have to wait for this connection, and is to be back within 3 s.
const LONGEST_RETRY: Duration = Duration::from_secs(1);

/// How far the connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ConnectionState {
    /// Not begun, or over.
    #[default]
    Idle,
    /// The driver opens it.
    Opening,
    /// Hello is sent.
    Greeting,
    /// Join or place is sent.
    Joining,
    /// Listen is sent.
    Asking,
    /// Calls to the user are told.
    Listening,
    /// Accept is sent. Calls to the user are told still.
    Answering,
    /// In the call.
    Joined,
    /// Between two attempts.
    Waiting,
}

/// The connection, and what outlives it.
#[derive(Debug, Default)]
pub(super) struct ServerConnection {
    step: ConnectionState,
    backoff: Backoff,
    /// Why the last attempt failed.
    last_reason: Option<String>,
    /// The server run on the other end.
    welcomed: Option<String>,
    /// The server run that was joined or listened to last.
    run: Option<String>,
    own: Option<ParticipantId>,
    resume: Option<Resume>,
    /// The server once let this end join or listen: it exists, and what fails from then on is
    /// tried again.
    is_established: bool,
    /// Since when the connection is of use.
    good_since: Option<Instant>,
    loss_told: bool,
    refusal_told: bool,
}

/// What is new about a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rejoin {
    /// Another server run was joined before.
    pub(super) is_other_run: bool,
    /// This participant had another id before.
    pub(super) is_other_id: bool,
}

impl ServerConnection {
    pub(super) fn step(&self) -> ConnectionState {
        self.step
    }

    /// This participant's id, once joined.
    pub(super) fn own(&self) -> Option<&ParticipantId> {
        self.own.as_ref()
    }

    /// Whether this end has ever joined or listened.
    pub(super) fn is_established(&self) -> bool {
        self.is_established
    }

    /// What the next join presents.
    pub(super) fn resume(&self) -> Option<Resume> {
        self.resume.clone()
    }

    /// The session cannot be taken up again.
    pub(super) fn forget_resume(&mut self) {
        self.resume = None;
    }

    pub(super) fn start(&mut self, now: Instant, timers: &mut Timers, out: &mut Outbox) {
        timers.set(Timer::GiveUp, now + FIRST_JOIN);
        self.connect(now, timers, out);
    }

    pub(super) fn connect(&mut self, now: Instant, timers: &mut Timers, out: &mut Outbox) {
        self.step = ConnectionState::Opening;
        timers.set(Timer::Handshake, now + HANDSHAKE);
        out.push(Action::Connect);
    }

    pub(super) fn opened(
        &mut self,
        config: &Config,
        now: Instant,
        timers: &mut Timers,
        out: &mut Outbox,
    ) {
        if self.step == ConnectionState::Opening {
            self.step = ConnectionState::Greeting;
            timers.set(Timer::Handshake, now + HANDSHAKE);
            out.send(ClientMessage::Hello {
                versions: VERSIONS.to_vec(),
                user: config.user.clone(),
                display_name: config.display_name.clone(),
                token: config.token.clone(),
            });
        }
    }

    /// The server named its run. What `next` waits for the answer to is to be sent.
    pub(super) fn welcomed(&mut self, server: String, next: ConnectionState) {
        self.step = next;
        self.welcomed = Some(server);
    }

    /// The server tells calls to the user from now on. Returns whether another server run did so
    /// before.
    pub(super) fn listened(&mut self, now: Instant, timers: &mut Timers) -> bool {
        let is_other_run = self.is_other_run();
        self.established(now, timers);
        self.step = ConnectionState::Listening;
        is_other_run
    }

    /// Accept is to be sent.
    pub(super) fn answering(&mut self, now: Instant, timers: &mut Timers) {
        self.step = ConnectionState::Answering;
        timers.set(Timer::Handshake, now + HANDSHAKE);
    }

    /// The call that was to be accepted is gone.
    pub(super) fn not_answered(&mut self, timers: &mut Timers) {
        self.step = ConnectionState::Listening;
        timers.stop(&Timer::Handshake);
    }

    pub(super) fn joined(&mut self, resume: Resume, now: Instant, timers: &mut Timers) -> Rejoin {
        let rejoin = Rejoin {
            is_other_run: self.is_other_run(),
            is_other_id: self
                .own
                .as_ref()
                .is_some_and(|own| *own != resume.participant),
        };
        self.established(now, timers);
        self.step = ConnectionState::Joined;
        self.own = Some(resume.participant.clone());
        self.resume = Some(resume);
        rejoin
    }

    fn is_other_run(&self) -> bool {
        self.run.is_some() && self.run != self.welcomed
    }

    fn established(&mut self, now: Instant, timers: &mut Timers) {
        timers.stop(&Timer::GiveUp);
        timers.stop(&Timer::Handshake);
        self.run = self.welcomed.clone();
        self.is_established = true;
        self.good_since = Some(now);
        self.loss_told = false;
        self.refusal_told = false;
    }

    /// Tells what the server holds against this end, once for each loss. The loss that follows is
    /// told with it.
    pub(super) fn tell_refusal(&mut self, trouble: CallError, out: &mut Outbox) {
        self.loss_told = true;
        if !std::mem::replace(&mut self.refusal_told, true) {
            out.emit(Event::Warning(trouble));
        }
    }

    /// The connection could not be opened, is closed or has been given up. It is tried again,
    /// unless this returns why the call cannot even begin.
    pub(super) fn lost(
        &mut self,
        reason: String,
        now: Instant,
        timers: &mut Timers,
        out: &mut Outbox,
    ) -> Option<CallError> {
        if matches!(self.step, ConnectionState::Idle | ConnectionState::Waiting) {
            return None;
        }
        self.step = ConnectionState::Waiting;
        timers.stop(&Timer::Handshake);
        if !self.is_established {
            if !timers.runs(&Timer::GiveUp) {
                return Some(CallError::Unreachable(reason));
            }
            self.last_reason = Some(reason);
            timers.set(Timer::Reconnect, now + FIRST_RETRY);
            return None;
        }
        if !std::mem::replace(&mut self.loss_told, true) {
            out.emit(Event::Warning(CallError::SignallingLost(reason)));
        }
        let held = self
            .good_since
            .take()
            .map_or(Duration::ZERO, |at| now.duration_since(at));
        let delay = self.backoff.after(held).min(LONGEST_RETRY);
        timers.set(Timer::Reconnect, now + delay);
        None
    }

    /// The time for the first join is over. A connection that is open keeps its own time.
    pub(super) fn give_up(&mut self) -> Option<CallError> {
        if !matches!(
            self.step,
            ConnectionState::Opening | ConnectionState::Waiting
        ) {
            return None;
        }
        let reason = self.last_reason.take();
        let reason = reason
            .unwrap_or_else(|| format!("it did not answer within {} s", FIRST_JOIN.as_secs()));
        Some(CallError::Unreachable(reason))
    }

    /// The connection is closed and not to be opened again.
    pub(super) fn closed(&mut self) {
        self.step = ConnectionState::Idle;
    }

    /// The call is over: takes leave and closes.
    pub(super) fn leave(&mut self, out: &mut Outbox) {
        // What is on its way may have made this participant known already.
        if matches!(
            self.step,
            ConnectionState::Joining | ConnectionState::Answering | ConnectionState::Joined
        ) {
            out.send(ClientMessage::Leave {
                for_everyone: false,
            });
        }
        if !matches!(self.step, ConnectionState::Idle | ConnectionState::Waiting) {
            out.push(Action::Disconnect);
        }
        self.step = ConnectionState::Idle;
    }
}
