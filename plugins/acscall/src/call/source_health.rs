//! Whether a source gives nothing any more.

/// See the module. All times are the system clock's.
#[derive(Debug, Default)]
pub(super) struct Stall {
    timeout: Option<gst::ClockTime>,
    /// The last sign of life; after now where the source announced a gap.
    live: gst::ClockTime,
}

/// What [`Stall::check`] finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SourceHealth {
    /// Nobody cares.
    Never,
    /// It lives; worth another look after this time.
    Lives(gst::ClockTime),
    Stalled,
}

impl Stall {
    pub(super) fn set_timeout(&mut self, timeout: Option<gst::ClockTime>) {
        self.timeout = timeout;
    }

    /// The source gives a sign of life at `now`, or a gap up to then.
    pub(super) fn live(&mut self, now: gst::ClockTime) {
        self.live = self.live.max(now);
    }

    pub(super) fn check(&self, now: gst::ClockTime) -> SourceHealth {
        match self.timeout {
            None => SourceHealth::Never,
            Some(timeout) if now >= self.live + timeout => SourceHealth::Stalled,
            Some(timeout) => SourceHealth::Lives(self.live + timeout - now),
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
        stall.live(at(100));
        assert_eq!(stall.check(at(1_000)), SourceHealth::Never);
        stall.set_timeout(Some(at(5)));
        assert_eq!(stall.check(at(102)), SourceHealth::Lives(at(3)));
        assert_eq!(stall.check(at(105)), SourceHealth::Stalled);
        stall.live(at(106));
        assert_eq!(stall.check(at(106)), SourceHealth::Lives(at(5)));
        // A gap of 10 s.
        stall.live(at(118));
        stall.live(at(109));
        assert_eq!(stall.check(at(120)), SourceHealth::Lives(at(3)));
        assert_eq!(stall.check(at(123)), SourceHealth::Stalled);
    }
}
