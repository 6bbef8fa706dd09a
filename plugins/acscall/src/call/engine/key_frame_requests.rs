//! What one receiver may ask of an encoder that others share.
//!
//! A key frame is as large as ten other frames, for all who get the stream, and takes the encoder
//! longer than they do. So a receiver that loses something gets one at once, and one that asks on
//! and on, with or without a reason, only so many.

use std::time::Duration;

use acscall::rate_limit::{Quota, RateLimiter};

/// The key frames that one line may cause: its start and the repair of losses. With 4 at once and
/// then 1 per second, a path with 10 % loss gave 72 instead of 88 of 100 frames.
const KEY_FRAMES: Quota = Quota {
    burst: 16,
    interval: Duration::from_millis(500),
};

/// One line's requests for key frames, and how many more it has. All times are those of frames.
#[derive(Debug)]
pub(super) struct KeyFrameRequests {
    wants: bool,
    limiter: RateLimiter<Duration>,
}

impl Default for KeyFrameRequests {
    fn default() -> KeyFrameRequests {
        KeyFrameRequests {
            wants: false,
            limiter: RateLimiter::new(KEY_FRAMES),
        }
    }
}

impl KeyFrameRequests {
    /// A key frame is wanted.
    pub(super) fn ask(&mut self) {
        self.wants = true;
    }

    /// Whether one is to be made with the frame of time `now`. One that is not due comes later.
    pub(super) fn is_due(&mut self, now: gst::ClockTime) -> bool {
        self.wants && self.limiter.is_ready(now.into())
    }

    /// The frame of time `now` is a key frame, whoever asked for it.
    pub(super) fn serve(&mut self, now: gst::ClockTime) {
        if std::mem::take(&mut self.wants) {
            self.limiter.acquire_available(now.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> gst::ClockTime {
        gst::ClockTime::from_mseconds(ms)
    }

    /// When key frames come to one who asks all the time, from `begin` to `end`.
    fn served(asks: &mut KeyFrameRequests, begin: u64, end: u64) -> Vec<u64> {
        let frames = (begin..end).step_by(100);
        let times = frames.filter(|ms| {
            asks.ask();
            let is_due = asks.is_due(at(*ms));
            if is_due {
                asks.serve(at(*ms));
            }
            is_due
        });
        times.collect()
    }

    #[test]
    fn who_asks_on_and_on_gets_sixteen_and_then_two_per_second() {
        // Three more have come due before the sixteen are gone.
        let burst = |begin: u64| (begin..begin + 1_900).step_by(100);
        let mut asks = KeyFrameRequests::default();
        let times = served(&mut asks, 0, 4_000);
        let expected: Vec<_> = burst(0).chain([2_000, 2_500, 3_000, 3_500]).collect();
        assert_eq!(times, expected);
        // After a pause again.
        let times = served(&mut asks, 60_000, 62_500);
        let expected: Vec<_> = burst(60_000).chain([62_000]).collect();
        assert_eq!(times, expected);
    }

    #[test]
    fn who_asks_once_a_second_never_waits() {
        let mut asks = KeyFrameRequests::default();
        for second in 0..100 {
            asks.ask();
            assert!(asks.is_due(at(1_000 * second)), "{second}");
            asks.serve(at(1_000 * second));
            assert!(!asks.is_due(at(1_000 * second)), "{second}");
        }
    }

    #[test]
    fn a_key_frame_for_others_serves_all_who_wait_and_costs_who_does_not_nothing() {
        let mut asks = KeyFrameRequests::default();
        served(&mut asks, 0, 3_000);
        asks.ask();
        assert!(!asks.is_due(at(2_900)));
        asks.serve(at(2_900));
        assert!(!asks.is_due(at(60_000)));
        let mut quiet = KeyFrameRequests::default();
        for ms in 0..100 {
            quiet.serve(at(ms));
        }
        assert_eq!(served(&mut quiet, 100, 500), [100, 200, 300, 400]);
    }

    #[test]
    fn times_that_begin_anew_delay_nothing_by_more_than_half_a_second() {
        let mut asks = KeyFrameRequests::default();
        served(&mut asks, 3_600_000, 3_610_000);
        assert_eq!(served(&mut asks, 0, 1_100), [100, 600]);
    }
}
