//! The call machine: a server that says anything in any order, peers and an engine that do, and
//! an application that joins, calls others or is called, reads and leaves. See `call/checker.rs` and
//! `call/story.rs` for what has to hold.

mod checker;
mod stage;
mod story;

use std::time::Duration;

use acscall::call::Input;
use acscall::model::{CalleeState, Candidate, IncomingEnd, Participant};
use acscall::signalling::message::{LegStep, ServerMessage};
use arbitrary::{Arbitrary, Result, Unstructured};

use stage::{Stage, target};

/// More steps show nothing new and take time.
const STEPS: usize = 200;

#[derive(Debug, Arbitrary)]
enum Step {
    /// Anything that the driver may say now.
    Input(Input),
    /// Anything that the server may say.
    Receive(ServerMessage),
    /// The connection is opened, on one of a few runs of the server.
    Connect {
        run: u8,
    },
    /// The connection is opened and joined, with others and callees; if it has to be, a call is
    /// answered for that.
    Join {
        run: u8,
        own: u8,
        others: Vec<Participant>,
        rung: u8,
    },
    /// One of a few users calls.
    Ring {
        call: u8,
        user: u8,
    },
    RingNoMore {
        call: u8,
        reason: IncomingEnd,
    },
    /// One of a few users is called by somebody in the call.
    Callee {
        user: u8,
        state: CalleeState,
    },
    /// A step of a leg that there is, or of the next one.
    Signal {
        leg: u8,
        is_next: bool,
        step: LegStep,
    },
    /// The engine's word of a leg that there is.
    Leg(u8, Word),
    Wait(u16),
    WaitLong(u8),
    Early,
}

#[derive(Debug, Arbitrary)]
enum Word {
    Description,
    Candidate(Candidate),
    Candidates(u8),
    Connected,
    Lost,
}

/// See the module.
pub fn check(data: &[u8]) {
    // What ends early ends in the middle of a step.
    let _out_of_bytes = run(&mut Unstructured::new(data));
}

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let mut stage = Stage::new(target(u.arbitrary()?));
    let for_everyone = u.arbitrary()?;
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
    stage.finish(for_everyone);
    result
}

fn step(stage: &mut Stage, u: &mut Unstructured<'_>) -> Result<()> {
    match u.arbitrary()? {
        Step::Input(input) => stage.input(input, u)?,
        Step::Receive(message) => stage.receive(&message, u)?,
        Step::Connect { run } => stage.connect(run),
        Step::Join {
            run,
            own,
            others,
            rung,
        } => stage.join(run, own, &others, rung, u)?,
        Step::Ring { call, user } => stage.ring(call, user),
        Step::RingNoMore { call, reason } => stage.ring_no_more(call, reason),
        Step::Callee { user, state } => stage.callee(user, state),
        Step::Signal { leg, is_next, step } => stage.signal(leg, is_next, step),
        Step::Leg(leg, word) => stage.leg(leg, word),
        Step::Wait(milliseconds) => stage.wait(Duration::from_millis(milliseconds.into())),
        Step::WaitLong(seconds) => stage.wait(Duration::from_secs(seconds.into())),
        Step::Early => stage.early(),
    }
    Ok(())
}
