//! Whole calls: several machines and the server's room machine, with connections and legs that
//! break at random, and servers that are replaced. In the end everything has to be as if nothing
//! had happened.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use super::harness::{Checker, base, candidate};
use crate::call::*;
use crate::signalling::message::*;
use crate::signalling::room::{self, ConnectionId, Limits, Random, Rooms};

/// A linear congruential generator: enough for a test, and it repeats.
#[derive(Clone, Debug)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

impl Random for Dice {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.below(256) as u8;
        }
    }
}

/// What is on its way.
#[derive(Debug)]
enum Event {
    /// To one of the calls.
    Call(usize, Input),
    /// To the call, if this is still its connection.
    Message(usize, ConnectionId, ServerMessage),
    /// To the server, if the connection still exists there.
    Text(ConnectionId, String),
    /// A client's connection begins.
    Connect(usize),
    /// The server learns that the connection is gone.
    Gone(ConnectionId),
}

/// One end of a leg, as a media engine has it.
#[derive(Clone, Debug, Default)]
struct Leg {
    has_remote: bool,
    is_connected: bool,
    /// The fed kinds, of a sending leg.
    fed: Kinds,
}

struct Client {
    call: Call,
    checker: Checker,
    connection: Option<ConnectionId>,
    legs: BTreeMap<LegId, Leg>,
    is_finished: bool,
    warnings: usize,
}

struct World {
    now: Instant,
    dice: Dice,
    rooms: Rooms,
    server_is_up: bool,
    clients: Vec<Client>,
    connections: u64,
    queue: BTreeMap<(Instant, u64), Event>,
    sequence: u64,
}

const USERS: [&str; 3] = ["alice", "bob", "carol"];

impl World {
    fn new(seed: u64) -> World {
        let dice = Dice(seed);
        World {
            now: base(),
            rooms: Rooms::new(Limits::default(), Box::new(Dice(seed ^ 0xabc))),
            server_is_up: true,
            clients: USERS.iter().map(|user| Client::new(user)).collect(),
            dice,
            connections: 0,
            queue: BTreeMap::new(),
            sequence: 0,
        }
    }

    fn later(&mut self, milliseconds: u64, event: Event) {
        self.sequence += 1;
        let at = self.now + Duration::from_millis(milliseconds);
        self.queue.insert((at, self.sequence), event);
    }

    /// Runs for this long.
    fn run(&mut self, milliseconds: u64) {
        let end = self.now + Duration::from_millis(milliseconds);
        loop {
            let event = self.queue.keys().next().map(|(at, _)| *at);
            let call = self.clients.iter().filter_map(|c| c.call.poll_timeout()).min();
            let room = self.rooms.poll_timeout();
            let next = [event, call, room].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            if event == Some(next) {
                let (_, event) = self.queue.pop_first().unwrap();
                self.perform(event);
            } else if call == Some(next) {
                for index in 0..self.clients.len() {
                    self.clients[index].call.handle_timeout(self.now);
                    self.drain(index);
                }
            } else {
                self.rooms.handle_timeout(self.now);
                self.drain_rooms();
            }
        }
        self.now = end;
    }

    fn perform(&mut self, event: Event) {
        match event {
            Event::Call(index, input) => self.input(index, input),
            Event::Message(index, connection, message) => {
                if self.clients[index].connection == Some(connection) {
                    self.input(index, Input::Received(message));
                }
            }
            Event::Text(connection, text) => {
                self.rooms.handle(room::Input::Text(connection, text), self.now);
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
                self.rooms.handle(room::Input::Opened(connection, address), self.now);
                self.drain_rooms();
                self.input(index, Input::SocketOpened);
            }
            Event::Gone(connection) => {
                self.rooms.handle(room::Input::Closed(connection), self.now);
                self.drain_rooms();
            }
        }
    }

    fn input(&mut self, index: usize, input: Input) {
        let client = &mut self.clients[index];
        if let Input::LegConnected(leg) = &input {
            let Some(leg) = client.legs.get_mut(leg) else { return };
            leg.is_connected = true;
        }
        client.checker.input(&input);
        client.call.handle(input, self.now);
        self.drain(index);
    }

    fn drain_rooms(&mut self) {
        while let Some(action) = self.rooms.poll_action() {
            let connection = match &action {
                room::Action::Send(connection, _) | room::Action::Close(connection) => *connection,
            };
            let holder = self.clients.iter().position(|c| c.connection == Some(connection));
            match (action, holder) {
                (room::Action::Send(_, message), Some(index)) => {
                    self.later(5, Event::Message(index, connection, message));
                }
                (room::Action::Close(_), _) => self.later(5, Event::Gone(connection)),
                (room::Action::Send(..), None) => {}
            }
        }
    }

    fn drain(&mut self, index: usize) {
        while let Some(action) = self.clients[index].call.poll_action() {
            self.clients[index].checker.action(&action);
            self.act(index, action);
        }
    }

    fn act(&mut self, index: usize, action: Action) {
        match action {
            Action::Connect => self.later(3, Event::Connect(index)),
            Action::Disconnect => {
                if let Some(connection) = self.clients[index].connection.take() {
                    self.later(6, Event::Gone(connection));
                }
                self.queue.retain(|_, e| !matches!(e, Event::Connect(i) if *i == index));
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
            Action::RemoteCandidate(leg, _) => {
                assert!(self.clients[index].legs[&leg].has_remote, "{leg}: candidate too early");
            }
            Action::CloseLeg(leg) => drop(self.clients[index].legs.remove(&leg)),
            Action::Feed(leg, kinds) => {
                self.clients[index].legs.get_mut(&leg).unwrap().fed = kinds;
            }
            Action::Tell(crate::call::Event::Warning(_)) => self.clients[index].warnings += 1,
            Action::Finished => self.clients[index].is_finished = true,
            Action::Bind(..) | Action::Mix(_) | Action::Tell(_) => {}
        }
    }

    fn describe(&mut self, index: usize, leg: LegId) {
        let delay = 20 + self.dice.below(30);
        self.later(delay, Event::Call(index, Input::LegDescription(leg.clone(), "sdp".into())));
        for n in 0..3 {
            let input = Input::LegCandidate(leg.clone(), candidate("c"));
            self.later(delay + n, Event::Call(index, input));
        }
    }

    /// Connects both ends once each has the other's description.
    fn connect(&mut self, index: usize, leg: &LegId) {
        let Some((other, twin)) = self.other_end(index, leg) else { return };
        let is_ready = |world: &World, index: usize, leg: &LegId| {
            world.clients[index].legs.get(leg).is_some_and(|leg| leg.has_remote)
        };
        if is_ready(self, index, leg) && is_ready(self, other, &twin) {
            let delay = 30 + self.dice.below(50);
            self.later(delay, Event::Call(index, Input::LegConnected(leg.clone())));
            self.later(delay + 2, Event::Call(other, Input::LegConnected(twin)));
        }
    }

    /// The leg as its other end names it.
    fn other_end(&self, index: usize, leg: &LegId) -> Option<(usize, LegId)> {
        let other = self.clients.iter().position(|c| c.call.own_id() == Some(&leg.peer))?;
        let direction = match leg.direction {
            Direction::Send => Direction::Receive,
            Direction::Receive => Direction::Send,
        };
        let peer = self.clients[index].call.own_id()?.clone();
        Some((other, LegId { peer, direction, number: leg.number }))
    }

    /// One thing goes wrong.
    fn break_something(&mut self) {
        let index = self.dice.below(3) as usize;
        match self.dice.below(6) {
            0 | 1 => self.drop_connection(index),
            2 | 3 => self.fail_leg(index, false),
            4 => self.fail_leg(index, true),
            _ => self.replace_server(),
        }
    }

    /// What the client had sent is lost, and the server notices much later than the client.
    fn drop_connection(&mut self, index: usize) {
        let Some(connection) = self.clients[index].connection.take() else { return };
        self.queue.retain(|_, e| !matches!(e, Event::Text(c, _) if *c == connection));
        let delay = [0, 50, 3000][self.dice.below(3) as usize];
        self.later(delay, Event::Gone(connection));
        self.input(index, Input::SocketClosed("cable".into()));
    }

    fn fail_leg(&mut self, index: usize, at_both_ends: bool) {
        let legs: Vec<LegId> = self.clients[index].legs.keys().cloned().collect();
        if legs.is_empty() {
            return;
        }
        let leg = legs[self.dice.below(legs.len() as u64) as usize].clone();
        if at_both_ends && let Some((other, twin)) = self.other_end(index, &leg) {
            let failure = LegFailure::Connection("broken".into());
            self.later(100, Event::Call(other, Input::LegFailed(twin, failure)));
        }
        self.input(index, Input::LegFailed(leg, LegFailure::Connection("broken".into())));
    }

    /// The server process ends, and another one takes its place.
    fn replace_server(&mut self) {
        let seed = self.dice.below(1 << 30);
        self.rooms = Rooms::new(Limits::default(), Box::new(Dice(seed)));
        self.queue.retain(|_, e| !matches!(e, Event::Text(..) | Event::Gone(_)));
        let all: VecDeque<usize> = (0..self.clients.len()).collect();
        for index in all {
            if self.clients[index].connection.take().is_some() {
                self.input(index, Input::SocketClosed("the server is gone".into()));
            }
        }
    }

    /// Everybody has exactly one connected leg each way with everybody, fed with what is wanted.
    fn assert_converged(&self, seed: u64) {
        for (index, client) in self.clients.iter().enumerate() {
            assert!(!client.is_finished, "seed {seed}");
            assert_eq!(client.call.state(), CallState::Connected, "seed {seed}");
            assert_eq!(client.legs.len(), 4, "seed {seed}: {:?}", client.legs);
            for (id, leg) in &client.legs {
                assert!(leg.is_connected, "seed {seed}: {id} of {}", USERS[index]);
                let (other, twin) = self.other_end(index, id).expect("the peer is there");
                assert!(self.clients[other].legs.contains_key(&twin), "seed {seed}: {id}");
                if id.direction == Direction::Send {
                    assert_eq!(leg.fed, wanted_by(other, index), "seed {seed}: {id}");
                }
            }
            let peers: BTreeSet<_> = client.legs.keys().map(|leg| &leg.peer).collect();
            assert_eq!(peers.len(), 2, "seed {seed}");
        }
    }
}

impl Client {
    fn new(user: &str) -> Client {
        let config = Config {
            call: "x".into(),
            user: user.into(),
            display_name: None,
            token: None,
        };
        Client {
            call: Call::new(config),
            checker: Checker::default(),
            connection: None,
            legs: BTreeMap::new(),
            is_finished: false,
            warnings: 0,
        }
    }
}

/// Alice hears everybody, bob watches alice, carol watches whoever shows a screen first.
fn wanted_by(reader: usize, of: usize) -> Kinds {
    let kinds: &[Kind] = match (reader, of) {
        (0, _) => &[Kind::Audio],
        (1, 0) => &[Kind::Video],
        (2, 1) => &[Kind::Screen],
        _ => &[],
    };
    kinds.iter().copied().collect()
}

fn begin(world: &mut World) {
    for index in 0..USERS.len() {
        world.input(index, Input::Roles { receives: true, sends: true });
    }
    world.input(0, Input::AddReader(ReaderId(1), Selector::MixedAudio));
    let of_alice = Selector::Of { presence: "alice".into(), kind: Kind::Video };
    world.input(1, Input::AddReader(ReaderId(1), of_alice));
    world.input(2, Input::AddReader(ReaderId(1), Selector::Any { kind: Kind::Screen }));
    world.input(1, Input::Media([Kind::Screen].into()));
    for index in 0..USERS.len() {
        world.input(index, Input::Start);
        world.run(7);
    }
}

#[test]
fn three_participants_find_each_other_without_any_trouble() {
    let mut world = World::new(1);
    begin(&mut world);
    world.run(1000);
    world.assert_converged(1);
    assert!(world.clients.iter().all(|client| client.warnings == 0));
    for client in &world.clients {
        assert!(client.call.poll_timeout().is_none(), "nothing is left to be done");
    }
}

#[test]
fn a_server_that_is_replaced_touches_no_leg() {
    let mut world = World::new(2);
    begin(&mut world);
    world.run(1000);
    let before: Vec<_> = world.clients.iter().map(|c| c.legs.keys().cloned().collect::<Vec<_>>()).collect();
    world.server_is_up = false;
    world.replace_server();
    world.run(40_000);
    world.server_is_up = true;
    world.run(40_000);
    world.assert_converged(2);
    let after: Vec<_> = world.clients.iter().map(|c| c.legs.keys().cloned().collect::<Vec<_>>()).collect();
    assert_eq!(before, after);
}

#[test]
fn one_who_was_away_until_it_was_given_up_is_connected_anew() {
    let mut world = World::new(3);
    begin(&mut world);
    world.run(1000);
    let connection = world.clients[1].connection.take().unwrap();
    world.perform(Event::Gone(connection));
    world.server_is_up = false;
    world.input(1, Input::SocketClosed("cable".into()));
    world.run(35_000);
    world.server_is_up = true;
    world.run(20_000);
    world.assert_converged(3);
}

#[test]
fn whatever_breaks_at_random_everything_is_mended_in_the_end() {
    for seed in 0..300 {
        let mut world = World::new(seed);
        begin(&mut world);
        for _ in 0..30 {
            let pause = [0, 3, 40, 300, 2000, 9000][world.dice.below(6) as usize];
            world.run(pause);
            world.break_something();
            if world.dice.below(5) == 0 {
                world.server_is_up = !world.server_is_up;
            }
        }
        world.server_is_up = true;
        world.run(60_000);
        world.assert_converged(seed);
        for index in 0..USERS.len() {
            world.input(index, Input::Leave);
            assert!(world.clients[index].is_finished, "seed {seed}");
        }
    }
}
