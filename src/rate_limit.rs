//! Token buckets over an explicit time.

use std::ops::{Add, Sub};
use std::time::Duration;

/// The rate and the burst that a [`RateLimiter`] allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Tokens available at once.
    pub burst: u32,
    /// The time in which one token is refilled.
    pub interval: Duration,
}

impl Quota {
    /// Allows `rate` tokens per second in the long run, `burst` of them at once. A rate of 0 counts
    /// as 1.
    pub fn per_second(rate: u32, burst: u32) -> Quota {
        let interval = Duration::from_secs(1) / rate.max(1);
        Quota { burst, interval }
    }

    /// Returns the time in which an empty bucket is refilled.
    pub fn refill_time(self) -> Duration {
        self.interval * self.burst
    }
}

/// A token bucket that starts full.
///
/// `T` is an [`Instant`](std::time::Instant), or a [`Duration`] since any fixed point in time. If
/// time jumps backwards, the bucket keeps its level.
#[derive(Clone, Debug)]
pub struct RateLimiter<T> {
    quota: Quota,
    /// The time until the bucket is full, as of `updated`.
    missing: Duration,
    updated: Option<T>,
}

impl<T> RateLimiter<T>
where
    T: Copy + Ord + Add<Duration, Output = T> + Sub<T, Output = Duration>,
{
    /// Creates a full bucket.
    pub fn new(quota: Quota) -> RateLimiter<T> {
        RateLimiter {
            quota,
            missing: Duration::ZERO,
            updated: None,
        }
    }

    /// Takes `tokens`.
    ///
    /// # Errors
    /// If there are fewer, nothing is taken. The error is the time at which there are enough,
    /// unless `tokens` exceeds the burst.
    pub fn try_acquire(&mut self, tokens: u32, now: T) -> Result<(), T> {
        self.refill(now);
        let missing = self.missing + self.quota.interval * tokens;
        match missing.checked_sub(self.quota.refill_time()) {
            Some(wait) if !wait.is_zero() => Err(now + wait),
            _ => {
                self.missing = missing;
                Ok(())
            }
        }
    }

    /// Whether a token is available.
    pub fn is_ready(&mut self, now: T) -> bool {
        self.refill(now);
        self.missing + self.quota.interval <= self.quota.refill_time()
    }

    /// Takes one token, or empties the bucket if it holds less than that.
    pub fn acquire_available(&mut self, now: T) {
        self.refill(now);
        self.missing = (self.missing + self.quota.interval).min(self.quota.refill_time());
    }

    /// Takes half of a full bucket if it holds more than that. Otherwise takes as much as is
    /// refilled in `time`, and leaves a debt of at most that much.
    pub fn penalize(&mut self, time: Duration, now: T) {
        self.refill(now);
        let full = self.quota.refill_time();
        self.missing = match self.missing < full / 2 {
            true => self.missing + full / 2,
            false => (self.missing + time).min(full + time),
        };
    }

    /// Returns when the bucket is full if nothing more is taken; `now` if it is full already.
    pub fn full_at(&mut self, now: T) -> T {
        self.refill(now);
        now + self.missing
    }

    fn refill(&mut self, now: T) {
        if let Some(before) = self.updated.replace(now)
            && now > before
        {
            self.missing = self.missing.saturating_sub(now - before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota {
        burst: 8,
        interval: Duration::from_secs(2),
    };

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// Takes single tokens until the bucket is empty. Returns their number.
    fn drain(limiter: &mut RateLimiter<Duration>, now: Duration) -> usize {
        (0..1_000)
            .take_while(|_| limiter.try_acquire(1, now).is_ok())
            .count()
    }

    #[test]
    fn a_burst_is_available_at_once_and_then_one_token_per_interval() {
        let mut limiter = RateLimiter::new(QUOTA);
        assert_eq!(drain(&mut limiter, ms(0)), 8);
        assert_eq!(limiter.try_acquire(1, ms(0)), Err(ms(2000)));
        assert_eq!(limiter.try_acquire(1, ms(1999)), Err(ms(2000)));
        assert_eq!(limiter.try_acquire(1, ms(2000)), Ok(()));
        assert_eq!(limiter.try_acquire(1, ms(2000)), Err(ms(4000)));
        assert_eq!(drain(&mut limiter, ms(60_000)), 8);
    }

    #[test]
    fn several_tokens_are_taken_together_or_not_at_all() {
        let mut limiter = RateLimiter::new(Quota::per_second(10, 5));
        assert_eq!(limiter.try_acquire(4, ms(0)), Ok(()));
        assert_eq!(limiter.try_acquire(2, ms(0)), Err(ms(100)));
        assert_eq!(limiter.try_acquire(1, ms(0)), Ok(()));
        assert!(limiter.try_acquire(6, ms(60_000)).is_err());
    }

    #[test]
    fn the_long_run_rate_is_that_of_the_quota() {
        let mut limiter = RateLimiter::new(Quota::per_second(200, 200));
        let mut taken = |times: std::ops::Range<u64>| {
            times
                .filter(|time| limiter.try_acquire(1, ms(*time)).is_ok())
                .count()
        };
        // One attempt per millisecond.
        assert_eq!(taken(0..200), 200);
        assert_eq!(taken(200..1_000), 199);
        assert_eq!(taken(1_000..2_000), 200);
        assert_eq!(taken(60_000..60_200), 200);
    }

    #[test]
    fn acquiring_available_tokens_leaves_no_debt() {
        let mut limiter = RateLimiter::new(QUOTA);
        for _ in 0..20 {
            limiter.acquire_available(ms(0));
        }
        assert!(!limiter.is_ready(ms(1999)));
        assert!(limiter.is_ready(ms(2000)));
    }

    #[test]
    fn a_penalty_halves_a_bucket_and_leaves_a_bounded_debt() {
        let mut limiter = RateLimiter::new(QUOTA);
        limiter.penalize(ms(10_000), ms(0));
        assert_eq!(drain(&mut limiter, ms(0)), 4);
        for _ in 0..9 {
            limiter.penalize(ms(10_000), ms(0));
        }
        assert_eq!(limiter.try_acquire(1, ms(0)), Err(ms(12_000)));
        assert_eq!(limiter.full_at(ms(1_000)), ms(26_000));
        assert_eq!(limiter.full_at(ms(30_000)), ms(30_000));
    }

    #[test]
    fn a_clock_that_jumps_backwards_delays_nothing() {
        let mut limiter = RateLimiter::new(QUOTA);
        assert_eq!(drain(&mut limiter, ms(3_600_000)), 8);
        assert_eq!(limiter.try_acquire(1, ms(0)), Err(ms(2000)));
        assert_eq!(limiter.try_acquire(1, ms(2000)), Ok(()));
    }
}
