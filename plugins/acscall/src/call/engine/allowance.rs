//! How often something may happen that another end of a leg can cause. On a clock of GStreamer's,
//! as [`acscall::call`] has it for legs.

/// So many at once, and one each interval in the long run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    pub(super) at_once: u64,
    pub(super) interval: gst::ClockTime,
}

/// What is left of an [`Allowance`]: all of it at first.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// When all of it is left again.
    full: Option<gst::ClockTime>,
}

impl Left {
    /// Whether there is one at `now`.
    pub(super) fn has_one(&mut self, of: Allowance, now: gst::ClockTime) -> bool {
        self.settle(of, now) <= now + of.interval * (of.at_once - 1)
    }

    /// Takes one, if there is one at `now`.
    pub(super) fn take_one(&mut self, of: Allowance, now: gst::ClockTime) -> bool {
        let has_one = self.has_one(of, now);
        if has_one {
            self.take(of, now);
        }
        has_one
    }

    /// Takes one, or what there is of it.
    pub(super) fn take(&mut self, of: Allowance, now: gst::ClockTime) {
        self.full = Some(self.settle(of, now) + of.interval);
    }

    /// Nothing waits longer than for the next one, also where times begin anew.
    fn settle(&mut self, of: Allowance, now: gst::ClockTime) -> gst::ClockTime {
        let full = self.full.unwrap_or(now);
        let full = full.clamp(now, now + of.interval * of.at_once);
        self.full = Some(full);
        full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_taken_at_once_and_then_one_each_interval() {
        let of = Allowance {
            at_once: 200,
            interval: gst::ClockTime::from_mseconds(5),
        };
        let mut left = Left::default();
        let mut taken = |milliseconds: std::ops::Range<u64>| {
            let times = milliseconds.map(gst::ClockTime::from_mseconds);
            times.filter(|now| left.take_one(of, *now)).count()
        };
        // One is asked for each millisecond.
        assert_eq!(taken(0..200), 200);
        assert_eq!(taken(200..1_000), 199);
        assert_eq!(taken(1_000..2_000), 200);
        // After a pause all of them.
        assert_eq!(taken(60_000..60_200), 200);
    }
}
