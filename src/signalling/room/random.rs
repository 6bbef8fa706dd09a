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
    hexadecimal(&bytes)
}

/// `bytes` in hexadecimal.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
