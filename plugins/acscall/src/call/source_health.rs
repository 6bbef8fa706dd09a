//! Whether a source still gives buffers.

/// See the module. All times are the system clock's.
#[derive(Debug, Default)]
pub(super) struct Stall {
    timeout: Option<gst::ClockTime>,
    /// The last sign of life. In the future while an announced gap lasts.
    alive: gst::ClockTime,
}

/// The result of [`Stall::check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SourceHealth {
    /// The source has no timeout or does not run.
    Unmonitored,
    /// The source cannot have stalled before this time has passed.
    Alive(gst::ClockTime),
    Stalled,
}

impl Stall {
    pub(super) fn set_timeout(&mut self, timeout: Option<gst::ClockTime>) {
        self.timeout = timeout;
    }

    /// Notes a sign of life at `until`, or a gap that lasts until then.
    pub(super) fn alive(&mut self, until: gst::ClockTime) {
        self.alive = self.alive.max(until);
    }

    pub(super) fn check(&self, now: gst::ClockTime) -> SourceHealth {
        match self.timeout {
            None => SourceHealth::Unmonitored,
            Some(timeout) if now >= self.alive + timeout => SourceHealth::Stalled,
            Some(timeout) => SourceHealth::Alive(self.alive + timeout - now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> gst::ClockTime {
        gst::ClockTime::from_seconds(seconds)
    }

    #[test]
    fn a_source_lives_for_the_timeout_after_each_buffer_and_gap() {
        let mut stall = Stall::default();
        stall.alive(at(100));
        assert_eq!(stall.check(at(1_000)), SourceHealth::Unmonitored);
        stall.set_timeout(Some(at(5)));
        assert_eq!(stall.check(at(102)), SourceHealth::Alive(at(3)));
        assert_eq!(stall.check(at(105)), SourceHealth::Stalled);
        stall.alive(at(106));
        assert_eq!(stall.check(at(106)), SourceHealth::Alive(at(5)));
        // A gap of 10 s.
        stall.alive(at(118));
        stall.alive(at(109));
        assert_eq!(stall.check(at(120)), SourceHealth::Alive(at(3)));
        assert_eq!(stall.check(at(123)), SourceHealth::Stalled);
    }
}
