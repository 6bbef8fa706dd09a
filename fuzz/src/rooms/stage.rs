//! A room machine with its driver and clients, and the invariants:
//!
//! * Nothing is sent to a closed connection, and none is closed twice.
//! * An error goes to the connection whose input caused it, and closes it if and only if the code
//!   is fatal. A client closes another connection only if it has the key of its participant. Only
//!   members and callees of a call can end it for its members.
//! * The stats agree with the connections opened, joined and left, and no limit is exceeded.
//! * All participants of a call have the same roster ([`Views`]), and the same call rings on all
//!   listening connections of a user ([`Listeners`]).
//! * No timer is overdue, and each running timer belongs to a pending event.
//! * The number of messages that an input causes is bounded by the participants and callees
//!   concerned, and their length by that of the input.
//! * When all clients have left, no state is left.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use acscall::fuzzing::{epoch, parse_client};
use acscall::signalling::message::{ClientMessage, ErrorCode, Resume, ServerMessage};
use acscall::signalling::room::{Action, Broken, ConnectionId, Input, Limits, Rooms, Stats};
use arbitrary::{Result, Unstructured};
use serde_json::Value;

use super::bounds;
use super::driver::{Counting, Policy};
use super::listeners::Listeners;
use super::views::Views;
use crate::words::Words;

pub(super) struct Stage {
    rooms: Rooms,
    limits: Limits,
    now: Instant,
    words: Words,
    /// The connections that are open for the machine.
    connections: BTreeMap<ConnectionId, Connection>,
    opened: u64,
    addresses: BTreeSet<IpAddr>,
    views: Views,
    listeners: Listeners,
    /// The times when connections in calls closed.
    gone: Vec<Instant>,
    /// Former participants, who can resume.
    past: Vec<(String, String, Resume)>,
    /// The stats after the last input.
    before: Stats,
    checks: u32,
    pub(super) policy: Policy,
}

#[derive(Default)]
struct Connection {
    is_closing: bool,
    user: Option<String>,
    /// The key of its participant.
    key: Option<String>,
}

/// The cause of the current actions.
#[derive(Clone, Copy)]
enum Cause<'a> {
    Said(ConnectionId, &'a str),
    /// This connection was opened, or closed by the client.
    Of(ConnectionId),
    Time,
}

impl Stage {
    pub(super) fn new(limits: Limits) -> Stage {
        Stage {
            rooms: Rooms::new(limits.clone(), Box::new(Counting::default())),
            limits,
            now: epoch(),
            words: Words::new(&["anna", "tea", "milk", "bert", ""]),
            connections: BTreeMap::new(),
            opened: 0,
            addresses: BTreeSet::new(),
            views: Views::default(),
            listeners: Listeners::default(),
            gone: Vec::new(),
            past: Vec::new(),
            before: Stats::default(),
            checks: 0,
            policy: Policy::default(),
        }
    }

    pub(super) fn open(&mut self, address: IpAddr) -> ConnectionId {
        self.opened += 1;
        let id = ConnectionId(self.opened);
        self.connections.insert(id, Connection::default());
        self.addresses.insert(address);
        self.rooms.handle(Input::Opened(id, address), self.now);
        self.act(Cause::Of(id));
        id
    }

    pub(super) fn say(&mut self, id: ConnectionId, message: &ClientMessage) {
        let text = serde_json::to_string(message).expect("a message can be written");
        self.say_as(id, text);
    }

    /// Sends a message that names existing participants and calls.
    pub(super) fn say_aimed(
        &mut self,
        who: u8,
        message: &ClientMessage,
        u: &mut Unstructured<'_>,
    ) -> Result<()> {
        let mut value = serde_json::to_value(message).expect("a message can be written");
        self.words.aim(&mut value, u)?;
        self.words.learn(&value);
        self.say_text(who, value.to_string());
        Ok(())
    }

    pub(super) fn say_garbled(&mut self, who: u8, message: &ClientMessage, at: u16, byte: u8) {
        let mut text = serde_json::to_vec(message).expect("a message can be written");
        let at = usize::from(at) % text.len();
        match byte {
            0 => text.truncate(at),
            byte => text[at] = byte,
        }
        self.say_text(who, String::from_utf8_lossy(&text).into_owned());
    }

    /// Sends a message from one of the clients.
    pub(super) fn say_one(&mut self, who: u8, message: &ClientMessage) {
        if let Some(id) = self.one(who) {
            self.say(id, message);
        }
    }

    /// Returns a connection on which a call rings, and the call.
    pub(super) fn ringing(&self, which: u8) -> Option<(ConnectionId, String)> {
        let ringing: Vec<_> = self.listeners.ringing().collect();
        let at = usize::from(which).checked_rem(ringing.len())?;
        Some((ringing[at].0, ringing[at].1.to_owned()))
    }

    /// Returns a former participant: user, call and resume data.
    pub(super) fn past(&self, which: u8) -> Option<(String, String, Resume)> {
        let at = usize::from(which).checked_rem(self.past.len())?;
        self.past.iter().rev().nth(at).cloned()
    }

    pub(super) fn say_text(&mut self, who: u8, text: String) {
        if let Some(id) = self.one(who) {
            self.say_as(id, text);
        }
    }

    fn say_as(&mut self, id: ConnectionId, text: String) {
        self.rooms.handle(Input::Text(id, text.clone()), self.now);
        self.act(Cause::Said(id, &text));
    }

    pub(super) fn say_broken(&mut self, who: u8, broken: Broken) {
        if let Some(id) = self.one(who) {
            self.rooms.handle(Input::Broken(id, broken), self.now);
            self.act(Cause::Said(id, ""));
        }
    }

    pub(super) fn close(&mut self, who: u8) {
        if let Some(id) = self.one(who) {
            self.gone(id);
        }
    }

    /// Advances the time and handles the timers due.
    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.rooms.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.rooms.handle_timeout(self.now);
            let next = self.rooms.poll_timeout();
            assert!(
                next.is_none_or(|next| next > self.now),
                "a timer is overdue"
            );
            self.act(Cause::Time);
        }
        self.now = end;
    }

    pub(super) fn early(&mut self) {
        self.rooms.handle_timeout(self.now);
        assert_eq!(self.rooms.poll_action(), None);
    }

    /// Closes everything and advances the time, and checks that no state is left.
    pub(super) fn finish(&mut self) {
        while let Some(id) = self.connections.keys().next().copied() {
            self.gone(id);
        }
        self.wait(Duration::from_secs(3600));
        assert_eq!(self.rooms.stats(), Stats::default());
        assert_eq!(self.rooms.poll_timeout(), None);
        let nothing = Rooms::new(self.limits.clone(), Box::new(Counting::default()));
        assert_eq!(format!("{:?}", self.rooms), format!("{nothing:?}"));
    }

    fn gone(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
        self.leave(id);
        self.rooms.handle(Input::Closed(id), self.now);
        self.act(Cause::Of(id));
    }

    /// From now on it receives nothing.
    fn leave(&mut self, id: ConnectionId) {
        self.listeners.leave(id);
        if self.views.leave(id) {
            self.gone.push(self.now);
        }
    }

    fn one(&self, who: u8) -> Option<ConnectionId> {
        let at = usize::from(who).checked_rem(self.connections.len())?;
        self.connections.keys().nth(at).copied()
    }

    fn act(&mut self, cause: Cause<'_>) {
        let before = self.before;
        // The connection that must be closed next.
        let mut ended = None;
        let mut sent = 0;
        while let Some(action) = self.rooms.poll_action() {
            match action {
                Action::Admit(id, _) => {
                    let pass = self.policy.pass();
                    self.rooms.handle(Input::Admitted(id, pass), self.now);
                }
                Action::Send(id, message) => {
                    let open = self.connections.get(&id).is_some_and(|c| !c.is_closing);
                    assert!(open, "{message:?} to {id:?}, which is closed");
                    assert_ne!(ended, Some(id), "{message:?} after the end");
                    if self.ends(id, &message, cause) {
                        assert_eq!(ended.replace(id), None, "an end without a close");
                    }
                    self.receive(id, &message, cause);
                    sent += 1;
                }
                Action::Close(id) => {
                    let connection = self.connections.get_mut(&id).expect("it is there");
                    assert!(
                        !std::mem::replace(&mut connection.is_closing, true),
                        "closed twice"
                    );
                    let is_own = matches!(cause, Cause::Said(of, _) if of == id);
                    assert!(
                        ended.take_if(|of| *of == id).is_some() || is_own,
                        "{id:?} is closed for no reason"
                    );
                    self.leave(id);
                }
            }
        }
        assert_eq!(ended, None, "an end without a close");
        let most = match cause {
            Cause::Time => (self.opened + 1).pow(2) as usize,
            Cause::Said(_, said) => bounds::messages(&before, said),
            Cause::Of(_) => bounds::messages(&before, ""),
        };
        assert!(sent <= most, "{sent} messages at once of {before:?}");
        if let Cause::Said(id, text) = cause
            && let Ok(ClientMessage::Reject { call }) = parse_client(text)
        {
            self.listeners.declined(id, &call);
        }
        self.check();
    }

    /// Whether the message is the last one to a connection, and checks that it may be.
    fn ends(&self, id: ConnectionId, message: &ServerMessage, cause: Cause<'_>) -> bool {
        match message {
            ServerMessage::CallEnded { .. } => {
                self.check_end(id, cause);
                true
            }
            ServerMessage::Error { code, .. } => {
                match bounds::is_unanswered(*code) {
                    true => self.check_end(id, cause),
                    false => self.check_error(id, *code, cause),
                }
                code.is_fatal()
            }
            _ => false,
        }
    }

    /// Checks that the call may end for `id`: on resuming, or because somebody in the same call
    /// ended it.
    fn check_end(&self, id: ConnectionId, cause: Cause<'_>) {
        let call = self.views.call(id);
        match cause {
            Cause::Said(of, _) if of == id => {}
            Cause::Said(of, _) => {
                let of = self.views.call(of).or(self.listeners.rings(of));
                assert!(of.is_some() && of == call, "{of:?} ended {call:?}");
            }
            Cause::Of(_) => panic!("{call:?} ended with a connection"),
            Cause::Time => assert_ne!(call, None, "{id:?} is in no call"),
        }
    }

    fn check_error(&self, id: ConnectionId, code: ErrorCode, cause: Cause<'_>) {
        match cause {
            Cause::Said(of, text) if of == id => {
                if code == ErrorCode::IncomingGone
                    && let Ok(ClientMessage::Accept { call, .. } | ClientMessage::Reject { call }) =
                        parse_client(text)
                {
                    assert_ne!(self.listeners.rings(id), Some(call.as_str()), "it rings");
                }
            }
            Cause::Of(of) if of == id => {}
            Cause::Said(_, text) => {
                assert_eq!(code, ErrorCode::Replaced, "{id:?} did nothing");
                let key = self.connections[&id].key.as_deref().expect("it has joined");
                assert!(
                    text.contains(key),
                    "{id:?} is replaced by one without its key"
                );
            }
            Cause::Of(_) => panic!("{code:?} to {id:?}, which did nothing"),
            Cause::Time => assert_eq!(code, ErrorCode::LimitExceeded),
        }
    }

    fn receive(&mut self, id: ConnectionId, message: &ServerMessage, cause: Cause<'_>) {
        let value = serde_json::to_value(message).expect("a message can be written");
        let text = value.to_string();
        let read: ServerMessage = serde_json::from_str(&text).expect("it can be read");
        assert_eq!(&read, message);
        let said = match cause {
            Cause::Said(_, said) => said,
            Cause::Of(_) | Cause::Time => "",
        };
        let most = bounds::length(message, said.len(), &self.limits);
        assert!(text.len() <= most, "{} bytes: {text}", text.len());
        let connection = self.connections.get_mut(&id).expect("it is there");
        match (message, parse_client(said)) {
            (ServerMessage::Welcome { .. }, Ok(ClientMessage::Hello { user, .. })) => {
                connection.user = Some(user);
            }
            (ServerMessage::Joined { call, resume, .. }, said) => {
                connection.key = Some(resume.key.clone());
                let user = connection.user.clone().expect("it was welcomed");
                self.past.push((user, call.clone(), resume.clone()));
                match said {
                    Ok(ClientMessage::Place { .. }) => self.views.set_placed(call, true),
                    Ok(ClientMessage::Join {
                        resume: Some(_), ..
                    }) => self.views.set_placed(call, false),
                    _ => {}
                }
            }
            _ => {}
        }
        self.learn(&value);
        self.views.receive(id, message);
        let user = self.connections[&id].user.as_deref();
        self.listeners.receive(id, user, message);
    }

    fn learn(&mut self, value: &Value) {
        let is_error = value["type"] == "error";
        if !is_error {
            self.words.learn(value);
        }
    }

    fn check(&mut self) {
        let stats = self.rooms.stats();
        assert_eq!(stats.connections, self.connections.len());
        assert!(stats.calls <= self.limits.calls);
        assert!(stats.participants <= stats.calls * self.limits.participants_per_call);
        assert!(stats.calls <= stats.participants, "an empty call is kept");
        self.views.check(&stats);
        self.listeners.check(&self.views, &stats);
        self.before = stats;
        self.checks += 1;
        if !self.checks.is_multiple_of(16) {
            // It is slow.
            return;
        }
        self.check_timers();
    }

    fn check_timers(&self) {
        let machine = format!("{:?}", self.rooms);
        let at = (&self.limits, self.now);
        bounds::check_timers(&machine, &self.before, self.addresses.len(), &self.gone, at);
    }
}
