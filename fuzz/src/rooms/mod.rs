//! The room machine with several clients, hostile or not, that open, send, violate the protocol and
//! close in any order. `Stage` lists the invariants that hold after each step.

mod bounds;
mod driver;
mod listeners;
mod stage;
mod views;

use std::net::IpAddr;
use std::time::Duration;

use acscall::model::Kinds;
use acscall::signalling::message::ClientMessage;
use acscall::signalling::room::{Broken, CallScope, Limits};
use arbitrary::{Arbitrary, Result, Unstructured};

use crate::steps;
use driver::Policy;
use stage::Stage;

/// The maximum number of steps. More only take time.
const STEPS: usize = 200;

const USERS: [&str; 4] = ["anna", "bert", "cleo", "dora"];

#[derive(Debug, Arbitrary)]
enum Step {
    /// Open, from one of a few addresses or any.
    Open(Where),
    /// Open, hello and join, as one of a few users in one of a few calls.
    Enter {
        address: u8,
        user: u8,
        call: u8,
        receives: bool,
        sends: bool,
        media: Kinds,
    },
    /// Open, hello and listen.
    Listen {
        address: u8,
        user: u8,
    },
    /// Open, hello and place, to some of a few users.
    Place {
        address: u8,
        user: u8,
        callees: u8,
    },
    /// Open, hello and resume a session, possibly of an ended call.
    Return {
        address: u8,
        which: u8,
    },
    Invite {
        who: u8,
        users: u8,
    },
    /// Accepts a call that rings somewhere.
    Accept(u8),
    Reject(u8),
    Leave {
        who: u8,
        for_everyone: bool,
    },
    /// A valid message.
    Say(u8, ClientMessage),
    /// Any text.
    Text(u8, String),
    /// A message, cut off or with a byte changed.
    Garble(u8, ClientMessage, u16, u8),
    TooLong(u8),
    NotText(u8),
    /// The client disconnects.
    Close(u8),
    /// The permissions of the next clients.
    Admission(Admission),
    Wait(u16),
    WaitLong(u8),
    /// The driver wakes up early.
    Early,
}

#[derive(Debug, Arbitrary)]
enum Where {
    One(u8),
    Any(IpAddr),
}

#[derive(Debug, Arbitrary)]
enum Admission {
    Everything,
    One(String, bool),
    Nothing(bool),
}

/// See the module.
pub fn check(data: &[u8]) {
    // The input may end in the middle of a step.
    let _out_of_bytes = run(&mut Unstructured::new(data));
}

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let mut stage = Stage::new(limits(u)?);
    let result = steps::run(u, STEPS, |u| step(&mut stage, u));
    stage.finish();
    result
}

fn step(stage: &mut Stage, u: &mut Unstructured<'_>) -> Result<()> {
    match u.arbitrary()? {
        Step::Open(Where::One(address)) => drop(stage.open(local(address))),
        Step::Open(Where::Any(address)) => drop(stage.open(address)),
        Step::Enter {
            address,
            user,
            call,
            receives,
            sends,
            media,
        } => {
            let user = USERS[usize::from(user % 3)];
            let call = ["tea", "milk"][usize::from(call % 2)].to_owned();
            let message = ClientMessage::Join {
                call,
                receives,
                sends,
                media,
                resume: None,
            };
            begin(stage, address, user, &message);
        }
        Step::Listen { address, user } => {
            let user = USERS[usize::from(user) % USERS.len()];
            begin(stage, address, user, &ClientMessage::Listen {});
        }
        Step::Place {
            address,
            user,
            callees,
        } => {
            let message = ClientMessage::Place {
                callees: each(callees),
                receives: true,
                sends: true,
                media: Kinds::new(),
            };
            begin(
                stage,
                address,
                USERS[usize::from(user) % USERS.len()],
                &message,
            );
        }
        Step::Return { address, which } => {
            if let Some((user, call, resume)) = stage.past(which) {
                let message = ClientMessage::Join {
                    call,
                    receives: true,
                    sends: true,
                    media: Kinds::new(),
                    resume: Some(resume),
                };
                begin(stage, address, &user, &message);
            }
        }
        Step::Invite { who, users } => {
            let users = each(users);
            stage.say_one(who, &ClientMessage::Invite { users });
        }
        Step::Accept(which) => {
            if let Some((id, call)) = stage.ringing(which) {
                let message = ClientMessage::Accept {
                    call,
                    receives: true,
                    sends: true,
                    media: Kinds::new(),
                };
                stage.say(id, &message);
            }
        }
        Step::Reject(which) => {
            if let Some((id, call)) = stage.ringing(which) {
                stage.say(id, &ClientMessage::Reject { call });
            }
        }
        Step::Leave { who, for_everyone } => {
            stage.say_one(who, &ClientMessage::Leave { for_everyone });
        }
        Step::Say(who, message) => stage.say_aimed(who, &message, u)?,
        Step::Text(who, text) => stage.say_text(who, text),
        Step::Garble(who, message, at, byte) => stage.say_garbled(who, &message, at, byte),
        Step::TooLong(who) => stage.say_broken(who, Broken::TooLong),
        Step::NotText(who) => stage.say_broken(who, Broken::NotText),
        Step::Close(who) => stage.close(who),
        Step::Admission(Admission::Everything) => stage.policy = Policy::default(),
        Step::Admission(Admission::One(call, place)) => {
            stage.policy = Policy::Pass(CallScope::Only(call), place);
        }
        Step::Admission(Admission::Nothing(is_about_token)) => {
            stage.policy = Policy::Refuse(is_about_token);
        }
        Step::Wait(milliseconds) => stage.wait(Duration::from_millis(milliseconds.into())),
        Step::WaitLong(seconds) => stage.wait(Duration::from_secs(seconds.into())),
        Step::Early => stage.early(),
    }
    Ok(())
}

/// Opens a connection and sends hello and `message`.
fn begin(stage: &mut Stage, address: u8, user: &str, message: &ClientMessage) {
    let id = stage.open(local(address));
    let hello = ClientMessage::Hello {
        versions: vec![1],
        user: user.to_owned(),
        display_name: None,
        token: None,
    };
    stage.say(id, &hello);
    stage.say(id, message);
}

/// The users whose bits are set.
fn each(bits: u8) -> Vec<String> {
    let chosen = USERS.iter().zip(0..).filter(|(_, at)| bits >> at & 1 == 1);
    chosen.map(|(user, _)| (*user).to_owned()).collect()
}

fn local(address: u8) -> IpAddr {
    IpAddr::from([127, 0, 0, address % 3])
}

/// Small limits, so that they are exceeded.
fn limits(u: &mut Unstructured<'_>) -> Result<Limits> {
    if u.ratio(1, 4)? {
        return Ok(Limits::default());
    }
    Ok(Limits {
        message_size: u.int_in_range(200..=4000)?,
        messages_per_second: u.int_in_range(1..=100)?,
        message_burst: u.int_in_range(4..=100)?,
        bytes_per_second: u.int_in_range(100..=10_000)?,
        byte_burst: u.int_in_range(1000..=20_000)?,
        changes_per_second: u.int_in_range(1..=20)?,
        change_burst: u.int_in_range(1..=40)?,
        candidates_per_leg: u.int_in_range(1..=4)?,
        participants_per_call: u.int_in_range(1..=6)?,
        calls: u.int_in_range(1..=3)?,
        connections_per_address: u.int_in_range(1..=8)?,
        connections_per_second: u.int_in_range(1..=20)?,
        connection_burst: u.int_in_range(1..=16)?,
        name_length: u.int_in_range(1..=128)?,
        ..Limits::default()
    })
}
