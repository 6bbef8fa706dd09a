//! The room machine: several clients, hostile and not, that open, say, break and close in any
//! order. See [`Stage`] for what has to hold after each step.

mod stage;
mod views;

use std::net::IpAddr;
use std::time::Duration;

use acscall::signalling::message::{ClientMessage, Kinds};
use acscall::signalling::room::{Broken, Calls, Limits};
use arbitrary::{Arbitrary, Result, Unstructured};

use stage::{Policy, Stage};

/// More steps show nothing new and take time.
const STEPS: usize = 200;

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
    /// A message that can be read.
    Say(u8, ClientMessage),
    /// Any text.
    Text(u8, String),
    /// A message, cut off or with a byte changed.
    Garble(u8, ClientMessage, u16, u8),
    TooLong(u8),
    NotText(u8),
    /// The client goes away.
    Close(u8),
    /// What the next clients may do.
    Admission(Admission),
    Wait(u16),
    WaitLong(u8),
    /// The driver wakes up for nothing.
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
    // What ends early ends in the middle of a step.
    let _out_of_bytes = run(&mut Unstructured::new(data));
}

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let mut stage = Stage::new(limits(u)?);
    let mut steps = 0;
    let result = loop {
        steps += 1;
        if u.is_empty() || steps > STEPS {
            break Ok(());
        }
        if let Err(error) = step(&mut stage, u) {
            break Err(error);
        }
    };
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
            let id = stage.open(local(address));
            let name = ["anna", "bert", "cleo"][usize::from(user % 3)];
            stage.say(
                id,
                &ClientMessage::Hello {
                    versions: vec![1],
                    user: name.to_owned(),
                    display_name: None,
                    token: None,
                },
            );
            let call = ["tea", "milk"][usize::from(call % 2)].to_owned();
            stage.say(
                id,
                &ClientMessage::Join {
                    call,
                    receives,
                    sends,
                    media,
                    resume: None,
                },
            );
        }
        Step::Say(who, message) => stage.say_aimed(who, &message, u)?,
        Step::Text(who, text) => stage.say_text(who, text),
        Step::Garble(who, message, at, byte) => stage.say_garbled(who, &message, at, byte),
        Step::TooLong(who) => stage.say_broken(who, Broken::TooLong),
        Step::NotText(who) => stage.say_broken(who, Broken::NotText),
        Step::Close(who) => stage.close(who),
        Step::Admission(Admission::Everything) => stage.policy = Policy::Pass(Calls::Any, true),
        Step::Admission(Admission::One(call, place)) => {
            stage.policy = Policy::Pass(Calls::Only(call), place);
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

fn local(address: u8) -> IpAddr {
    IpAddr::from([127, 0, 0, address % 3])
}

/// Small ones, so that they are passed.
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
