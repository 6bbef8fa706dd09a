//! The call machine: a server that says anything in any order, peers and an engine that do, and
//! an application that joins, reads and leaves. See [`Checker`](checker) for what has to hold.

mod checker;
mod stage;

use std::time::Duration;

use acscall::call::Input;
use acscall::signalling::message::{Candidate, LegStep, Participant, ServerMessage};
use arbitrary::{Arbitrary, Result, Unstructured};

use stage::Stage;

/// More steps show nothing new and take time.
const STEPS: usize = 200;

#[derive(Debug, Arbitrary)]
enum Step {
    /// Anything that the driver may say now.
    Input(Input),
    /// Anything that the server may say.
    Receive(ServerMessage),
    /// The connection is opened and joined, on one of a few runs of the server, with others.
    Join {
        run: u8,
        own: u8,
        others: Vec<Participant>,
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
    let mut stage = Stage::new();
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
        Step::Input(input) => stage.input(input, u)?,
        Step::Receive(message) => stage.receive(&message, u)?,
        Step::Join { run, own, others } => stage.join(run, own, &others, u)?,
        Step::Signal { leg, is_next, step } => stage.signal(leg, is_next, step),
        Step::Leg(leg, word) => stage.leg(leg, word),
        Step::Wait(milliseconds) => stage.wait(Duration::from_millis(milliseconds.into())),
        Step::WaitLong(seconds) => stage.wait(Duration::from_secs(seconds.into())),
        Step::Early => stage.early(),
    }
    Ok(())
}
