//! A leg over webrtcbin, with input from a peer: it answers or fails, and leaks nothing. The open
//! sockets are counted after some legs only, so the reported input need not be the one that leaked
//! them.
//!
//! GLib's criticals abort the process: each is a mistake in webrtcbin's input.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use acscall::call::Direction;
use acscall::model::Candidate;
use arbitrary::{Arbitrary, Result, Unstructured};
use gst::glib;
use gstacscall::fuzzing::{Answer, Pipeline};

use crate::sketch::description;
use crate::steps;

static PIPELINE: LazyLock<Pipeline> = LazyLock::new(|| {
    gst::init().expect("GStreamer is installed");
    glib::log_set_always_fatal(glib::LogLevels::LEVEL_CRITICAL | glib::LogLevels::LEVEL_ERROR);
    Pipeline::start()
});

/// The number of legs between two checks for leaks.
const ROUND: usize = 16;
/// The number of files that may be open in addition to those after the first round.
const SPARE: usize = 40;

#[derive(Debug, Arbitrary)]
enum Step {
    Description,
    Candidate(Candidate),
    /// A candidate that is almost valid.
    Near {
        line: u8,
        cut: u8,
        at: u8,
        text: String,
    },
}

/// See the module documentation.
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
    // The call machine passes on one description, and no candidate before it.
    match direction {
        Direction::Receive => {
            let answer = peer.describe(&first);
            assert_ne!(answer, Answer::Nothing, "{first}");
        }
        Direction::Send => peer.take(&first),
    }
    steps::run(u, 4, |u| {
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
        Ok(())
    })?;
    drop(peer);
    check_leaks();
    Ok(())
}

fn check_leaks() {
    static LEGS: AtomicUsize = AtomicUsize::new(0);
    static FIRST: OnceLock<usize> = OnceLock::new();
    let count = LEGS.fetch_add(1, Ordering::Relaxed) + 1;
    if !count.is_multiple_of(ROUND) {
        return;
    }
    wait_until("legs are not removed", || PIPELINE.count() == 0);
    let most = FIRST.get_or_init(files) + SPARE;
    wait_until("legs leak files", || files() <= most);
}

/// Waits for the threads that remove the legs.
fn wait_until(failure: &str, is_done: impl Fn() -> bool) {
    for _ in 0..3000 {
        if is_done() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    panic!("{failure}");
}

/// Returns the number of files that this process has open, or 0 if that is unknown.
fn files() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
