//! Ids and keys.

use std::fmt::Write as _;

/// Where the machine's ids and keys come from; tests give it a sequence that repeats.
pub trait Random: Send {
    /// Fills `bytes` with what nobody can guess.
    fn fill(&mut self, bytes: &mut [u8]);
}

/// The operating system's source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has a source of randomness");
    }
}

/// `N` random bytes in hexadecimal.
pub(super) fn token<const N: usize>(random: &mut dyn Random) -> String {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
        .iter()
        .fold(String::with_capacity(2 * N), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Whether two keys are equal, in a time that does not tell where they differ.
pub(super) fn equal(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .fold(0, |rest, (a, b)| rest | (a ^ b))
            == 0
}
