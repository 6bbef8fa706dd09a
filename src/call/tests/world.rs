//! Several calls and a server's room machine, with a simulated network and simulated media engines.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use super::harness::candidate;
use crate::call::checker::{CheckedCall, epoch};
use crate::call::*;
use crate::model::*;
use crate::signalling::message::*;
use crate::signalling::room::{self, ConnectionId, Dice, Limits, Rooms};

/// Something on its way through the simulation.
#[derive(Debug)]
pub(super) enum Event {
    /// An input for one of the calls.
    Call(usize, Input),
    /// A message for the call, if this is still its connection.
    Message(usize, ConnectionId, ServerMessage),
    /// A message for the server, if the connection still exists there.
    Text(ConnectionId, String),
    /// A client's connection opens.
    Connect(usize),
    /// The server closed the connection.
    Closed(ConnectionId),
    /// The server learns that the connection is gone.
    Gone(ConnectionId),
}

/// One end of a leg in a media engine.
#[derive(Clone, Debug, Default)]
pub(super) struct Leg {
    pub(super) has_remote: bool,
    pub(super) is_connected: bool,
    /// The kinds fed to a sending leg.
    pub(super) fed: Kinds,
}

pub(super) struct Client {
    pub(super) call: CheckedCall,
    pub(super) connection: Option<ConnectionId>,
    pub(super) legs: BTreeMap<LegId, Leg>,
    pub(super) warnings: usize,
    /// The emitted events.
    pub(super) events: Vec<crate::call::Event>,
    /// How often the streams of a leg or a reader changed.
    pub(super) changes: usize,
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) dice: Dice,
    pub(super) rooms: Rooms,
    pub(super) server_is_up: bool,
    pub(super) clients: Vec<Client>,
    pub(super) connections: u64,
    pub(super) queue: BTreeMap<(Instant, u64), Event>,
    pub(super) sequence: u64,
}

pub(super) const USERS: [&str; 3] = ["alice", "bob", "carol"];

impl World {
    /// All [`USERS`], joining one call.
    pub(super) fn new(seed: u64) -> World {
        let join = || Target::Join("x".into());
        World::of(seed, USERS.map(|user| Client::new(user, join())).into())
    }

    /// These clients.
    pub(super) fn of(seed: u64, clients: Vec<Client>) -> World {
        let dice = Dice(seed);
        World {
            now: epoch(),
            rooms: Rooms::new(Limits::default(), Box::new(Dice(seed ^ 0xabc))),
            server_is_up: true,
            clients,
            dice,
            connections: 0,
            queue: BTreeMap::new(),
            sequence: 0,
        }
    }

    pub(super) fn later(&mut self, milliseconds: u64, event: Event) {
        self.sequence += 1;
        let at = self.now + Duration::from_millis(milliseconds);
        self.queue.insert((at, self.sequence), event);
    }

    /// Runs the simulation for this long.
    pub(super) fn run(&mut self, milliseconds: u64) {
        let end = self.now + Duration::from_millis(milliseconds);
        loop {
            let event = self.queue.keys().next().map(|(at, _)| *at);
            let call = self
                .clients
                .iter()
                .filter_map(|c| c.call.poll_timeout())
                .min();
            let room = self.rooms.poll_timeout();
            let next = [event, call, room].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if event == Some(next) {
                let (_, event) = self.queue.pop_first().unwrap();
                self.perform(event);
            } else if call == Some(next) {
                for index in 0..self.clients.len() {
                    let actions = self.clients[index].call.handle_timeout(self.now);
                    self.act(index, actions);
                }
            } else {
                self.rooms.handle_timeout(self.now);
                self.drain_rooms();
            }
        }
        self.now = end;
    }

    pub(super) fn perform(&mut self, event: Event) {
        match event {
            Event::Call(index, input) => self.input(index, input),
            Event::Message(index, connection, message) => {
                if self.clients[index].connection == Some(connection) {
                    self.input(index, Input::Received(message));
                }
            }
            Event::Text(connection, text) => {
                self.rooms
                    .handle(room::Input::Text(connection, text), self.now);
                self.drain_rooms();
            }
            Event::Connect(index) if !self.server_is_up => {
                self.input(index, Input::SocketClosed("refused".into()));
            }
            Event::Connect(index) => {
                self.connections += 1;
                let connection = ConnectionId(self.connections);
                self.clients[index].connection = Some(connection);
                let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
                self.rooms
                    .handle(room::Input::Opened(connection, address), self.now);
                self.drain_rooms();
                self.input(index, Input::SocketOpened);
            }
            Event::Closed(connection) => {
                let holder = self
                    .clients
                    .iter()
                    .position(|c| c.connection == Some(connection));
                if let Some(index) = holder {
                    self.clients[index].connection = None;
                    self.input(index, Input::SocketClosed("closed by the server".into()));
                }
            }
            Event::Gone(connection) => {
                self.rooms.handle(room::Input::Closed(connection), self.now);
                self.drain_rooms();
            }
        }
    }

    pub(super) fn input(&mut self, index: usize, input: Input) {
        let client = &mut self.clients[index];
        if let Input::LegConnected(leg) = &input {
            let Some(leg) = client.legs.get_mut(leg) else {
                return;
            };
            leg.is_connected = true;
        }
        let actions = client.call.handle(input, self.now);
        self.act(index, actions);
    }

    fn drain_rooms(&mut self) {
        while let Some(action) = self.rooms.poll_action() {
            let connection = match &action {
                room::Action::Send(connection, _)
                | room::Action::Close(connection)
                | room::Action::Admit(connection, _) => *connection,
            };
            let holder = self
                .clients
                .iter()
                .position(|c| c.connection == Some(connection));
            match (action, holder) {
                (room::Action::Send(_, message), Some(index)) => {
                    self.later(5, Event::Message(index, connection, message));
                }
                (room::Action::Close(_), _) => {
                    self.later(5, Event::Closed(connection));
                    self.later(5, Event::Gone(connection));
                }
                (room::Action::Admit(..), _) => {
                    let admitted = room::Input::Admitted(connection, Ok(room::Grants::unlimited()));
                    self.rooms.handle(admitted, self.now);
                }
                (room::Action::Send(..), None) => {}
            }
        }
    }

    fn act(&mut self, index: usize, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Connect => self.later(3, Event::Connect(index)),
                Action::Disconnect => {
                    if let Some(connection) = self.clients[index].connection.take() {
                        self.later(6, Event::Gone(connection));
                    }
                    self.queue
                        .retain(|_, e| !matches!(e, Event::Connect(i) if *i == index));
                }
                Action::Send(message) => {
                    let connection = self.clients[index].connection.unwrap();
                    let text = serde_json::to_string(&message).unwrap();
                    self.later(5, Event::Text(connection, text));
                }
                Action::OpenLeg { leg, .. } => {
                    self.clients[index].legs.insert(leg.clone(), Leg::default());
                    if leg.direction == Direction::Send {
                        self.describe(index, leg);
                    }
                }
                Action::RemoteDescription(leg, _) => {
                    self.clients[index].legs.get_mut(&leg).unwrap().has_remote = true;
                    if leg.direction == Direction::Receive {
                        self.describe(index, leg.clone());
                    }
                    self.connect(index, &leg);
                }
                Action::CloseLeg(leg) => drop(self.clients[index].legs.remove(&leg)),
                Action::Feed(leg, kinds) => {
                    self.clients[index].changes += 1;
                    self.clients[index].legs.get_mut(&leg).unwrap().fed = kinds;
                }
                Action::RemoteCandidate(..) | Action::Encode { .. } | Action::Finished => {}
                Action::Bind(..) | Action::Mix(_) => self.clients[index].changes += 1,
                Action::Emit(event) => {
                    let is_warning = matches!(event, crate::call::Event::Warning(_));
                    self.clients[index].warnings += usize::from(is_warning);
                    self.clients[index].events.push(event);
                }
            }
        }
    }

    fn describe(&mut self, index: usize, leg: LegId) {
        let delay = 20 + self.dice.below(30);
        self.later(
            delay,
            Event::Call(index, Input::LegDescription(leg.clone(), "sdp".into())),
        );
        for n in 0..3 {
            let input = Input::LegCandidate(leg.clone(), candidate("c"));
            self.later(delay + n, Event::Call(index, input));
        }
    }

    /// Connects both ends once each has the other's description.
    fn connect(&mut self, index: usize, leg: &LegId) {
        let Some((other, twin)) = self.other_end(index, leg) else {
            return;
        };
        let is_ready = |world: &World, index: usize, leg: &LegId| {
            world.clients[index]
                .legs
                .get(leg)
                .is_some_and(|leg| leg.has_remote)
        };
        if is_ready(self, index, leg) && is_ready(self, other, &twin) {
            let delay = 30 + self.dice.below(50);
            self.later(delay, Event::Call(index, Input::LegConnected(leg.clone())));
            self.later(delay + 2, Event::Call(other, Input::LegConnected(twin)));
        }
    }

    /// Returns the other client of a leg, and the leg's id there.
    pub(super) fn other_end(&self, index: usize, leg: &LegId) -> Option<(usize, LegId)> {
        let other = self
            .clients
            .iter()
            .position(|c| c.call.own_id() == Some(&leg.peer))?;
        let direction = match leg.direction {
            Direction::Send => Direction::Receive,
            Direction::Receive => Direction::Send,
        };
        let peer = self.clients[index].call.own_id()?.clone();
        Some((
            other,
            LegId {
                peer,
                direction,
                number: leg.number,
            },
        ))
    }
}

impl Client {
    pub(super) fn new(user: &str, target: Target) -> Client {
        let config = Config {
            target,
            user: user.into(),
            display_name: None,
            token: None,
        };
        Client {
            call: CheckedCall::new(config),
            connection: None,
            legs: BTreeMap::new(),
            warnings: 0,
            events: Vec::new(),
            changes: 0,
        }
    }
}
