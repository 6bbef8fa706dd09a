//! Whole calls: several machines and the server's room machine. Connections and legs break at
//! random, and servers are replaced. In the end everything has to be as if nothing had happened.

use std::collections::BTreeSet;

use super::world::{Event, USERS, World};
use crate::call::{CallState, Direction, Input, LegFailure, LegId, ReaderId, Selector};
use crate::model::{Kind, Kinds};
use crate::signalling::room::{Dice, Limits, Rooms};

impl World {
    /// Breaks one thing at random.
    fn break_something(&mut self) {
        let index = self.dice.below(3) as usize;
        match self.dice.below(7) {
            0 | 1 => self.drop_connection(index),
            2 | 3 => self.fail_leg(index, false),
            4 => self.fail_leg(index, true),
            5 => {
                let (receives, sends) = (self.dice.below(2) == 0, self.dice.below(2) == 0);
                self.input(index, Input::Roles { receives, sends });
            }
            _ => self.replace_server(),
        }
    }

    fn drop_connection(&mut self, index: usize) {
        if self.clients[index].connection.is_some() {
            let delay = self.dice.pick(&[0, 50, 3000]);
            self.cut(index, delay);
        }
    }

    /// Cuts a connection. Messages on their way to the server are lost, and the server notices the
    /// loss so many milliseconds after the client.
    pub(super) fn cut(&mut self, index: usize, milliseconds: u64) {
        let Some(connection) = self.clients[index].connection.take() else {
            return;
        };
        self.queue
            .retain(|_, e| !matches!(e, Event::Text(c, _) if *c == connection));
        self.later(milliseconds, Event::Gone(connection));
        self.input(index, Input::SocketClosed("cable".into()));
    }

    fn fail_leg(&mut self, index: usize, at_both_ends: bool) {
        let legs: Vec<LegId> = self.clients[index].legs.keys().cloned().collect();
        if legs.is_empty() {
            return;
        }
        let leg = self.dice.pick(&legs);
        if at_both_ends && let Some((other, twin)) = self.other_end(index, &leg) {
            let failure = LegFailure::Connection("broken".into());
            self.later(100, Event::Call(other, Input::LegFailed(twin, failure)));
        }
        self.input(
            index,
            Input::LegFailed(leg, LegFailure::Connection("broken".into())),
        );
    }

    /// Replaces the server process with a new one.
    pub(super) fn replace_server(&mut self) {
        let seed = self.dice.below(1 << 30);
        self.rooms = Rooms::new(Limits::default(), Box::new(Dice(seed)));
        self.queue
            .retain(|_, e| !matches!(e, Event::Text(..) | Event::Gone(_)));
        for index in 0..self.clients.len() {
            if self.clients[index].connection.take().is_some() {
                self.input(index, Input::SocketClosed("the server is gone".into()));
            }
        }
    }

    /// Returns the legs of each client, and how often its streams changed.
    fn media(&self) -> Vec<(Vec<LegId>, usize)> {
        self.clients
            .iter()
            .map(|c| (c.legs.keys().cloned().collect(), c.changes))
            .collect()
    }

    /// Asserts that everybody has exactly one connected leg each way with everybody else, fed with
    /// what is wanted.
    fn assert_converged(&self, seed: u64) {
        for (index, client) in self.clients.iter().enumerate() {
            assert!(!client.call.is_finished(), "seed {seed}");
            assert_eq!(client.call.state(), CallState::Connected, "seed {seed}");
            assert_eq!(client.legs.len(), 4, "seed {seed}: {:?}", client.legs);
            for (id, leg) in &client.legs {
                assert!(leg.is_connected, "seed {seed}: {id} of {}", USERS[index]);
                let (other, twin) = self.other_end(index, id).expect("the peer is there");
                assert!(
                    self.clients[other].legs.contains_key(&twin),
                    "seed {seed}: {id}"
                );
                if id.direction == Direction::Send {
                    assert_eq!(leg.fed, wanted_by(other, index), "seed {seed}: {id}");
                }
            }
            let peers: BTreeSet<_> = client.legs.keys().map(|leg| &leg.peer).collect();
            assert_eq!(peers.len(), 2, "seed {seed}");
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
        world.input(
            index,
            Input::Roles {
                receives: true,
                sends: true,
            },
        );
    }
    world.input(0, Input::AddReader(ReaderId(1), Selector::MixedAudio));
    let of_alice = Selector::Of {
        session: "alice".into(),
        kind: Kind::Video,
    };
    world.input(1, Input::AddReader(ReaderId(1), of_alice));
    world.input(
        2,
        Input::AddReader(ReaderId(1), Selector::Any { kind: Kind::Screen }),
    );
    world.input(1, Input::Media([Kind::Screen].into()));
    for index in 0..USERS.len() {
        world.input(index, Input::Start);
        world.run(7);
    }
}

#[test]
fn three_participants_connect_to_each_other_without_a_warning() {
    let mut world = World::new(1);
    begin(&mut world);
    world.run(1000);
    world.assert_converged(1);
    assert!(world.clients.iter().all(|client| client.warnings == 0));
    for client in &world.clients {
        assert!(client.call.poll_timeout().is_none(), "no timer runs");
    }
}

#[test]
fn replacing_the_server_affects_no_leg() {
    let mut world = World::new(2);
    begin(&mut world);
    world.run(1000);
    let before = world.media();
    world.server_is_up = false;
    world.replace_server();
    world.run(40_000);
    world.server_is_up = true;
    world.run(40_000);
    world.assert_converged(2);
    assert_eq!(world.media(), before);
}

#[test]
fn a_participant_that_was_removed_after_a_long_loss_is_connected_again() {
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
fn after_random_failures_everything_is_repaired_in_the_end() {
    for seed in 0..200 {
        let mut world = World::new(seed);
        begin(&mut world);
        // From now on nothing may end a call. The legs are still connecting.
        world.run(40);
        for _ in 0..30 {
            let pause = world.dice.pick(&[0, 3, 40, 300, 2000, 9000]);
            world.run(pause);
            world.break_something();
            if world.dice.below(5) == 0 {
                world.server_is_up = !world.server_is_up;
            }
        }
        world.server_is_up = true;
        for index in 0..USERS.len() {
            world.input(
                index,
                Input::Roles {
                    receives: true,
                    sends: true,
                },
            );
        }
        world.run(60_000);
        world.assert_converged(seed);
        for index in 0..USERS.len() {
            world.input(
                index,
                Input::Leave {
                    for_everyone: false,
                },
            );
            assert!(world.clients[index].call.is_finished(), "seed {seed}");
        }
    }
}
