//! The parser of a peer's session description, and the functions that change an answer and check a
//! certificate.

use acscall::call::Direction;
use acscall::model::Kind;
use arbitrary::{Arbitrary, Result, Unstructured};
use gstacscall::fuzzing::{is_named, read, reject};

use crate::sketch::description;

#[derive(Debug, Arbitrary)]
enum Case<'a> {
    Text(&'a str),
    Sketch,
    Certificate {
        pem: &'a str,
        body: &'a str,
        fingerprint: &'a str,
    },
}

/// See the module documentation.
pub fn check(data: &[u8]) {
    let _out_of_bytes = run(&mut Unstructured::new(data));
}

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    gst::init().expect("GStreamer is there");
    match u.arbitrary()? {
        Case::Text(text) => check_text(text),
        Case::Sketch => check_text(&description(u)?),
        Case::Certificate {
            pem,
            body,
            fingerprint,
        } => {
            assert!(!is_named(pem, fingerprint));
            let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
            let _either = is_named(&pem, fingerprint);
        }
    }
    Ok(())
}

fn check_text(text: &str) {
    for direction in [Direction::Send, Direction::Receive] {
        let Ok(read) = read(text, direction) else {
            continue;
        };
        assert!(read.fingerprints > 0, "the peer could not be verified");
        let lines = match direction {
            Direction::Send => 0,
            Direction::Receive => Kind::ALL.len(),
        };
        assert_eq!(read.preferences, lines);
        assert!(
            read.rejected.is_sorted_by(|a, b| a < b),
            "{:?}",
            read.rejected
        );
    }
    for rejected in [&[][..], &[1], &[0, 1, 2]] {
        let once = reject(text, rejected);
        assert_eq!(reject(&once, rejected), once);
        assert_eq!(once.lines().count(), text.lines().count());
    }
}
