//! The call machine, with a server, peers and an engine that send anything in any order, and an
//! application that joins, places or accepts calls, reads and leaves. `src/call/checker/` lists the
//! invariants.

mod stage;

use std::time::Duration;

use acscall::call::Input;
use acscall::model::{CalleeState, Candidate, IncomingEnd, Participant};
use acscall::signalling::message::{LegStep, ServerMessage};
use arbitrary::{Arbitrary, Result, Unstructured};

use crate::steps;
use stage::{Stage, target};

/// The maximum number of steps. More take time and show nothing new.
const STEPS: usize = 200;

#[derive(Debug, Arbitrary)]
enum Step {
    /// Any input that the driver may give now.
    Input(Input),
    /// Any message that the server may send.
    Receive(ServerMessage),
    /// Opens the connection, to one of a few server instances.
    Connect {
        run: u8,
    },
    /// Opens the connection and joins, with other participants and callees. If necessary, an
    /// incoming call is accepted first.
    Join {
        run: u8,
        own: u8,
        others: Vec<Participant>,
        rung: u8,
    },
    /// A call of one of a few users rings.
    Ring {
        call: u8,
        user: u8,
    },
    RingNoMore {
        call: u8,
        reason: IncomingEnd,
    },
    /// The state of an invited user changes.
    Callee {
        user: u8,
        state: CalleeState,
    },
    /// A peer signals a step of an existing leg, or of the next one.
    Signal {
        leg: u8,
        is_next: bool,
        step: LegStep,
    },
    /// The engine reports about an existing leg.
    Leg(u8, Report),
    Wait(u16),
    WaitLong(u8),
    Early,
}

#[derive(Debug, Arbitrary)]
enum Report {
    Description,
    Candidate(Candidate),
    Candidates(u8),
    Connected,
    Lost,
}

/// See the module.
pub fn check(data: &[u8]) {
    // If the bytes run out, the run ends in the middle of a step.
    let _out_of_bytes = run(&mut Unstructured::new(data));
}

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let mut stage = Stage::new(target(u.arbitrary()?));
    let for_everyone = u.arbitrary()?;
    let result = steps::run(u, STEPS, |u| step(&mut stage, u));
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
        Step::Leg(leg, report) => stage.leg(leg, report),
        Step::Wait(milliseconds) => stage.wait(Duration::from_millis(milliseconds.into())),
        Step::WaitLong(seconds) => stage.wait(Duration::from_secs(seconds.into())),
        Step::Early => stage.wake(),
    }
    Ok(())
}
