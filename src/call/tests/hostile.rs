//! Participants that ask for more legs than anybody needs.

use super::harness::*;
use crate::call::*;
use crate::signalling::message::*;

use LegEnd::Sender;

/// The legs opened among the actions.
fn legs(actions: &[Action]) -> usize {
    let is_open = |action: &&Action| matches!(action, Action::OpenLeg { .. });
    actions.iter().filter(is_open).count()
}

#[test]
fn a_peer_that_changes_its_roles_all_the_time_gets_a_leg_every_two_seconds() {
    let mut call = Harness::joined(&[peer("bob"), peer("eve")]);
    call.handle(Input::LegConnected(sending("bob", 1)));
    let mut opened = 0;
    // For 10 s, as often as a server allows.
    for n in 0..1000 {
        let eve = peer("eve").roles(n % 2 == 0, false);
        opened += legs(&call.receive(update(eve)));
        opened += legs(&call.after(10));
    }
    assert!((10..=14).contains(&opened), "{opened}");
    // Other participants need not wait.
    let actions = call.receive(update(peer("carol")));
    let [carols] = &super::harness::opened(&actions)[..] else {
        panic!("{actions:?}")
    };
    call.handle(Input::LegConnected(carols.clone()));
    // The limit is temporary.
    let mut actions = call.receive(update(peer("eve").roles(true, false)));
    actions.extend(call.after(2000));
    assert_eq!(legs(&actions), 1);
}

#[test]
fn a_peer_that_offers_legs_all_the_time_is_answered_every_two_seconds() {
    for receives in [true, false] {
        let mut call = Harness::joined(&[peer("bob"), peer("eve")]);
        call.handle(Input::Roles {
            receives,
            sends: true,
        });
        let (mut opened, mut messages) = (0, 0);
        for number in 1..=1000 {
            let offer = LegStep::Offer("offer".into());
            let mut actions = call.signal("eve", number, Sender, offer);
            actions.extend(call.after(10));
            opened += legs(&actions);
            messages += sent(&actions).len();
        }
        assert!(opened <= 14 && (opened >= 10) == receives, "{opened}");
        assert!(
            messages <= 20,
            "{messages} messages would end its own connection"
        );
        call.handle(Input::Roles {
            receives: true,
            sends: true,
        });
        let actions = call.signal("bob", 1, Sender, LegStep::Offer("offer".into()));
        assert_eq!(legs(&actions), 1);
        // Once the peer stops, it is notified, and its next offer is accepted.
        call.after(10_000);
        let actions = call.signal("eve", 1001, Sender, LegStep::Offer("offer".into()));
        assert_eq!(legs(&actions), 1);
    }
}

#[test]
fn peers_that_join_and_leave_all_the_time_get_one_leg_per_second_in_total() {
    let mut call = Harness::joined(&[peer("bob")]);
    let mut opened = 0;
    // For 50 s, as often as a server allows one address.
    for n in 0..1000 {
        let eve = format!("eve{n}");
        opened += legs(&call.receive(update(peer(&eve))));
        call.after(25);
        call.receive(left(&eve));
        call.after(25);
    }
    assert!((128..=128 + 52).contains(&opened), "{opened}");
}
