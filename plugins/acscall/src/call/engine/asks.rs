//! What one receiver may ask of an encoder that others share.
//!
//! A key frame is as large as ten other frames, for all who get the stream, and takes the encoder
//! longer than they do. So a receiver that loses something gets one at once, and one that asks on
//! and on, with or without a reason, only so many.

use super::allowance::{Allowance, Left};

/// The key frames that one line may cause: its start and the repair of a few losses in quick
/// succession. Where a path loses more than that in the long run, key frames make it worse.
const KEY_FRAMES: Allowance = Allowance {
    at_once: 4,
    interval: gst::ClockTime::SECOND,
};

/// One line's requests for key frames, and how many more it has. All times are those of frames.
#[derive(Debug, Default)]
pub(super) struct Asks {
    wants: bool,
    left: Left,
}

impl Asks {
    /// A key frame is wanted.
    pub(super) fn ask(&mut self) {
        self.wants = true;
    }

    /// Whether one is to be made with the frame of time `now`. One that is not due comes later.
    pub(super) fn is_due(&mut self, now: gst::ClockTime) -> bool {
        self.wants && self.left.has_one(KEY_FRAMES, now)
    }

    /// The frame of time `now` is a key frame, whoever asked for it.
    pub(super) fn serve(&mut self, now: gst::ClockTime) {
        if std::mem::take(&mut self.wants) {
            self.left.take(KEY_FRAMES, now);
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
    fn served(asks: &mut Asks, begin: u64, end: u64) -> Vec<u64> {
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
    fn who_asks_on_and_on_gets_four_and_then_one_per_second() {
        let mut asks = Asks::default();
        let times = served(&mut asks, 0, 4_000);
        assert_eq!(times, [0, 100, 200, 300, 1_000, 2_000, 3_000]);
        // After a pause four again.
        let times = served(&mut asks, 60_000, 61_500);
        assert_eq!(times, [60_000, 60_100, 60_200, 60_300, 61_000]);
    }

    #[test]
    fn who_asks_once_a_second_never_waits() {
        let mut asks = Asks::default();
        for second in 0..100 {
            asks.ask();
            assert!(asks.is_due(at(1_000 * second)), "{second}");
            asks.serve(at(1_000 * second));
            assert!(!asks.is_due(at(1_000 * second)), "{second}");
        }
    }

    #[test]
    fn a_key_frame_for_others_serves_all_who_wait_and_costs_who_does_not_nothing() {
        let mut asks = Asks::default();
        served(&mut asks, 0, 1_000);
        asks.ask();
        assert!(!asks.is_due(at(900)));
        asks.serve(at(900));
        assert!(!asks.is_due(at(60_000)));
        let mut quiet = Asks::default();
        for ms in 0..100 {
            quiet.serve(at(ms));
        }
        assert_eq!(served(&mut quiet, 100, 500), [100, 200, 300, 400]);
    }

    #[test]
    fn times_that_begin_anew_delay_nothing_by_more_than_a_second() {
        let mut asks = Asks::default();
        served(&mut asks, 3_600_000, 3_610_000);
        assert_eq!(served(&mut asks, 0, 2_100), [1_000, 2_000]);
    }
}
