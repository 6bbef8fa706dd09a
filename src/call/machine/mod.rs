//! The machine itself. Every input changes what is known; then everything that depends on it is
//! brought up to date.

mod incoming_call;
mod join;
mod server_message;

use std::time::Instant;

use super::advertised::AdvertisedState;
use super::bitrate_allocator::BitrateAllocator;
use super::callees::Callees;
use super::connection::{ConnectionState, HANDSHAKE, ServerConnection};
use super::incoming::IncomingCalls;
use super::legs::{Context, Legs};
use super::outbox::Outbox;
use super::readers::Readers;
use super::roster::Roster;
use super::timers::{Timer, Timers};
use super::topology::{Roles, Topology};
use super::{Action, CallError, CallState, Config, Event, Incoming, Input, LegId, Target};
use crate::model::{IncomingEnd, Kinds, Participant, ParticipantId};
use crate::signalling::message::ClientMessage;

/// One participant's view of one call.
///
/// Call [`handle`](CallMachine::handle) or [`handle_timeout`](CallMachine::handle_timeout), then
/// [`poll_action`](CallMachine::poll_action) until it returns `None`, then
/// [`poll_timeout`](CallMachine::poll_timeout). After [`Action::Finished`] nothing has any effect.
#[derive(Debug)]
pub struct CallMachine {
    config: Config,
    state: CallState,
    /// The call's name, once there is a call.
    name: Option<String>,
    /// Whether the server has been requested to end the call for everyone.
    is_ending: bool,
    roles: Roles,
    media: Kinds,
    /// The kinds whose source has stalled.
    stalled: Kinds,
    connection: ServerConnection,
    advertised: AdvertisedState,
    incoming: IncomingCalls,
    callees: Callees,
    roster: Roster,
    readers: Readers,
    legs: Legs,
    allocator: BitrateAllocator,
    timers: Timers,
    out: Outbox,
}

impl CallMachine {
    /// Creates a call that [`Input::Start`] starts. Other inputs may come before.
    pub fn new(config: Config) -> CallMachine {
        CallMachine {
            config,
            state: CallState::None,
            name: None,
            is_ending: false,
            roles: Roles::default(),
            media: Kinds::new(),
            stalled: Kinds::new(),
            connection: ServerConnection::default(),
            advertised: AdvertisedState::default(),
            incoming: IncomingCalls::default(),
            callees: Callees::default(),
            roster: Roster::default(),
            readers: Readers::default(),
            legs: Legs::default(),
            allocator: BitrateAllocator::default(),
            timers: Timers::default(),
            out: Outbox::default(),
        }
    }

    /// Handles an input at `now`.
    pub fn handle(&mut self, input: Input, now: Instant) {
        if self.state == CallState::Disconnected {
            return;
        }
        match input {
            Input::Start => self.start(now),
            Input::Roles { receives, sends } => self.roles = Roles { receives, sends },
            Input::Media(kinds) => {
                for kind in self.stalled.intersection(&kinds) {
                    self.out.emit(Event::Stalled(*kind, false));
                }
                self.stalled = &self.stalled - &kinds;
                self.media = kinds;
            }
            Input::Stalled(kind) => {
                if self.media.remove(&kind) {
                    self.stalled.insert(kind);
                    self.out.emit(Event::Stalled(kind, true));
                }
            }
            Input::AddReader(id, selector) => self.readers.add(id, selector),
            Input::RemoveReader(id) => self.readers.remove(id),
            Input::MaxBitrate(kind, bitrate) => self.allocator.limit(kind, bitrate),
            Input::Renegotiate => {
                let (legs, mut context) = self.legs(now);
                legs.replace(&mut context);
            }
            Input::Invite(users) => self.invite(users),
            Input::Accept(call) => self.accept(call.as_deref()),
            Input::Reject(call) => self.reject(call.as_deref()),
            Input::Leave { for_everyone } => self.leave(for_everyone, now),

            Input::SocketOpened => {
                self.connection
                    .opened(&self.config, now, &mut self.timers, &mut self.out);
            }
            Input::Received(message) => self.handle_message(message, now),
            Input::SocketClosed(reason) => self.lost(reason, now),

            Input::LegDescription(leg, sdp) => {
                let (legs, mut context) = self.legs(now);
                legs.description(&leg, sdp, &mut context);
            }
            Input::LegCandidate(leg, candidate) => {
                let (legs, mut context) = self.legs(now);
                legs.candidate(&leg, candidate, &mut context);
            }
            Input::LegConnected(leg) => {
                let (legs, mut context) = self.legs(now);
                legs.connected(&leg, &mut context);
            }
            Input::LegRejected(leg, kind, reason) => {
                let (legs, mut context) = self.legs(now);
                legs.rejected(&leg, kind, reason, &mut context);
            }
            Input::LegReport(leg, packets) => {
                if !self.legs.reported(&leg, &packets, now) {
                    // These come often, and nothing but the bit rates depends on them.
                    self.allocator
                        .allocate(self.legs.paths(), now, &mut self.out);
                    return;
                }
            }
            Input::LegFailed(leg, failure) => {
                let (legs, mut context) = self.legs(now);
                legs.failed(&leg, failure, &mut context);
            }
        }
        self.reconcile(now);
    }

    /// Returns the next action; `None` if there is none left.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.out.pop()
    }

    /// Returns when [`CallMachine::handle_timeout`] has to be called. Changes with every input.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Handles the timers that have expired at `now`. Calling it early does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.expire(now) {
            match timer {
                Timer::FirstJoin => {
                    if let Some(error) = self.connection.give_up() {
                        self.fail(error, now);
                    }
                }
                Timer::Handshake => {
                    self.out.push(Action::Disconnect);
                    let reason = format!("it did not answer within {} s", HANDSHAKE.as_secs());
                    self.lost(reason, now);
                }
                Timer::Reconnect => self
                    .connection
                    .connect(now, &mut self.timers, &mut self.out),
                Timer::Leave => self.end(now),
                Timer::MissingIncoming => self.incoming.end_missing(&mut self.out),
                Timer::Kept(id) => self.participant_left(&id, now),
                Timer::HeldWants(id) => self.roster.drop_held_wants(&id),
                Timer::LegConnect(leg) => {
                    let (legs, mut context) = self.legs(now);
                    legs.timed_out(&leg, &mut context);
                }
                Timer::PathGrowth => self.legs.advance_paths(now),
                // They delay what `reconcile` does.
                Timer::Retry(_) | Timer::Remind(_) => {}
            }
            self.reconcile(now);
        }
    }

    /// Returns the state emitted last.
    pub fn state(&self) -> CallState {
        self.state
    }

    /// Returns the call's name, once there is a call.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the incoming calls that ring, oldest first.
    pub fn incoming(&self) -> impl Iterator<Item = &Incoming> {
        self.incoming.iter()
    }

    /// Returns the users who are being rung for the call.
    pub fn callees(&self) -> impl Iterator<Item = &str> {
        self.callees.iter()
    }

    /// Returns the other participants, including those whose connection is lost.
    pub fn participants(&self) -> impl Iterator<Item = &Participant> {
        self.roster.iter().map(|(_, entry)| &entry.info)
    }

    /// Returns one of the other participants.
    pub fn participant(&self, id: &ParticipantId) -> Option<&Participant> {
        self.roster.get(id).map(|entry| &entry.info)
    }

    /// Returns this participant's own id, once joined. A rejoin may change it.
    pub fn own_id(&self) -> Option<&ParticipantId> {
        self.connection.own_id()
    }

    /// Returns what the path of each connected sending leg carries, in bit/s.
    pub fn estimates(&self) -> impl Iterator<Item = (LegId, u32)> {
        self.legs.estimates()
    }

    /// Whether `id` is another session of this call's own user.
    pub fn is_own_user(&self, id: &ParticipantId) -> bool {
        self.participant(id)
            .is_some_and(|participant| participant.user == self.config.user)
    }

    fn start(&mut self, now: Instant) {
        if self.connection.state() != ConnectionState::Idle {
            return;
        }
        if !matches!(self.config.target, Target::Answer { .. }) {
            self.set_state(CallState::Connecting);
        }
        self.connection.start(now, &mut self.timers, &mut self.out);
    }

    fn leave(&mut self, for_everyone: bool, now: Instant) {
        if !for_everyone || self.connection.state() != ConnectionState::Joined {
            self.end(now);
        } else if !std::mem::replace(&mut self.is_ending, true) {
            self.out.send(ClientMessage::Leave { for_everyone });
            self.timers.set(Timer::Leave, now + HANDSHAKE);
        }
    }

    fn lost(&mut self, reason: String, now: Instant) {
        if self.is_ending {
            self.connection.closed();
            self.end(now);
            return;
        }
        self.stop_listening(now);
        if let Some(error) = self
            .connection
            .lost(reason, now, &mut self.timers, &mut self.out)
        {
            self.fail(error, now);
        }
    }

    fn fail(&mut self, error: CallError, now: Instant) {
        self.out.emit(Event::Error(error));
        self.end(now);
    }

    /// Leaves the call. The message to the server goes first: otherwise peers would take the closed
    /// legs for failures.
    fn end(&mut self, now: Instant) {
        self.incoming.end_all(IncomingEnd::Other, &mut self.out);
        self.set_state(CallState::Disconnecting);
        self.connection.leave(&mut self.out);
        let (legs, mut context) = self.legs(now);
        legs.close_all(&mut context);
        self.timers.stop_all();
        self.set_state(CallState::Disconnected);
        self.out.push(Action::Finished);
    }

    /// Brings everything that follows from what is known up to date.
    fn reconcile(&mut self, now: Instant) {
        if self.state == CallState::Disconnected {
            return;
        }
        self.accept_next(now);
        self.readers
            .reconcile(&self.roster, &self.config.user, &mut self.out);
        if self.connection.state() == ConnectionState::Joined {
            let topology = Topology {
                roles: self.roles,
                media: &self.media,
                roster: &self.roster,
                readers: &self.readers,
            };
            self.advertised.advertise(topology, &mut self.out);
        }
        let (legs, mut context) = self.legs(now);
        legs.reconcile(&mut context);
        self.allocator
            .allocate(self.legs.paths(), now, &mut self.out);
    }

    fn set_state(&mut self, state: CallState) {
        if self.state != state {
            self.state = state;
            self.out.emit(Event::State(state));
        }
    }

    fn legs(&mut self, now: Instant) -> (&mut Legs, Context<'_>) {
        let topology = Topology {
            roles: self.roles,
            media: &self.media,
            roster: &self.roster,
            readers: &self.readers,
        };
        let context = Context {
            now,
            online: self.connection.state() == ConnectionState::Joined,
            topology,
            start_bitrate: self.allocator.max_path_bitrate(),
            timers: &mut self.timers,
            out: &mut self.out,
        };
        (&mut self.legs, context)
    }
}
