//! Connections that are lost and servers that are replaced while a call rings, and afterwards.

use super::*;

#[test]
fn a_caller_that_is_cut_off_while_it_rings_rejoins_whoever_accepted_meanwhile() {
    for noticed in [0, 50, 3000] {
        let mut world = alice_calls_bob(Answers::ByHand);
        world.cut(ALICE, noticed);
        world.input(BOB, Input::Accept(None));
        // The leg whose offer was sent to the cut connection is replaced after 5 s.
        world.run(10_000);
        assert_talking(&world, ALICE, BOB);
        let accepted = ("bob", CalleeState::Accepted);
        assert_eq!(callees(&world, ALICE).last(), Some(&accepted));
    }
}

#[test]
fn a_caller_that_rejoins_too_late_learns_how_its_call_ended() {
    let mut world = alice_calls_bob(Answers::ByHand);
    world.cut(ALICE, 0);
    world.run(0);
    world.input(BOB, Input::Reject(None));
    world.run(5000);
    assert_eq!(error(&world, ALICE), Some(ErrorCode::CalleeDeclined));
    // If the server sent the reason to the cut connection, it learns that nothing rings any more.
    let mut world = alice_calls_bob(Answers::ByHand);
    world.cut(ALICE, 3000);
    world.input(BOB, Input::Reject(None));
    world.run(5000);
    assert!(ended(&world, ALICE).is_some_and(|reason| reason.ends_with("call again")));
}

#[test]
fn a_listener_that_is_cut_off_keeps_ringing() {
    let mut world = alice_calls_bob(Answers::ByHand);
    world.cut(BOB, 50);
    world.run(5000);
    assert_eq!(rung(&world, BOB), 1);
    assert_eq!(ends(&world, BOB), []);
    world.input(BOB, Input::Accept(None));
    world.run(1000);
    assert_talking(&world, ALICE, BOB);
}

#[test]
fn a_call_that_ended_while_its_listener_was_cut_off_is_emitted_as_ended() {
    let mut world = alice_calls_bob(Answers::ByHand);
    world.server_is_up = false;
    world.cut(BOB, 50);
    leave(&mut world, ALICE, false);
    world.server_is_up = true;
    world.run(5000);
    assert_eq!(ends(&world, BOB), [Some(IncomingEnd::Cancelled)]);
    assert_eq!(world.rooms.stats().listening, 1);
}

#[test]
fn an_accept_survives_the_loss_of_the_connection_at_any_moment() {
    // Each message takes 5 ms.
    for moment in [0, 4, 6, 9, 11] {
        for noticed in [0, 50, 3000] {
            let mut world = alice_calls_bob(Answers::ByHand);
            world.input(BOB, Input::Accept(None));
            world.run(moment);
            world.cut(BOB, noticed);
            world.run(15_000);
            assert_talking(&world, ALICE, BOB);
            let ends = ends(&world, BOB);
            assert_eq!(ends, [None], "{moment} ms, noticed after {noticed} ms");
        }
    }
}

#[test]
fn replacing_the_server_ends_a_call_that_rings_at_both_ends() {
    let mut world = alice_calls_bob(Answers::ByHand);
    world.replace_server();
    world.run(5000);
    assert!(ended(&world, ALICE).is_some_and(|reason| reason.contains("restarted")));
    assert_eq!(ends(&world, BOB), [Some(IncomingEnd::Cancelled)]);
    assert_eq!(state(&world, BOB), CallState::None);
}

#[test]
fn a_placed_call_survives_the_replacement_of_the_server_and_ends_as_usual() {
    let mut world = alice_calls_bob(Answers::Automatically);
    world.run(1000);
    let changes = [ALICE, BOB].map(|index| world.clients[index].changes);
    world.replace_server();
    world.run(60_000);
    assert_talking(&world, ALICE, BOB);
    assert_eq!(
        [ALICE, BOB].map(|index| world.clients[index].changes),
        changes
    );
    leave(&mut world, BOB, false);
    assert!(world.clients[ALICE].call.is_finished());
}

#[test]
fn a_placed_call_with_one_participant_left_after_a_takeover_ends() {
    let mut world = alice_calls_bob(Answers::Automatically);
    world.run(1000);
    world.replace_server();
    world.input(
        BOB,
        Input::Leave {
            for_everyone: false,
        },
    );
    world.run(60_000);
    assert!(world.clients[ALICE].call.is_finished());
}
