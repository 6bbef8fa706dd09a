//! Placing and answering calls through the server's room machine.

mod faults;
mod random;

use super::world::{Client, World};
use crate::call::*;
use crate::model::*;
use crate::signalling::message::*;

const ALICE: usize = 0;
const BOB: usize = 1;
const THIRD: usize = 2;

/// Bob listens for calls, then alice calls him.
fn alice_calls_bob(answers: Answers) -> World {
    let mut world = World::of(7, vec![calls("alice", &["bob"]), answers.of("bob")]);
    start(&mut world);
    world
}

/// Bob listens for calls on two clients, then alice calls him.
fn bob_listens_twice() -> World {
    let bob = || Answers::ByHand.of("bob");
    let mut world = World::of(7, vec![calls("alice", &["bob"]), bob(), bob()]);
    start(&mut world);
    world
}

#[derive(Clone, Copy)]
enum Answers {
    ByHand,
    Automatically,
}

impl Answers {
    fn of(self, user: &str) -> Client {
        let automatically = matches!(self, Answers::Automatically);
        Client::new(user, Target::Answer { automatically })
    }
}

fn calls(user: &str, callees: &[&str]) -> Client {
    let callees = callees.iter().map(|callee| (*callee).to_owned()).collect();
    Client::new(user, Target::Place(callees))
}

/// Starts all clients. The caller is the first of them, and starts last.
fn start(world: &mut World) {
    for index in (0..world.clients.len()).rev() {
        begin(world, index);
    }
}

fn begin(world: &mut World, index: usize) {
    let roles = Input::Roles {
        receives: true,
        sends: true,
    };
    world.input(index, roles);
    world.input(index, Input::Start);
    world.run(100);
}

fn emitted(world: &World, index: usize) -> &[Event] {
    &world.clients[index].events
}

/// The states of the callees, in the order of the events.
fn callees(world: &World, index: usize) -> Vec<(&str, CalleeState)> {
    let callee = |event| match event {
        &Event::Callee(ref user, state) => Some((user.as_str(), state)),
        _ => None,
    };
    emitted(world, index).iter().filter_map(callee).collect()
}

/// The ends of incoming calls, in the order of the events.
fn ends(world: &World, index: usize) -> Vec<Option<IncomingEnd>> {
    let end = |event: &Event| match event {
        Event::IncomingEnded(_, reason) => Some(*reason),
        _ => None,
    };
    emitted(world, index).iter().filter_map(end).collect()
}

fn rung(world: &World, index: usize) -> usize {
    world.clients[index].call.incoming().count()
}

/// The code of the error that ended the call.
fn error(world: &World, index: usize) -> Option<ErrorCode> {
    assert!(world.clients[index].call.is_finished());
    emitted(world, index).iter().find_map(|event| match event {
        Event::Error(CallError::Refused { code, .. }) => Some(*code),
        _ => None,
    })
}

/// Why the call ended before it was connected.
fn ended(world: &World, index: usize) -> Option<&str> {
    assert!(world.clients[index].call.is_finished());
    emitted(world, index).iter().find_map(|event| match event {
        Event::Error(CallError::Ended(reason)) => Some(reason.as_str()),
        _ => None,
    })
}

fn state(world: &World, index: usize) -> CallState {
    world.clients[index].call.state()
}

fn states(world: &World, index: usize) -> Vec<CallState> {
    let state = |event: &Event| match event {
        Event::State(state) => Some(*state),
        _ => None,
    };
    emitted(world, index).iter().filter_map(state).collect()
}

/// Asserts that these two are in one call, with a connected leg each way.
fn assert_talking(world: &World, one: usize, other: usize) {
    let name = world.clients[one].call.name();
    assert!(name.is_some_and(|name| name.starts_with(PLACED)));
    assert_eq!(world.clients[other].call.name(), name);
    for (index, peer) in [(one, other), (other, one)] {
        let client = &world.clients[index];
        assert_eq!(client.call.state(), CallState::Connected);
        let peer = world.clients[peer].call.own_id();
        let legs = client.legs.iter().filter(|(id, _)| Some(&id.peer) == peer);
        let connected = legs.filter(|(_, leg)| leg.is_connected).count();
        assert_eq!(connected, 2, "{:?}", client.legs);
    }
}

fn leave(world: &mut World, index: usize, for_everyone: bool) {
    world.input(index, Input::Leave { for_everyone });
    world.run(100);
}

#[test]
fn a_call_is_placed_rings_is_accepted_connected_and_left() {
    let mut world = alice_calls_bob(Answers::ByHand);
    assert_eq!(state(&world, ALICE), CallState::Ringing);
    assert_eq!(state(&world, BOB), CallState::None);
    let incoming = world.clients[BOB].call.incoming().next().cloned().unwrap();
    assert_eq!(incoming.user, "alice");
    assert_eq!(
        Some(incoming.call.as_str()),
        world.clients[ALICE].call.name()
    );
    world.run(10_000);
    assert_eq!(state(&world, ALICE), CallState::Ringing);
    world.input(BOB, Input::Accept(Some(incoming.call)));
    world.run(1000);
    assert_talking(&world, ALICE, BOB);
    assert_eq!(
        callees(&world, ALICE),
        [
            ("bob", CalleeState::Ringing),
            ("bob", CalleeState::Accepted)
        ]
    );
    assert_eq!(ends(&world, BOB), [None]);
    leave(&mut world, ALICE, false);
    for index in [ALICE, BOB] {
        assert!(world.clients[index].call.is_finished());
    }
    assert_eq!(
        states(&world, ALICE),
        [
            CallState::Connecting,
            CallState::Ringing,
            CallState::Connected,
            CallState::Disconnecting,
            CallState::Disconnected,
        ]
    );
    assert!(
        matches!(
            emitted(&world, BOB)[..],
            [
                ..,
                Event::Warning(CallError::Ended(_)),
                Event::State(CallState::Disconnecting),
                Event::State(CallState::Disconnected)
            ]
        ),
        "a placed call ends when one participant is left: {:?}",
        emitted(&world, BOB)
    );
    assert_eq!(world.clients[ALICE].warnings, 0);
    assert_eq!(world.rooms.stats(), Default::default());
}

#[test]
fn a_call_is_answered_automatically() {
    let mut world = alice_calls_bob(Answers::Automatically);
    world.run(1000);
    assert_talking(&world, ALICE, BOB);
    assert!(world.clients.iter().all(|client| client.warnings == 0));
}

#[test]
fn a_call_to_nobody_ends_with_an_error_that_says_so() {
    let mut world = World::of(7, vec![calls("alice", &["bob"])]);
    start(&mut world);
    assert_eq!(error(&world, ALICE), Some(ErrorCode::CalleeUnknown));
    assert_eq!(callees(&world, ALICE), [("bob", CalleeState::Unknown)]);
}

#[test]
fn a_call_to_a_user_who_is_in_another_call_is_busy() {
    let mut world = World::of(
        7,
        vec![
            calls("alice", &["bob"]),
            Client::new("bob", Target::Join("elsewhere".into())),
        ],
    );
    start(&mut world);
    assert_eq!(error(&world, ALICE), Some(ErrorCode::CalleeBusy));
}

#[test]
fn a_call_to_a_user_who_is_being_rung_is_busy_and_rings_nowhere() {
    let mut world = World::of(
        7,
        vec![
            calls("alice", &["bob"]),
            Answers::ByHand.of("bob"),
            calls("carol", &["bob"]),
        ],
    );
    for index in [BOB, ALICE, THIRD] {
        begin(&mut world, index);
    }
    assert_eq!(error(&world, THIRD), Some(ErrorCode::CalleeBusy));
    assert_eq!(rung(&world, BOB), 1);
    assert_eq!(state(&world, ALICE), CallState::Ringing);
}

#[test]
fn a_call_is_declined_and_the_callee_keeps_listening() {
    let mut world = alice_calls_bob(Answers::ByHand);
    world.input(BOB, Input::Reject(None));
    world.run(100);
    assert_eq!(error(&world, ALICE), Some(ErrorCode::CalleeDeclined));
    assert_eq!(ends(&world, BOB), [None]);
    world.clients.push(calls("carol", &["bob"]));
    begin(&mut world, THIRD);
    world.input(BOB, Input::Accept(None));
    world.run(1000);
    assert_talking(&world, THIRD, BOB);
}

#[test]
fn a_call_that_nobody_answers_times_out_at_both_ends() {
    let mut world = alice_calls_bob(Answers::ByHand);
    world.run(59_000);
    assert_eq!(state(&world, ALICE), CallState::Ringing);
    world.run(1000);
    assert_eq!(error(&world, ALICE), Some(ErrorCode::CalleeNoAnswer));
    assert_eq!(ends(&world, BOB), [Some(IncomingEnd::NoAnswer)]);
    assert!(!world.clients[BOB].call.is_finished());
}

#[test]
fn a_caller_that_leaves_while_it_rings_cancels_the_call() {
    let mut world = alice_calls_bob(Answers::ByHand);
    leave(&mut world, ALICE, false);
    assert_eq!(ends(&world, BOB), [Some(IncomingEnd::Cancelled)]);
    world.input(BOB, Input::Accept(None));
    assert_eq!(
        emitted(&world, BOB).last(),
        Some(&Event::Warning(CallError::NoIncoming("accept")))
    );
}

#[test]
fn an_accept_that_crosses_the_callers_leave_finds_no_call() {
    let mut world = alice_calls_bob(Answers::ByHand);
    world.input(
        ALICE,
        Input::Leave {
            for_everyone: false,
        },
    );
    world.input(BOB, Input::Accept(None));
    world.run(100);
    assert_eq!(ends(&world, BOB), [Some(IncomingEnd::Cancelled)]);
    assert_eq!(world.clients[BOB].warnings, 0);
    assert_eq!(state(&world, BOB), CallState::None);
    assert_eq!(world.rooms.stats().listening, 1);
}

#[test]
fn of_two_listeners_one_accepts_and_the_other_keeps_listening() {
    let mut world = bob_listens_twice();
    assert_eq!((rung(&world, BOB), rung(&world, THIRD)), (1, 1));
    world.input(THIRD, Input::Accept(None));
    world.run(1000);
    assert_talking(&world, ALICE, THIRD);
    assert_eq!(ends(&world, BOB), [Some(IncomingEnd::AnsweredElsewhere)]);
    assert_eq!(state(&world, BOB), CallState::None);
}

#[test]
fn of_two_listeners_that_accept_at_once_exactly_one_is_in_the_call() {
    let mut world = bob_listens_twice();
    world.input(BOB, Input::Accept(None));
    world.input(THIRD, Input::Accept(None));
    world.run(1000);
    assert_talking(&world, ALICE, BOB);
    assert_eq!(ends(&world, THIRD), [Some(IncomingEnd::AnsweredElsewhere)]);
    assert_eq!(world.clients[THIRD].warnings, 0);
    assert_eq!(state(&world, THIRD), CallState::None);
}

#[test]
fn of_two_listeners_one_declines_for_both() {
    let mut world = bob_listens_twice();
    world.input(BOB, Input::Reject(None));
    world.run(100);
    assert_eq!(error(&world, ALICE), Some(ErrorCode::CalleeDeclined));
    assert_eq!(ends(&world, THIRD), [Some(IncomingEnd::DeclinedElsewhere)]);
}

#[test]
fn a_further_user_is_invited_into_the_call_and_joins() {
    let mut world = World::of(
        7,
        vec![
            calls("alice", &["bob"]),
            Answers::Automatically.of("bob"),
            Answers::ByHand.of("carol"),
        ],
    );
    start(&mut world);
    world.input(BOB, Input::Invite(vec!["carol".into()]));
    world.run(100);
    let incoming = world.clients[THIRD].call.incoming().next().cloned();
    assert_eq!(incoming.map(|incoming| incoming.user), Some("bob".into()));
    let rings = ("carol", CalleeState::Ringing);
    assert_eq!(callees(&world, ALICE).last(), Some(&rings));
    world.input(THIRD, Input::Accept(None));
    world.run(1000);
    assert_talking(&world, ALICE, BOB);
    assert_talking(&world, BOB, THIRD);
    assert_talking(&world, THIRD, ALICE);
    leave(&mut world, THIRD, true);
    assert!(world.clients.iter().all(|client| client.call.is_finished()));
}
