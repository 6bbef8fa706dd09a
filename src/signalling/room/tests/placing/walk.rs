//! Random walks: whatever clients do in any order, the machine's state stays consistent, and none
//! is left in the end.

use super::*;
use crate::signalling::room::placed_state::Placed;

const USERS: [&str; 5] = ["anna", "bert", "carl", "dora", "emil"];

fn any<T: Clone>(dice: &mut Dice, choices: &[T]) -> Option<T> {
    (!choices.is_empty()).then(|| dice.pick(choices))
}

fn users(dice: &mut Dice) -> Vec<&'static str> {
    (0..=dice.below(3)).map(|_| dice.pick(&USERS)).collect()
}

/// The state of a walk.
#[derive(Default)]
struct Walk {
    open: Vec<ConnectionId>,
    calls: Vec<String>,
    joined: Vec<(&'static str, String, Resume)>,
    /// The number of received messages of each type.
    received: BTreeMap<&'static str, usize>,
}

impl Walk {
    fn step(&mut self, stage: &mut Stage, dice: &mut Dice) {
        match dice.below(10) {
            0..4 => self.enter(stage, dice),
            4..8 => self.say(stage, dice),
            8 => {
                if let Some(id) = any(dice, &self.open) {
                    stage.input(Input::Closed(id));
                    self.open.retain(|open| *open != id);
                }
            }
            _ => stage.advance(Duration::from_millis(1000 * dice.below(40))),
        }
    }

    fn enter(&mut self, stage: &mut Stage, dice: &mut Dice) {
        let user = dice.pick(&USERS);
        let id = stage.hello(user);
        self.open.push(id);
        match dice.below(5) {
            0 => stage.say_place(id, &users(dice)),
            1 => {
                if let Some((user, call, resume)) = any(dice, &self.joined) {
                    let back = stage.hello(user);
                    self.open.push(back);
                    stage.say_join(back, &call, Some(resume));
                }
            }
            2 => {
                let call = any(dice, &self.calls).unwrap_or_else(|| "tea".to_owned());
                stage.say_join(id, &call, None);
            }
            _ => stage.send(id, &ClientMessage::Listen {}),
        }
        let received = stage.received.get(&id).into_iter().flatten();
        for message in received {
            if let ServerMessage::Joined { call, resume, .. } = message {
                self.joined.push((user, call.clone(), resume.clone()));
                self.calls.push(call.clone());
            }
        }
    }

    fn say(&mut self, stage: &mut Stage, dice: &mut Dice) {
        let Some(id) = any(dice, &self.open) else {
            return;
        };
        let phase = stage.rooms.connections.get(&id).map(|c| c.phase.clone());
        // The call that rings here, or sometimes any call.
        let rung = match &phase {
            Some(Phase::Listening { identity, .. }) => stage.rooms.invitations.get(&identity.user),
            _ => None,
        };
        let rung = rung.map(|invitation| invitation.call.clone());
        let Some(call) = rung.or_else(|| any(dice, &self.calls)) else {
            return;
        };
        match (dice.below(8), phase) {
            (0..3, Some(Phase::Listening { .. })) => stage.say_accept(id, &call),
            (3, _) => stage.reject(id, &call),
            (4, _) => {
                let for_everyone = dice.below(2) == 0;
                stage.send(id, &ClientMessage::Leave { for_everyone });
            }
            _ => {
                let users = names(&users(dice));
                stage.send(id, &ClientMessage::Invite { users });
            }
        }
    }

    /// Handles the received messages, and closes the sockets that must be closed.
    fn settle(&mut self, stage: &mut Stage) {
        for message in std::mem::take(&mut stage.received).into_values().flatten() {
            let text = serde_json::to_value(&message).unwrap();
            let known = [
                "incoming",
                "incoming-ended",
                "call-ended",
                "callee",
                "participant",
            ];
            let kind = known.into_iter().find(|kind| text["type"] == *kind);
            *self.received.entry(kind.unwrap_or("other")).or_default() += 1;
        }
        for id in std::mem::take(&mut stage.closed) {
            stage.input(Input::Closed(id));
            self.open.retain(|open| *open != id);
        }
    }
}

/// Asserts that redundant state is consistent.
fn agrees(rooms: &Rooms, seed: u64) {
    let rung = rooms.invitations.iter();
    let rung: BTreeSet<(&String, &String)> = rung.map(|(user, i)| (&i.call, user)).collect();
    let calls = rooms.calls.iter();
    let ringing = calls.flat_map(|(name, call)| call.ringing.iter().map(move |user| (name, user)));
    assert_eq!(ringing.collect::<BTreeSet<_>>(), rung, "seed {seed}");

    let listening = rooms
        .connections
        .iter()
        .filter_map(|(id, c)| match &c.phase {
            Phase::Listening { identity, .. } => Some((&identity.user, *id)),
            _ => None,
        });
    let known = rooms.listeners.iter();
    let known = known.flat_map(|(user, ids)| ids.iter().map(move |id| (user, *id)));
    assert_eq!(
        known.collect::<BTreeSet<_>>(),
        listening.collect(),
        "seed {seed}"
    );

    for (name, call) in &rooms.calls {
        assert!(!call.is_empty() && call.len() <= 4, "seed {seed}: {name}");
        assert_eq!(name.starts_with(PLACED), call.placed.is_some());
        for user in &call.ringing {
            assert!(!call.has(user), "seed {seed}: {user} is there and rung");
        }
        let lives = match call.placed {
            Some(Placed::Unanswered { .. }) => !call.ringing.is_empty(),
            Some(Placed::Answered) => call.len() > 1 || !call.ringing.is_empty(),
            Some(Placed::Restored { .. }) | None => true,
        };
        assert!(lives, "seed {seed}: {call:?}");
    }
    let timers = |kind: fn(&Timer) -> bool| rooms.timers.iter().filter(|(_, t)| kind(t)).count();
    assert_eq!(
        timers(|timer| matches!(timer, Timer::Ringing(_))),
        rooms.invitations.len(),
        "seed {seed}"
    );
    assert_eq!(
        timers(|timer| matches!(timer, Timer::Lost(..))),
        rooms.stats().participants_lost + rooms.tombstones.len(),
        "seed {seed}"
    );
    let restored = |call: &&Call| matches!(call.placed, Some(Placed::Restored { .. }));
    assert_eq!(
        timers(|timer| matches!(timer, Timer::Restored(_))),
        rooms.calls.values().filter(restored).count(),
        "seed {seed}"
    );
}

#[test]
fn whatever_clients_do_the_state_is_consistent_and_none_is_left() {
    let mut received: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let mut stage = Stage::new();
        let limits = Limits {
            participants_per_call: 4,
            connections_per_address: 10_000,
            connection_burst: 10_000,
            ..Limits::default()
        };
        stage.rooms = Rooms::new(limits, Box::new(Dice(!seed)));
        let mut walk = Walk::default();
        for _ in 0..200 {
            walk.step(&mut stage, &mut dice);
            agrees(&stage.rooms, seed);
            walk.settle(&mut stage);
            agrees(&stage.rooms, seed);
        }
        for id in std::mem::take(&mut walk.open) {
            stage.input(Input::Closed(id));
        }
        stage.advance(RESUME);
        stage.is_clean();
        assert_eq!(stage.rooms.stats(), Stats::default(), "seed {seed}");
        for (kind, count) in walk.received {
            *received.entry(kind).or_default() += count;
        }
    }
    // The walks cover everything.
    for (kind, count) in &received {
        assert!(*count > 100, "{kind}: {received:?}");
    }
    assert_eq!(received.len(), 6, "{received:?}");
}
