//! The limit on one receiver's key-frame requests to an encoder that others share.
//!
//! A key frame is as large as ten other frames, for every receiver of the stream, and takes the
//! encoder longer. A receiver that loses packets gets one at once; repeated requests are
//! rate-limited.

use std::time::Duration;

use acscall::rate_limit::{Quota, RateLimiter};

/// The key frames that one branch may cause: its start and the repair of losses. With a burst of 4
/// and then 1 per second, 72 instead of 88 of 100 frames arrived over a path with 10 % loss.
const KEY_FRAMES: Quota = Quota {
    burst: 16,
    interval: Duration::from_millis(500),
};

/// The key-frame requests of one branch. All times are those of frames.
#[derive(Debug)]
pub(super) struct KeyFrameRequests {
    is_pending: bool,
    limiter: RateLimiter<Duration>,
}

impl Default for KeyFrameRequests {
    fn default() -> KeyFrameRequests {
        KeyFrameRequests {
            is_pending: false,
            limiter: RateLimiter::new(KEY_FRAMES),
        }
    }
}

impl KeyFrameRequests {
    /// Requests a key frame. Returns false if one is pending.
    pub(super) fn request(&mut self) -> bool {
        !std::mem::replace(&mut self.is_pending, true)
    }

    pub(super) fn is_pending(&self) -> bool {
        self.is_pending
    }

    /// Whether a requested key frame is due with the frame of time `now`. Otherwise it stays
    /// pending.
    pub(super) fn is_due(&mut self, now: gst::ClockTime) -> bool {
        self.is_pending && self.limiter.is_ready(now.into())
    }

    /// Fulfils a pending request: the frame of time `now` is a key frame, whoever requested it.
    pub(super) fn serve(&mut self, now: gst::ClockTime) {
        if std::mem::take(&mut self.is_pending) {
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

    /// Requests a key frame with every frame from `begin` to `end`. Returns the times, in ms, at
    /// which the request is fulfilled.
    fn served(requests: &mut KeyFrameRequests, begin: u64, end: u64) -> Vec<u64> {
        let frames = (begin..end).step_by(100);
        let times = frames.filter(|ms| {
            requests.request();
            let is_due = requests.is_due(at(*ms));
            if is_due {
                requests.serve(at(*ms));
            }
            is_due
        });
        times.collect()
    }

    #[test]
    fn repeated_requests_get_sixteen_key_frames_and_then_two_per_second() {
        // Three more become due before the burst of sixteen is used up.
        let burst = |begin: u64| (begin..begin + 1_900).step_by(100);
        let mut requests = KeyFrameRequests::default();
        let times = served(&mut requests, 0, 4_000);
        let expected: Vec<_> = burst(0).chain([2_000, 2_500, 3_000, 3_500]).collect();
        assert_eq!(times, expected);
        // A pause restores the burst.
        let times = served(&mut requests, 60_000, 62_500);
        let expected: Vec<_> = burst(60_000).chain([62_000]).collect();
        assert_eq!(times, expected);
    }

    #[test]
    fn one_request_per_second_never_waits() {
        let mut requests = KeyFrameRequests::default();
        for second in 0..100 {
            requests.request();
            assert!(requests.is_due(at(1_000 * second)), "{second}");
            requests.serve(at(1_000 * second));
            assert!(!requests.is_due(at(1_000 * second)), "{second}");
        }
    }

    #[test]
    fn a_key_frame_fulfils_all_pending_requests_and_counts_only_for_them() {
        let mut requests = KeyFrameRequests::default();
        served(&mut requests, 0, 3_000);
        requests.request();
        assert!(!requests.is_due(at(2_900)));
        requests.serve(at(2_900));
        assert!(!requests.is_due(at(60_000)));
        let mut quiet = KeyFrameRequests::default();
        for ms in 0..100 {
            quiet.serve(at(ms));
        }
        assert_eq!(served(&mut quiet, 100, 500), [100, 200, 300, 400]);
    }

    #[test]
    fn times_that_jump_back_delay_a_request_by_at_most_half_a_second() {
        let mut requests = KeyFrameRequests::default();
        served(&mut requests, 3_600_000, 3_610_000);
        assert_eq!(served(&mut requests, 0, 1_100), [100, 600]);
    }
}
