//! The connection to the server: its states, its loss and its reconnection.

use std::time::{Duration, Instant};

use super::outbox::Outbox;
use super::timers::{Timer, Timers};
use super::{Action, CallError, Config, Event};
use crate::backoff::Backoff;
use crate::model::ParticipantId;
use crate::signalling::message::{ClientMessage, Resume, VERSIONS};

/// How long the first join is tried. A server started at the same moment is up by then, and a user
/// with a wrong address learns of it soon enough.
const FIRST_JOIN: Duration = Duration::from_secs(5);

/// The delay between these first attempts: the call begins that soon after the server is up.
const FIRST_RETRY: Duration = Duration::from_millis(200);

/// How long opening a connection, and each request that has an answer, may take. They are a few
/// round trips; a server that accepts and stays silent is as good as none.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(5);

/// The longest delay before the next attempt to reconnect. It is shorter than for legs: when a
/// network is up again, media may have to wait for this connection, and has to be back within 3 s.
const LONGEST_RETRY: Duration = Duration::from_secs(1);

/// The state of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ConnectionState {
    /// Not started, or closed for good.
    #[default]
    Idle,
    /// The driver is opening it.
    Opening,
    /// `hello` has been sent.
    Greeting,
    /// `join` or `place` has been sent.
    Joining,
    /// `listen` has been sent.
    Subscribing,
    /// The server announces incoming calls.
    Listening,
    /// `accept` has been sent. The server still announces incoming calls.
    Accepting,
    /// In the call.
    Joined,
    /// Waiting for the next attempt.
    Waiting,
}

/// The connection, and the session that outlives it.
#[derive(Debug, Default)]
pub(super) struct ServerConnection {
    state: ConnectionState,
    backoff: Backoff,
    /// Why the last attempt failed.
    last_reason: Option<String>,
    /// The server instance at the other end.
    current_instance: Option<String>,
    /// The server instance that was joined or listened to last.
    joined_instance: Option<String>,
    own_id: Option<ParticipantId>,
    resume: Option<Resume>,
    /// Whether the server has ever let this end join or listen. From then on failures are retried.
    is_established: bool,
    /// When this end joined or began to listen on the current connection.
    established_at: Option<Instant>,
    /// Whether the warnings of the current loss have been emitted.
    is_loss_reported: bool,
    is_refusal_reported: bool,
}

/// How a join differs from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rejoin {
    /// Another server instance was joined before.
    pub(super) is_other_instance: bool,
    /// This participant had another id before.
    pub(super) is_other_id: bool,
}

impl ServerConnection {
    pub(super) fn state(&self) -> ConnectionState {
        self.state
    }

    /// Returns this participant's id, once joined.
    pub(super) fn own_id(&self) -> Option<&ParticipantId> {
        self.own_id.as_ref()
    }

    /// Whether this end has ever joined or listened.
    pub(super) fn is_established(&self) -> bool {
        self.is_established
    }

    /// Returns what the next join presents.
    pub(super) fn resume(&self) -> Option<Resume> {
        self.resume.clone()
    }

    /// Gives up the session: the next join is that of a new participant.
    pub(super) fn forget_resume(&mut self) {
        self.resume = None;
    }

    pub(super) fn start(&mut self, now: Instant, timers: &mut Timers, out: &mut Outbox) {
        timers.set(Timer::FirstJoin, now + FIRST_JOIN);
        self.connect(now, timers, out);
    }

    pub(super) fn connect(&mut self, now: Instant, timers: &mut Timers, out: &mut Outbox) {
        self.state = ConnectionState::Opening;
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
        if self.state == ConnectionState::Opening {
            self.state = ConnectionState::Greeting;
            timers.set(Timer::Handshake, now + HANDSHAKE);
            out.send(ClientMessage::Hello {
                versions: VERSIONS.to_vec(),
                user: config.user.clone(),
                display_name: config.display_name.clone(),
                token: config.token.clone(),
            });
        }
    }

    /// Handles `welcome`. The caller sends the request whose answer `next` waits for.
    pub(super) fn welcomed(&mut self, server: String, next: ConnectionState) {
        self.state = next;
        self.current_instance = Some(server);
    }

    /// Handles `listening`: the server announces incoming calls from now on. Returns whether
    /// another server instance did so before.
    pub(super) fn listened(&mut self, now: Instant, timers: &mut Timers) -> bool {
        let is_other_instance = self.is_other_instance();
        self.established(now, timers);
        self.state = ConnectionState::Listening;
        is_other_instance
    }

    /// Records that the caller sends `accept`.
    pub(super) fn accepting(&mut self, now: Instant, timers: &mut Timers) {
        self.state = ConnectionState::Accepting;
        timers.set(Timer::Handshake, now + HANDSHAKE);
    }

    /// Goes back to listening: the accepted call no longer exists.
    pub(super) fn not_accepted(&mut self, timers: &mut Timers) {
        self.state = ConnectionState::Listening;
        timers.stop(&Timer::Handshake);
    }

    pub(super) fn joined(&mut self, resume: Resume, now: Instant, timers: &mut Timers) -> Rejoin {
        let rejoin = Rejoin {
            is_other_instance: self.is_other_instance(),
            is_other_id: self
                .own_id
                .as_ref()
                .is_some_and(|own| *own != resume.participant),
        };
        self.established(now, timers);
        self.state = ConnectionState::Joined;
        self.own_id = Some(resume.participant.clone());
        self.resume = Some(resume);
        rejoin
    }

    fn is_other_instance(&self) -> bool {
        self.joined_instance.is_some() && self.joined_instance != self.current_instance
    }

    fn established(&mut self, now: Instant, timers: &mut Timers) {
        timers.stop(&Timer::FirstJoin);
        timers.stop(&Timer::Handshake);
        self.joined_instance = self.current_instance.clone();
        self.is_established = true;
        self.established_at = Some(now);
        self.is_loss_reported = false;
        self.is_refusal_reported = false;
    }

    /// Emits the server's refusal, once per loss. The loss that follows needs no warning of its
    /// own.
    pub(super) fn report_refusal(&mut self, error: CallError, out: &mut Outbox) {
        self.is_loss_reported = true;
        if !std::mem::replace(&mut self.is_refusal_reported, true) {
            out.emit(Event::Warning(error));
        }
    }

    /// Handles a connection that could not be opened, was closed or was given up. Another attempt
    /// follows, unless this returns the error that ends the call before it began.
    pub(super) fn lost(
        &mut self,
        reason: String,
        now: Instant,
        timers: &mut Timers,
        out: &mut Outbox,
    ) -> Option<CallError> {
        if matches!(self.state, ConnectionState::Idle | ConnectionState::Waiting) {
            return None;
        }
        self.state = ConnectionState::Waiting;
        timers.stop(&Timer::Handshake);
        if !self.is_established {
            if !timers.runs(&Timer::FirstJoin) {
                return Some(CallError::Unreachable(reason));
            }
            self.last_reason = Some(reason);
            timers.set(Timer::Reconnect, now + FIRST_RETRY);
            return None;
        }
        if !std::mem::replace(&mut self.is_loss_reported, true) {
            out.emit(Event::Warning(CallError::SignallingLost(reason)));
        }
        let held = self
            .established_at
            .take()
            .map_or(Duration::ZERO, |at| now.duration_since(at));
        let delay = self.backoff.after(held).min(LONGEST_RETRY);
        timers.set(Timer::Reconnect, now + delay);
        None
    }

    /// Handles the timeout of the first join. An open connection has its own timeout.
    pub(super) fn give_up(&mut self) -> Option<CallError> {
        if !matches!(
            self.state,
            ConnectionState::Opening | ConnectionState::Waiting
        ) {
            return None;
        }
        let reason = self.last_reason.take();
        let reason = reason
            .unwrap_or_else(|| format!("it did not answer within {} s", FIRST_JOIN.as_secs()));
        Some(CallError::Unreachable(reason))
    }

    /// Records that the connection is closed for good.
    pub(super) fn closed(&mut self) {
        self.state = ConnectionState::Idle;
    }

    /// Leaves the call and closes the connection.
    pub(super) fn leave(&mut self, out: &mut Outbox) {
        // The server may already have let this participant join.
        if matches!(
            self.state,
            ConnectionState::Joining | ConnectionState::Accepting | ConnectionState::Joined
        ) {
            out.send(ClientMessage::Leave {
                for_everyone: false,
            });
        }
        if !matches!(self.state, ConnectionState::Idle | ConnectionState::Waiting) {
            out.push(Action::Disconnect);
        }
        self.state = ConnectionState::Idle;
    }
}
