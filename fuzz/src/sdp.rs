//! A peer's session description, as it is read before webrtcbin sees it, and what is done to the
//! answer and the certificate.

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

/// See the module.
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
        assert!(read.fingerprints > 0, "nobody could be told from anybody");
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
    for kinds in [&[][..], &[Kind::Video], &Kind::ALL] {
        let once = reject(text, kinds);
        assert_eq!(reject(&once, kinds), once);
        assert_eq!(once.lines().count(), text.lines().count());
    }
}
