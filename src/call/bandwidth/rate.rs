//! Measured bit rates, and the capacity that they show.

use std::collections::VecDeque;
use std::time::Duration;

/// The window of a rate: R(i) of draft-ietf-rmcat-gcc-02, §5.5.
const WINDOW: Duration = Duration::from_millis(500);
/// The shortest window, in the beginning: a single frame makes no rate.
const SHORTEST: Duration = Duration::from_millis(100);
/// The weight of the latest capacity in the average: §5.5.
const WEIGHT: f64 = 0.05;
/// The variance of the capacity relative to its average, in kbit/s: its first value and its bounds.
/// Three deviations are then 10 to 25 % of a capacity of 500 kbit/s.
const VARIANCE: f64 = 0.4;
const LEAST_VARIANCE: f64 = 0.4;
const MOST_VARIANCE: f64 = 2.5;

/// Counts bits over time.
#[derive(Debug, Default)]
pub(super) struct Meter {
    bits: VecDeque<(Duration, f64)>,
    sum: f64,
    first: Option<Duration>,
}

impl Meter {
    pub(super) fn add(&mut self, at: Duration, bits: f64) {
        self.first.get_or_insert(at);
        self.bits.push_back((at, bits));
        self.sum += bits;
        while let Some((oldest, bits)) = self.bits.front()
            && *oldest + WINDOW < at
        {
            self.sum -= bits;
            self.bits.pop_front();
        }
    }

    /// Returns the rate in bit/s.
    pub(super) fn rate(&self) -> f64 {
        let Some(((last, _), first)) = self.bits.back().zip(self.first) else {
            return 0.0;
        };
        let time = last.saturating_sub(first).clamp(SHORTEST, WINDOW);
        self.sum / time.as_secs_f64()
    }
}

/// What the path carried whenever a queue grew. Near it the estimate grows slowly.
#[derive(Debug, Default)]
pub(super) struct Capacity {
    /// The average in kbit/s, and the variance relative to it.
    known: Option<(f64, f64)>,
}

impl Capacity {
    /// Whether a rate in bit/s is near the capacity. A rate far above it shows that the path has
    /// changed.
    pub(super) fn is_near(&mut self, rate: f64) -> bool {
        let Some((average, deviation)) = self.known() else {
            return false;
        };
        if rate / 1000.0 > average + 3.0 * deviation {
            self.known = None;
            return false;
        }
        rate / 1000.0 >= average - 3.0 * deviation
    }

    /// Adds the rate in bit/s that was received while a queue grew.
    pub(super) fn add(&mut self, rate: f64) {
        let rate = rate / 1000.0;
        self.known = Some(match (self.known, self.known()) {
            (Some((average, variance)), Some((_, deviation)))
                if (rate - average).abs() <= 3.0 * deviation =>
            {
                let error = rate - average;
                let average = average + WEIGHT * error;
                let newest = error * error / average.max(1.0);
                let variance = variance + WEIGHT * (newest - variance);
                (average, variance.clamp(LEAST_VARIANCE, MOST_VARIANCE))
            }
            _ => (rate, VARIANCE),
        });
    }

    /// Returns the average and the standard deviation in kbit/s.
    fn known(&self) -> Option<(f64, f64)> {
        let (average, variance) = self.known?;
        Some((average, (variance * average).sqrt()))
    }
}
