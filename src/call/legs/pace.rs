//! How often legs are made.
//!
//! A leg takes its ends threads, some 10 ms of processor time and a dozen messages, and a peer can
//! ask for as many as the server lets it say things: by offers, or by what it says of its roles.
//! Made as often as that they would stop the call of everybody else, and in the end the server
//! would close this end's connection for all that it says about them.

use std::time::{Duration, Instant};

/// So many at once, and one each interval in the long run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    at_once: u32,
    interval: Duration,
}

/// With one participant each way: what fails is tried again after 0.2 s and later, and an
/// application may change codecs one after the other.
pub(super) const WITH_ONE: Allowance = Allowance {
    at_once: 8,
    interval: Duration::from_secs(2),
};

/// With all, for one who comes and goes is another participant each time: who enters a full call
/// makes 63 each way.
pub(super) const WITH_ALL: Allowance = Allowance {
    at_once: 128,
    interval: Duration::from_secs(1),
};

/// What is left of an [`Allowance`]: all of it at first.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When all of it is left again.
    full: Option<Instant>,
}

impl Pace {
    /// Takes one; an error says when there is one again.
    pub(super) fn take(&mut self, of: Allowance, now: Instant) -> Result<(), Instant> {
        let full = self.full.map_or(now, |full| full.max(now));
        let most = of.interval * (of.at_once - 1);
        if full > now + most {
            return Err(full - most);
        }
        self.full = Some(full + of.interval);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_made_at_once_and_then_one_each_interval() {
        #[expect(clippy::disallowed_methods, reason = "the epoch of the virtual time")]
        let (mut pace, begin) = (Pace::default(), Instant::now());
        let at = |ms| begin + Duration::from_millis(ms);
        for _ in 0..8 {
            assert_eq!(pace.take(WITH_ONE, at(0)), Ok(()));
        }
        assert_eq!(pace.take(WITH_ONE, at(0)), Err(at(2000)));
        assert_eq!(pace.take(WITH_ONE, at(1999)), Err(at(2000)));
        assert_eq!(pace.take(WITH_ONE, at(2000)), Ok(()));
        assert_eq!(pace.take(WITH_ONE, at(2000)), Err(at(4000)));
        // After a pause all of them.
        for _ in 0..8 {
            assert_eq!(pace.take(WITH_ONE, at(60_000)), Ok(()));
        }
        assert!(pace.take(WITH_ONE, at(60_000)).is_err());
    }
}
