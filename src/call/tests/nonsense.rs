//! Servers and applications that send arbitrary inputs in any order. The machine's actions have to
//! satisfy the harness's checker nevertheless.

use super::harness::*;
use crate::call::*;
use crate::model::*;
use crate::signalling::message::*;
use crate::signalling::room::Dice;

const USERS: [&str; 4] = ["me", "bob", "carol", "dave"];
const CALLS: [&str; 3] = ["x", "placed:1", "placed:2"];

impl Dice {
    fn users(&mut self) -> Vec<String> {
        let count = self.below(3);
        (0..count).map(|_| self.pick(&USERS).to_owned()).collect()
    }

    fn participant(&mut self) -> Participant {
        let participant = peer(self.pick(&USERS));
        match self.below(3) {
            0 => participant.away(),
            1 => participant.media(&[Kind::Audio]),
            _ => participant.wants(&[Kind::Video]),
        }
    }

    fn message(&mut self) -> ServerMessage {
        let call = self.pick(&CALLS).to_owned();
        let user = self.pick(&USERS).to_owned();
        match self.below(16) {
            0 => welcome("run1"),
            1..=4 => ServerMessage::Listening {},
            5 => ServerMessage::Incoming {
                call,
                user,
                display_name: None,
            },
            6 => ServerMessage::IncomingEnded {
                call,
                reason: self.pick(&[IncomingEnd::Cancelled, IncomingEnd::Other]),
            },
            7..=9 => ServerMessage::Joined {
                call,
                resume: resume(self.pick(&["me", "me", "me2"])),
                participants: (0..self.below(3)).map(|_| self.participant()).collect(),
                ringing: self.users(),
                ice_servers: Vec::new(),
            },
            10..=11 => ServerMessage::Callee {
                user,
                state: self.pick(&[
                    CalleeState::Ringing,
                    CalleeState::Accepted,
                    CalleeState::Declined,
                    CalleeState::Other,
                ]),
            },
            12..=13 => update(self.participant()),
            14 => left(&user),
            // The codes that end a call are rare: otherwise no call would last.
            _ => match self.below(6) {
                0 => ServerMessage::CallEnded {
                    reason: "over".into(),
                },
                1 => error(self.pick(&[ErrorCode::CalleeBusy, ErrorCode::NotInvited])),
                _ => error(self.pick(&[
                    ErrorCode::IncomingGone,
                    ErrorCode::TokenPlace,
                    ErrorCode::LimitExceeded,
                    ErrorCode::BadResume,
                    ErrorCode::Other,
                ])),
            },
        }
    }

    fn input(&mut self) -> Input {
        let call = Some(self.pick(&CALLS).to_owned()).filter(|_| self.below(2) == 0);
        match self.below(8) {
            0..=2 => Input::Accept(call),
            3 => Input::Reject(call),
            4 => Input::Invite(self.users()),
            5 if self.below(10) == 0 => Input::Leave {
                for_everyone: self.below(2) == 0,
            },
            5..=6 => Input::Media(kinds(&[Kind::Video])),
            _ => Input::AddReader(ReaderId(self.below(3)), Selector::MixedAudio),
        }
    }
}

#[test]
fn arbitrary_inputs_lead_to_sensible_actions() {
    let mut entered = 0;
    for seed in 0..3000 {
        let mut dice = Dice(seed);
        let target = dice.pick(&[
            Target::Join("x".into()),
            Target::Place(vec!["bob".into()]),
            Target::Answer {
                automatically: false,
            },
            Target::Answer {
                automatically: true,
            },
        ]);
        let mut call = Harness::to(target);
        call.handle(Input::Roles {
            receives: true,
            sends: true,
        });
        call.handle(Input::Start);
        call.handle(Input::SocketOpened);
        call.receive(welcome("run1"));
        let mut is_in = false;
        for _ in 0..80 {
            match dice.below(20) {
                0..=1 => {
                    call.handle(Input::SocketOpened);
                    call.receive(welcome(dice.pick(&["run1", "run2"])));
                }
                2 => drop(call.close()),
                3..=4 => drop(call.after(dice.pick(&[1, 200, 1000, 5000, 30_000]))),
                5..=7 => drop(call.handle(dice.input())),
                _ => drop(call.receive(dice.message())),
            }
            is_in |= call.call.name().is_some();
        }
        entered += usize::from(is_in);
        call.handle(Input::Leave {
            for_everyone: false,
        });
        assert_eq!(call.call.state(), CallState::Disconnected, "seed {seed}");
        assert_eq!(call.call.poll_timeout(), None, "seed {seed}");
    }
    assert!(entered > 500, "too few calls were joined: {entered}");
}
