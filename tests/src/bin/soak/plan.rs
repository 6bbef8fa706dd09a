//! The steps of a run, chosen by a seed. A seed always gives the same steps.

use acscall::model::Kind;
use acscall_tests::random::Random;

use crate::expected::{CHILD, End, Expected, Form, STAYING, Step, Stream, USERS, User};

/// The number of sources of each kind.
pub(crate) const SOURCES: usize = 4;

/// A step, and the pause after it in thousandths of the longest pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) step: Step,
    pub(crate) pause: u64,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    random: Random,
    expected: Expected,
}

impl Plan {
    pub(crate) fn new(seed: u64) -> Plan {
        Plan {
            random: Random::new(seed),
            expected: Expected::default(),
        }
    }

    /// Each kind of step at least once, and the end of the call. Afterwards everything exists that a
    /// process creates once and keeps.
    pub(crate) fn tour(&mut self) -> Vec<Move> {
        let [stay, ann, bob, cid] = [STAYING, User(1), User(2), User(3)];
        let mut steps = vec![
            Step::Join(stay, Form::Both),
            Step::Join(ann, Form::Both),
            Step::Join(bob, Form::Sends),
            Step::Join(cid, Form::Receives),
            Step::Spawn,
            Step::Read(stay, Stream::Mix),
            Step::Read(stay, Stream::Of(CHILD, Kind::Video)),
            Step::Read(cid, Stream::Any(Kind::Video)),
        ];
        for kind in Kind::ALL {
            steps.extend([
                Step::Read(stay, Stream::Of(ann.name(), kind)),
                Step::Read(cid, Stream::Of(ann.name(), kind)),
                Step::Start(ann, kind, 0),
                Step::Start(bob, kind, 1),
            ]);
        }
        steps.push(Step::Check);
        for source in 0..SOURCES {
            steps.extend(Kind::ALL.map(|kind| Step::Switch(ann, kind, source)));
        }
        steps.extend([
            Step::Mute(ann, Kind::Video, true),
            Step::Attach(ann),
            Step::Kill,
            Step::Check,
            Step::Spawn,
            Step::Mute(ann, Kind::Video, false),
            Step::Stop(ann, Kind::Screen, End::Release),
            Step::Stop(ann, Kind::Audio, End::Eos),
            Step::Unread(cid, Stream::Of(ann.name(), Kind::Video)),
            Step::Restart(bob),
            Step::Check,
            Step::Detach(ann),
            Step::Start(ann, Kind::Audio, 2),
            Step::Leave(bob),
            Step::Check,
        ]);
        let steps = steps.into_iter().map(|step| self.then(step)).collect();
        self.end(steps)
    }

    /// `count` random steps, a check, and all but one leave. The remaining participant stops sending
    /// and reading, so that memory is measured in the same state each time.
    pub(crate) fn round(&mut self, count: usize) -> Vec<Move> {
        let mut steps = Vec::new();
        if self.expected.get(STAYING).is_none() {
            steps.push(self.then(Step::Join(STAYING, Form::Both)));
        }
        for _ in 0..count {
            let step = self.choose();
            steps.push(self.then(step));
        }
        steps.push(self.then(Step::Check));
        let others = User::all().filter(|user| *user != STAYING);
        self.leave(others.collect(), &mut steps);
        for step in self.idling() {
            steps.push(self.then(step));
        }
        steps.push(self.then(Step::Rest));
        steps
    }

    /// The steps after which the remaining participant sends and reads nothing.
    fn idling(&self) -> Vec<Step> {
        let Some(present) = self.expected.get(STAYING) else {
            return Vec::new();
        };
        let mut steps = Vec::new();
        for (kind, lane) in &present.lanes {
            if !lane.runs {
                steps.push(Step::Start(STAYING, *kind, 0));
            }
            steps.push(Step::Stop(STAYING, *kind, End::Release));
        }
        let reads = present.reads.iter().cloned();
        steps.extend(reads.map(|stream| Step::Unread(STAYING, stream)));
        steps.extend(present.attached.then_some(Step::Detach(STAYING)));
        steps
    }

    /// All participants leave.
    pub(crate) fn end(&mut self, mut steps: Vec<Move>) -> Vec<Move> {
        self.leave(User::all().collect(), &mut steps);
        steps.push(self.then(Step::Rest));
        steps
    }

    fn leave(&mut self, users: Vec<User>, steps: &mut Vec<Move>) {
        let leaves = users.into_iter().map(Step::Leave);
        for step in leaves.chain([Step::Dismiss]) {
            if self.expected.allows(&step) {
                steps.push(self.then(step));
            }
        }
    }

    fn then(&mut self, step: Step) -> Move {
        self.expected.apply(&step);
        // A third of the steps have no pause after them.
        let pause = match self.random.below(3) {
            0 => 0,
            _ => self.random.next_u64() % 1000,
        };
        Move { step, pause }
    }

    fn choose(&mut self) -> Step {
        loop {
            let step = self.draw();
            if self.expected.allows(&step) {
                return step;
            }
        }
    }

    fn draw(&mut self) -> Step {
        let random = &mut self.random;
        let user = User(random.below(USERS.len()));
        let kind = random.pick(&Kind::ALL);
        let source = random.below(SOURCES);
        let stream = match random.below(6) {
            0 => Stream::Mix,
            1 => Stream::Any(random.pick(&[Kind::Video, Kind::Screen])),
            2 => Stream::Of(CHILD, random.pick(&[Kind::Audio, Kind::Video])),
            _ => Stream::Of(random.pick(&USERS), kind),
        };
        // Joining and reading are the most frequent, so that there is something to end.
        match random.below(34) {
            0..=3 => {
                let form = random.pick(&[Form::Both, Form::Both, Form::Sends, Form::Receives]);
                Step::Join(user, form)
            }
            4 if user != STAYING => Step::Leave(user),
            5 => Step::Restart(user),
            6..=12 => Step::Start(user, kind, source),
            13..=14 => Step::Switch(user, kind, source),
            15 => Step::Stop(user, kind, End::Eos),
            16 => Step::Stop(user, kind, End::Release),
            17 => Step::Mute(user, kind, true),
            18..=19 => Step::Mute(user, kind, false),
            20..=25 => Step::Read(user, stream),
            26..=28 => Step::Unread(user, stream),
            29 => Step::Attach(user),
            30 => Step::Detach(user),
            31 => Step::Spawn,
            32 => Step::Kill,
            _ => Step::Check,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn moves(seed: u64, rounds: usize) -> Vec<Move> {
        let mut plan = Plan::new(seed);
        let mut moves = plan.tour();
        for _ in 0..rounds {
            moves.extend(plan.round(60));
        }
        moves.extend(plan.end(Vec::new()));
        moves
    }

    #[test]
    fn a_seed_gives_the_same_steps_again_and_another_gives_others() {
        assert_eq!(moves(7, 5), moves(7, 5));
        assert_ne!(moves(7, 5), moves(8, 5));
    }

    #[test]
    fn every_step_makes_sense_when_it_is_done() {
        for seed in 0..20 {
            let mut expected = Expected::default();
            for Move { step, .. } in moves(seed, 20) {
                assert!(
                    expected.allows(&step),
                    "seed {seed}: {step} in {expected:?}"
                );
                expected.apply(&step);
            }
            assert_eq!(expected, Expected::default(), "somebody is left");
        }
    }

    #[test]
    fn the_tour_and_some_rounds_contain_every_kind_of_step() {
        let names = |moves: &[Move]| -> BTreeSet<_> {
            moves.iter().map(|Move { step, .. }| step.name()).collect()
        };
        let tour = names(&Plan::new(0).tour());
        assert_eq!(tour.len(), 18);
        assert_eq!(names(&moves(1, 20)[100..]), tour);
    }

    #[test]
    fn at_rest_only_one_is_in_the_call_and_it_sends_and_reads_nothing() {
        let mut expected = Expected::default();
        for Move { step, .. } in moves(3, 10) {
            expected.apply(&step);
            if step == Step::Rest {
                assert!(expected.present().all(|name| name == STAYING.name()));
                if let Some(one) = expected.get(STAYING) {
                    assert!(one.lanes.is_empty() && one.reads.is_empty() && !one.attached);
                }
            }
        }
    }
}
