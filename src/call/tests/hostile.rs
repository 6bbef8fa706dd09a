//! Participants that ask for more than anybody needs.

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
fn one_whose_roles_change_all_the_time_gets_a_leg_each_two_seconds() {
    let mut call = Harness::joined(&[peer("bob"), peer("eve")]);
    call.handle(Input::LegConnected(sending("bob", 1)));
    let mut opened = 0;
    // For 10 s, as often as a server lets it.
    for n in 0..1000 {
        let eve = peer("eve").roles(n % 2 == 0, false);
        opened += legs(&call.receive(update(eve)));
        opened += legs(&call.after(10));
    }
    assert!((10..=14).contains(&opened), "{opened}");
    // Nobody else has to wait.
    let actions = call.receive(update(peer("carol")));
    let [carols] = &super::harness::opened(&actions)[..] else {
        panic!("{actions:?}")
    };
    call.handle(Input::LegConnected(carols.clone()));
    // And it is not for ever.
    let mut actions = call.receive(update(peer("eve").roles(true, false)));
    actions.extend(call.after(2000));
    assert_eq!(legs(&actions), 1);
}

#[test]
fn one_who_offers_legs_all_the_time_is_answered_each_two_seconds() {
    for receives in [true, false] {
        let mut call = Harness::joined(&[peer("bob"), peer("eve")]);
        call.handle(Input::Roles {
            receives,
            sends: true,
        });
        let (mut opened, mut said) = (0, 0);
        for number in 1..=1000 {
            let offer = LegStep::Offer("offer".into());
            let mut actions = call.signal("eve", number, Sender, offer);
            actions.extend(call.after(10));
            opened += legs(&actions);
            said += sent(&actions).len();
        }
        assert!(opened <= 14 && (opened >= 10) == receives, "{opened}");
        assert!(said <= 20, "{said} messages would end its own connection");
        call.handle(Input::Roles {
            receives: true,
            sends: true,
        });
        let actions = call.signal("bob", 1, Sender, LegStep::Offer("offer".into()));
        assert_eq!(legs(&actions), 1);
        // Who stops is told, and its next offer is taken.
        call.after(10_000);
        let actions = call.signal("eve", 1001, Sender, LegStep::Offer("offer".into()));
        assert_eq!(legs(&actions), 1);
    }
}

#[test]
fn those_who_come_and_go_all_the_time_get_a_leg_per_second() {
    let mut call = Harness::joined(&[peer("bob")]);
    let mut opened = 0;
    // For 50 s, as often as a server lets one address.
    for n in 0..1000 {
        let eve = format!("eve{n}");
        opened += legs(&call.receive(update(peer(&eve))));
        call.after(25);
        call.receive(left(&eve));
        call.after(25);
    }
    assert!((128..=128 + 52).contains(&opened), "{opened}");
}
