//! Whether a source gives nothing any more.

/// See the module. All times are the system clock's.
#[derive(Debug, Default)]
pub(super) struct Stall {
    timeout: Option<gst::ClockTime>,
    /// The last sign of life; after now where the source announced a gap.
    live: gst::ClockTime,
}

/// What [`Stall::judge`] finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
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

    pub(super) fn judge(&self, now: gst::ClockTime) -> Verdict {
        match self.timeout {
            None => Verdict::Never,
            Some(timeout) if now >= self.live + timeout => Verdict::Stalled,
            Some(timeout) => Verdict::Lives(self.live + timeout - now),
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
        assert_eq!(stall.judge(at(1_000)), Verdict::Never);
        stall.set_timeout(Some(at(5)));
        assert_eq!(stall.judge(at(102)), Verdict::Lives(at(3)));
        assert_eq!(stall.judge(at(105)), Verdict::Stalled);
        stall.live(at(106));
        assert_eq!(stall.judge(at(106)), Verdict::Lives(at(5)));
        // A gap of 10 s.
        stall.live(at(118));
        stall.live(at(109));
        assert_eq!(stall.judge(at(120)), Verdict::Lives(at(3)));
        assert_eq!(stall.judge(at(123)), Verdict::Stalled);
    }
}
