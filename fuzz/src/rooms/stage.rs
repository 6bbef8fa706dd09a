//! A room machine with its driver and clients, and what has to hold:
//!
//! * Nothing is sent to a connection that was closed, or is gone; none is closed twice.
//! * An error goes to the one whose input it was, with a close exactly where the code is fatal.
//!   Only who has the key of a participant closes another connection, that participant's.
//! * The census is what was opened, joined and left; no limit is passed.
//! * Everybody in a call has the same roster ([`Views`]).
//! * What is due is done; as many timers run as there is to be waited for.
//! * An input causes at most as many messages as the call has members, and none longer than what
//!   was said and a little.
//! * When all are gone nothing is left.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use acscall::fuzzing::epoch;
use acscall::signalling::message::{ClientMessage, ErrorCode, ServerMessage};
use acscall::signalling::room::{
    Action, Broken, Calls, Census, ConnectionId, Input, Limits, Pass, Random, Refusal, Rooms,
};
use arbitrary::{Result, Unstructured};
use serde_json::Value;

use super::views::Views;
use crate::words::Words;

/// What the driver answers to who asks for admission.
#[derive(Clone)]
pub(super) enum Policy {
    Pass(Calls, bool),
    Refuse(bool),
}

pub(super) struct Stage {
    rooms: Rooms,
    limits: Limits,
    now: Instant,
    words: Words,
    /// Those that the machine has been told of and not that they are gone.
    connections: BTreeMap<ConnectionId, Connection>,
    opened: u64,
    addresses: BTreeSet<IpAddr>,
    views: Views,
    checks: u32,
    pub(super) policy: Policy,
}

#[derive(Default)]
struct Connection {
    is_closing: bool,
    /// The key of its participant.
    key: Option<String>,
}

/// What caused the present actions.
#[derive(Clone, Copy)]
enum Cause<'a> {
    Said(ConnectionId, &'a str),
    /// This connection was opened, or closed by the client.
    Of(ConnectionId),
    Time,
}

/// Random bytes that are none: they count up.
struct Counting(u64);

impl Random for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0 += 1;
        bytes.fill(0);
        for (byte, count) in bytes.iter_mut().zip(self.0.to_le_bytes()) {
            *byte = count;
        }
    }
}

impl Stage {
    pub(super) fn new(limits: Limits) -> Stage {
        Stage {
            rooms: Rooms::new(limits.clone(), Box::new(Counting(0))),
            limits,
            now: epoch(),
            words: Words::new(&["anna", "tea", "milk", "bert", ""]),
            connections: BTreeMap::new(),
            opened: 0,
            addresses: BTreeSet::new(),
            views: Views::default(),
            checks: 0,
            policy: Policy::Pass(Calls::Any, true),
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

    /// A message that names what is there.
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

    /// Lets time pass, with what is due on the way.
    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.rooms.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.rooms.handle_timeout(self.now);
            let next = self.rooms.poll_timeout();
            assert!(
                next.is_none_or(|next| next > self.now),
                "what is due is not done"
            );
            self.act(Cause::Time);
        }
        self.now = end;
    }

    pub(super) fn early(&mut self) {
        self.rooms.handle_timeout(self.now);
        assert_eq!(self.rooms.poll_action(), None);
    }

    /// All go, and time passes: nothing is left.
    pub(super) fn finish(&mut self) {
        while let Some(id) = self.connections.keys().next().copied() {
            self.gone(id);
        }
        self.wait(Duration::from_secs(3600));
        assert_eq!(self.rooms.census(), Census::default());
        assert_eq!(self.rooms.poll_timeout(), None);
        let nothing = Rooms::new(self.limits.clone(), Box::new(Counting(0)));
        assert_eq!(format!("{:?}", self.rooms), format!("{nothing:?}"));
    }

    fn gone(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
        self.views.leave(id);
        self.rooms.handle(Input::Closed(id), self.now);
        self.act(Cause::Of(id));
    }

    fn one(&self, who: u8) -> Option<ConnectionId> {
        let at = usize::from(who).checked_rem(self.connections.len())?;
        self.connections.keys().nth(at).copied()
    }

    fn act(&mut self, cause: Cause<'_>) {
        let members = self.rooms.census().participants;
        let mut fatal = None;
        let mut sent = 0;
        while let Some(action) = self.rooms.poll_action() {
            match action {
                Action::Admit(id, _) => {
                    let pass = self.pass();
                    self.rooms.handle(Input::Admitted(id, pass), self.now);
                }
                Action::Send(id, message) => {
                    let open = self.connections.get(&id).is_some_and(|c| !c.is_closing);
                    assert!(open, "{message:?} to {id:?}, which is closed");
                    assert_ne!(fatal, Some(id), "{message:?} after a fatal error");
                    if let ServerMessage::Error { code, .. } = &message {
                        self.check_error(id, *code, cause);
                        fatal = code.is_fatal().then_some(id);
                    }
                    self.told(id, &message, cause);
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
                        fatal.take() == Some(id) || is_own,
                        "{id:?} is closed for no reason"
                    );
                    self.views.leave(id);
                }
            }
        }
        assert_eq!(fatal, None, "a fatal error without a close");
        // Who comes in anew may take the place of one that is lost.
        let most = match cause {
            Cause::Time => (self.opened * self.opened) as usize,
            Cause::Said(..) | Cause::Of(_) => 3 * members + 3,
        };
        assert!(
            sent <= most,
            "{sent} messages at once in calls of {members}"
        );
        self.check();
    }

    fn check_error(&self, id: ConnectionId, code: ErrorCode, cause: Cause<'_>) {
        match cause {
            Cause::Said(of, _) | Cause::Of(of) if of == id => {}
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

    fn told(&mut self, id: ConnectionId, message: &ServerMessage, cause: Cause<'_>) {
        let value = serde_json::to_value(message).expect("a message can be written");
        let text = value.to_string();
        let read: ServerMessage = serde_json::from_str(&text).expect("it can be read");
        assert_eq!(&read, message);
        self.check_length(message, &text, cause);
        if let ServerMessage::Joined { resume, .. } = message {
            let connection = self.connections.get_mut(&id).expect("it is there");
            connection.key = Some(resume.key.clone());
        }
        self.learn(&value);
        self.views.told(id, message);
    }

    fn learn(&mut self, value: &Value) {
        let is_error = value["type"] == "error";
        if !is_error {
            self.words.learn(value);
        }
    }

    fn check_length(&self, message: &ServerMessage, text: &str, cause: Cause<'_>) {
        // A control character is a byte on the wire in one direction and `\\u0000` in the other.
        let name = 6 * 4 * self.limits.name_length;
        let said = match cause {
            Cause::Said(_, said) => 6 * said.len(),
            Cause::Of(_) | Cause::Time => 0,
        };
        let members = match message {
            ServerMessage::Joined { participants, .. } => participants.len(),
            _ => 0,
        };
        let most = 2000 + 2 * said + (members + 1) * (400 + 2 * name);
        assert!(text.len() <= most, "{} bytes: {text}", text.len());
    }

    fn check(&mut self) {
        let census = self.rooms.census();
        assert_eq!(census.connections, self.connections.len());
        assert!(census.calls <= self.limits.calls);
        assert!(census.participants <= census.calls * self.limits.participants_per_call);
        assert!(census.calls <= census.participants, "an empty call is kept");
        self.views.check(&census);
        self.checks += 1;
        if !self.checks.is_multiple_of(16) {
            // It is slow.
            return;
        }
        let timers = self.timers();
        let most = census.connections + census.participants_lost + self.addresses.len();
        assert!(timers <= most, "{timers} timers for {census:?}");
    }

    /// How many run: they are the last thing that is written of the machine.
    fn timers(&self) -> usize {
        let text = format!("{:?}", self.rooms);
        let timers = text.rsplit("timers: {").next().unwrap_or_default();
        timers.matches("(Instant {").count()
    }

    fn pass(&self) -> std::result::Result<Pass, Refusal> {
        match &self.policy {
            Policy::Pass(calls, place) => Ok(Pass {
                calls: calls.clone(),
                place: *place,
                ..Pass::unlimited()
            }),
            Policy::Refuse(true) => Err(Refusal::new(ErrorCode::TokenRequired, "no token")),
            Policy::Refuse(false) => Err(Refusal::new(ErrorCode::TokenExpired, "too late")),
        }
    }
}
