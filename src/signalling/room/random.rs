//! The source of ids and keys.

use std::fmt::Write as _;

/// The source of the machine's ids and keys; tests use a repeatable one.
pub trait Random: Send {
    /// Fills `bytes` with unpredictable values.
    fn fill(&mut self, bytes: &mut [u8]);
}

/// The operating system's random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has a source of randomness");
    }
}

/// Returns `N` random bytes in hexadecimal.
pub(super) fn token<const N: usize>(random: &mut dyn Random) -> String {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    hexadecimal(&bytes)
}

/// Returns `bytes` in hexadecimal.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
