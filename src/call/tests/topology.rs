//! Which legs are needed, and which kinds the ends request from each other.

use super::harness::*;
use crate::call::checker::epoch;
use crate::call::outbox::Outbox;
use crate::call::readers::Readers;
use crate::call::roster::Roster;
use crate::call::timers::Timers;
use crate::call::topology::{Roles, Topology};
use crate::call::*;
use crate::model::*;

use Direction::{Receive, Send};

/// What a topology follows from.
struct Known {
    roles: Roles,
    media: Kinds,
    roster: Roster,
    readers: Readers,
}

impl Known {
    /// Both roles, and these other participants.
    fn of(others: &[Participant]) -> Known {
        let mut known = Known {
            roles: Roles {
                receives: true,
                sends: true,
            },
            media: Kinds::new(),
            roster: Roster::default(),
            readers: Readers::default(),
        };
        let (mut timers, mut out) = (Timers::default(), Outbox::default());
        for other in others {
            let other = other.clone();
            known.roster.update(other, epoch(), &mut timers, &mut out);
        }
        known
    }

    fn roles(mut self, receives: bool, sends: bool) -> Known {
        self.roles = Roles { receives, sends };
        self
    }

    /// Adds readers, and binds them.
    fn readers(mut self, selectors: &[Selector]) -> Known {
        for (id, selector) in (0..).map(ReaderId).zip(selectors) {
            self.readers.add(id, selector.clone());
        }
        let mut out = Outbox::default();
        self.readers.reconcile(&self.roster, "me", &mut out);
        self
    }

    /// Moves to a new server instance, which does not know this participant yet.
    fn kept(mut self, user: &str) -> Known {
        let (mut timers, mut out) = (Timers::default(), Outbox::default());
        self.roster.hold_wants();
        self.roster.keep(&id(user), epoch(), &mut timers, &mut out);
        self
    }

    fn topology(&self) -> Topology<'_> {
        Topology {
            roles: self.roles,
            media: &self.media,
            roster: &self.roster,
            readers: &self.readers,
        }
    }
}

fn of(session: &str, kind: Kind) -> Selector {
    Selector::Of {
        session: session.into(),
        kind,
    }
}

#[test]
fn a_leg_is_needed_where_one_end_sends_and_the_other_receives() {
    for ours in [(false, false), (false, true), (true, false), (true, true)] {
        for theirs in [(false, false), (false, true), (true, false), (true, true)] {
            let bob = peer("bob").roles(theirs.0, theirs.1);
            let known = Known::of(&[bob]).roles(ours.0, ours.1);
            let needs = |direction| known.topology().needs_leg(&id("bob"), direction);
            assert_eq!(needs(Send), ours.1 && theirs.0, "{ours:?} {theirs:?}");
            assert_eq!(needs(Receive), ours.0 && theirs.1, "{ours:?} {theirs:?}");
        }
    }
}

#[test]
fn a_leg_is_needed_with_another_session_of_the_own_user() {
    let phone = Participant {
        user: "me".into(),
        session: 2,
        ..peer("phone")
    };
    let known = Known::of(&[phone]);
    assert!(known.topology().needs_leg(&id("phone"), Send));
    assert!(known.topology().needs_leg(&id("phone"), Receive));
}

#[test]
fn no_leg_is_needed_with_a_stranger_and_nothing_is_requested() {
    let known = Known::of(&[peer("bob")]);
    let topology = known.topology();
    assert!(!topology.needs_leg(&id("eve"), Send));
    assert!(!topology.needs_leg(&id("eve"), Receive));
    assert!(!topology.is_reachable(&id("eve")));
    assert_eq!(topology.requested_by(&id("eve")), Kinds::new());
    assert_eq!(topology.requested_from(&id("eve")), Kinds::new());
}

#[test]
fn a_participant_whose_connection_is_lost_keeps_its_legs_and_is_not_reachable() {
    let known = Known::of(&[peer("bob").away()]).readers(&[of("bob", Kind::Video)]);
    let topology = known.topology();
    assert!(topology.needs_leg(&id("bob"), Send));
    assert!(topology.needs_leg(&id("bob"), Receive));
    assert!(!topology.is_reachable(&id("bob")));
    // The server still knows it.
    assert_eq!(topology.senders().collect::<Vec<_>>(), [&id("bob")]);
    assert_eq!(topology.requested_from(&id("bob")), kinds(&[Kind::Video]));
}

#[test]
fn a_participant_that_the_new_server_instance_does_not_know_gets_no_requests() {
    let bob = peer("bob").wants(&[Kind::Audio]);
    let known = Known::of(&[bob, peer("carol")]).kept("bob");
    let topology = known.topology();
    assert_eq!(topology.senders().collect::<Vec<_>>(), [&id("carol")]);
    assert!(!topology.is_reachable(&id("bob")));
    assert!(topology.needs_leg(&id("bob"), Send));
    assert_eq!(topology.requested_by(&id("bob")), kinds(&[Kind::Audio]));
}

#[test]
fn the_readers_and_the_mix_together_make_the_request_to_a_sender() {
    let selectors = [
        Selector::MixedAudio,
        of("bob", Kind::Screen),
        of("bob", Kind::Audio),
        of("carol", Kind::Video),
        of("dave", Kind::Video),
    ];
    let known = Known::of(&[peer("bob"), peer("carol").roles(true, false)]).readers(&selectors);
    let topology = known.topology();
    let bobs = kinds(&[Kind::Audio, Kind::Screen]);
    assert_eq!(topology.requested_from(&id("bob")), bobs);
    // Carol does not send: her audio is not mixed, and the reader of her video waits.
    assert_eq!(topology.requested_from(&id("carol")), kinds(&[Kind::Video]));
    assert_eq!(topology.requested_from(&id("dave")), Kinds::new());
}

#[test]
fn a_request_of_a_receiver_counts_whether_or_not_the_source_runs() {
    let mut known = Known::of(&[peer("bob").wants(&[Kind::Audio, Kind::Video])]);
    known.media = kinds(&[Kind::Video, Kind::Screen]);
    let topology = known.topology();
    let requested = topology.requested_by(&id("bob"));
    assert_eq!(requested, kinds(&[Kind::Audio, Kind::Video]));
    assert_eq!(topology.active(&requested), kinds(&[Kind::Video]));
}
