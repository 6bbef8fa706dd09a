//! Random callers, callees and faults. In the end nothing rings, and all clients that take
//! themselves to be in a call are in it together.

use super::*;
use crate::signalling::room::Dice;

/// Two callers, bob on two clients, carol and dave.
fn cast(seed: u64) -> World {
    World::of(
        seed,
        vec![
            calls("alice", &["bob", "carol"]),
            calls("erin", &["dave", "bob"]),
            Answers::ByHand.of("bob"),
            Answers::ByHand.of("bob"),
            Answers::Automatically.of("carol"),
            Answers::ByHand.of("dave"),
        ],
    )
}

fn act(world: &mut World, dice: &mut Dice) {
    let index = dice.below(6) as usize;
    match dice.below(16) {
        0..=3 => world.input(index, Input::Accept(None)),
        4 => world.input(index, Input::Reject(None)),
        5..=7 => {
            let user = dice.pick(&["bob", "carol", "dave", "nobody"]);
            world.input(index, Input::Invite(vec![user.into()]));
        }
        8 => {
            let for_everyone = dice.below(2) == 0;
            world.input(index, Input::Leave { for_everyone });
        }
        9..=13 => {
            let noticed = dice.pick(&[0, 50, 3000]);
            world.cut(index, noticed);
        }
        14 => world.replace_server(),
        _ => world.server_is_up = !world.server_is_up,
    }
}

fn assert_consistent(world: &World, seed: u64) {
    let running = world
        .clients
        .iter()
        .filter(|client| !client.call.is_finished());
    let (mut talking, mut listening) = (0, 0);
    for client in running {
        assert_eq!(client.call.incoming().count(), 0, "seed {seed}");
        assert_eq!(client.call.callees().count(), 0, "seed {seed}");
        match client.call.state() {
            CallState::None => {
                listening += 1;
                continue;
            }
            state => assert_eq!(state, CallState::Connected, "seed {seed}"),
        }
        talking += 1;
        let peers = client.call.participants().count();
        assert!(peers > 0, "seed {seed}: alone");
        assert_eq!(client.legs.len(), 2 * peers, "seed {seed}");
        for (id, leg) in &client.legs {
            assert!(leg.is_connected, "seed {seed}: {id}");
        }
    }
    let stats = world.rooms.stats();
    assert_eq!(stats.ringing, 0, "seed {seed}");
    assert_eq!(stats.participants_lost, 0, "seed {seed}");
    assert_eq!(stats.participants, talking, "seed {seed}");
    assert_eq!(stats.listening, listening, "seed {seed}");
    assert_eq!(stats.connections, talking + listening, "seed {seed}");
}

#[test]
fn after_random_faults_nothing_rings_for_ever_and_nobody_is_in_a_call_alone() {
    let mut outcomes = [0; 3];
    for seed in 0..300 {
        let mut world = cast(seed);
        let mut dice = Dice(seed ^ 0x5eed);
        for index in (0..world.clients.len()).rev() {
            begin(&mut world, index);
        }
        for _ in 0..25 {
            act(&mut world, &mut dice);
            let pause = dice.pick(&[0, 3, 7, 40, 300, 2000, 9000]);
            world.run(pause);
        }
        world.server_is_up = true;
        world.run(150_000);
        assert_consistent(&world, seed);
        for client in &world.clients {
            let outcome = match client.call.state() {
                CallState::None => 0,
                CallState::Connected => 1,
                _ => 2,
            };
            outcomes[outcome] += 1;
        }
        for index in 0..world.clients.len() {
            let for_everyone = dice.below(2) == 0;
            world.input(index, Input::Leave { for_everyone });
        }
        world.run(1000);
        let all_ended = world.clients.iter().all(|client| client.call.is_finished());
        assert!(all_ended, "seed {seed}");
        assert_eq!(world.rooms.stats().calls, 0, "seed {seed}");
    }
    assert!(
        outcomes.iter().all(|count| *count > 100),
        "an outcome is too rare: {outcomes:?}"
    );
}
