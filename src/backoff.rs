//! Growing delays between attempts at the same thing.

use std::time::Duration;

/// The delays double from 0.2 s to 5 s.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The delay after the first failure: a restarted server or a peer that changed its network is
    /// back within this time, and the user hardly notices.
    const FIRST: Duration = Duration::from_millis(200);
    /// The longest delay. A server or peer that comes back after hours is used again within
    /// seconds, and attempts at one that never does cost next to nothing.
    const LONGEST: Duration = Duration::from_secs(5);

    /// A connection that held for this long worked: its failure is unrelated to the one before.
    const WORKED: Duration = Duration::from_secs(10);

    /// Returns the delay after the failure of a connection that had held for `held`.
    pub fn after(&mut self, held: Duration) -> Duration {
        if held >= Self::WORKED {
            self.reset();
        }
        let delay = Self::FIRST
            .saturating_mul(2_u32.saturating_pow(self.failures))
            .min(Self::LONGEST);
        self.failures = self.failures.saturating_add(1);
        delay
    }

    /// Returns the longest delay, now and from now on: the failure will most likely repeat.
    pub fn longest(&mut self) -> Duration {
        self.failures = u32::MAX;
        Self::LONGEST
    }

    /// Begins with the first delay again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}
