//! Limits the rate of buffers, by running time.

use gst::ClockTime;

/// A jump back by more than this restarts the gate. Reordering in encoded streams stays below it.
const REORDERING: ClockTime = ClockTime::SECOND;

/// Limits the number of buffers per second.
#[derive(Debug, Default)]
pub(super) struct RateGate {
    interval: Option<ClockTime>,
    next: Option<ClockTime>,
}

impl RateGate {
    /// Sets the rate in buffers per second; 0 is unlimited.
    pub(super) fn set_rate(&mut self, rate: f64) {
        let interval = 1e9 / rate;
        // A tiny rate is one buffer in centuries; the cast saturates.
        self.interval =
            (rate > 0.0).then(|| ClockTime::from_nseconds((interval as u64).min(u64::MAX / 4)));
        self.next = None;
    }

    /// Whether a rate is set.
    pub(super) fn is_limited(&self) -> bool {
        self.interval.is_some()
    }

    /// Whether a buffer may pass now. Buffers without a time always pass.
    pub(super) fn is_due(&self, running_time: Option<ClockTime>) -> bool {
        let (Some(interval), Some(next), Some(now)) = (self.interval, self.next, running_time)
        else {
            return true;
        };
        now >= next || now.saturating_add(interval).saturating_add(REORDERING) < next
    }

    /// Notes that a buffer has passed.
    pub(super) fn pass(&mut self, running_time: Option<ClockTime>) {
        let (Some(interval), Some(now)) = (self.interval, running_time) else {
            return;
        };
        // Keeping the grid, a rate of 20 takes 20 of 30 frames per second instead of 15. After a gap
        // the grid starts again.
        let on_grid = self.next.map(|next| next.saturating_add(interval));
        self.next = Some(match on_grid {
            Some(next) if next > now && next <= now.saturating_add(interval) => next,
            _ => now.saturating_add(interval),
        });
    }

    /// Forgets the buffers so far.
    pub(super) fn reset(&mut self) {
        self.next = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(rate: f64, times: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut gate = RateGate::default();
        gate.set_rate(rate);
        times
            .filter(|&ms| {
                let time = Some(ClockTime::from_mseconds(ms));
                let is_due = gate.is_due(time);
                if is_due {
                    gate.pass(time);
                }
                is_due
            })
            .collect()
    }

    #[test]
    fn without_a_rate_everything_passes() {
        assert_eq!(passed(0.0, 0..100).len(), 100);
    }

    #[test]
    fn a_rate_is_met_on_average_if_it_does_not_divide_the_frame_rate() {
        assert_eq!(passed(20.0, (0..300).map(|n| n * 1000 / 30)).len(), 200);
    }

    #[test]
    fn half_a_buffer_per_second_is_one_every_two_seconds() {
        assert_eq!(passed(0.5, (0..70).map(|n| n * 100)), [0, 2000, 4000, 6000]);
    }

    #[test]
    fn after_a_gap_there_is_no_burst() {
        let times = [0, 100, 5000, 5100, 5200, 6000];
        assert_eq!(passed(1.0, times.into_iter()), [0, 5000, 6000]);
    }

    #[test]
    fn a_jump_back_restarts_the_gate_and_reordering_does_not() {
        let times = [10_000, 9_900, 10_040, 100, 200, 1100];
        assert_eq!(passed(1.0, times.into_iter()), [10_000, 100, 1100]);
    }

    #[test]
    fn untimed_buffers_pass() {
        let mut gate = RateGate::default();
        gate.set_rate(1.0);
        gate.pass(Some(ClockTime::SECOND));
        assert!(gate.is_due(None));
    }
}
