//! A leg over webrtcbin, given what a peer may say: it answers or gives up, and leaves nothing.
//!
//! GLib's criticals end the process here: each is a mistake in what webrtcbin was given.

use std::sync::LazyLock;

use acscall::call::Direction;
use acscall::signalling::message::Candidate;
use arbitrary::{Arbitrary, Result, Unstructured};
use gst::glib;
use gstacscall::fuzzing::{Answer, Pipeline};

use crate::sketch::description;

static PIPELINE: LazyLock<Pipeline> = LazyLock::new(|| {
    gst::init().expect("GStreamer is there");
    glib::log_set_always_fatal(glib::LogLevels::LEVEL_CRITICAL | glib::LogLevels::LEVEL_ERROR);
    Pipeline::start()
});

#[derive(Debug, Arbitrary)]
enum Step {
    Description,
    Candidate(Candidate),
    /// One that is much like a good one.
    Near {
        line: u8,
        cut: u8,
        at: u8,
        text: String,
    },
}

/// See the module.
pub fn check(data: &[u8]) {
    let _out_of_bytes = run(&mut Unstructured::new(data));
}

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let is_offered = u.ratio(3, 4)?;
    let first = description(u)?;
    let direction = match is_offered {
        true => Direction::Receive,
        false => Direction::Send,
    };
    let mut peer = PIPELINE.open(direction);
    if direction == Direction::Send {
        assert!(matches!(peer.answer(), Answer::Description(_)));
    }
    // The machine lets one description through, and no candidate before it.
    match direction {
        Direction::Receive => {
            let answer = peer.describe(&first);
            assert_ne!(answer, Answer::Nothing, "{first}");
        }
        Direction::Send => peer.take(&first),
    }
    for _ in 0..4 {
        if u.is_empty() {
            break;
        }
        match u.arbitrary()? {
            Step::Description => {}
            Step::Candidate(candidate) => peer.add(&candidate),
            Step::Near {
                line,
                cut,
                at,
                text,
            } => {
                let mut candidate =
                    "candidate:1 1 UDP 2013266431 127.0.0.1 9 typ host generation 0".to_owned();
                candidate.insert_str(usize::from(at) % candidate.len(), &text);
                let cut = candidate.floor_char_boundary(usize::from(cut));
                candidate.truncate(cut.max(1));
                peer.add(&Candidate {
                    candidate,
                    line: line.into(),
                });
            }
        }
    }
    drop(peer);
    // They are taken down by threads of their own.
    assert!(PIPELINE.len() < 500, "legs are not taken down");
    Ok(())
}
