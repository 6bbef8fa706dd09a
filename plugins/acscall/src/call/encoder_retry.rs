//! When an encoder that failed is started again.

use std::time::Duration;

use acscall::backoff::Backoff;

/// An encoder that has run for this long has worked: the delays begin again after it.
const WORKED: Duration = Duration::from_secs(5);

/// See the module. All times are the system clock's.
#[derive(Debug, Default)]
pub(super) struct EncoderRetry {
    /// When the running encoder was started.
    started: Option<gst::ClockTime>,
    backoff: Backoff,
    due: gst::ClockTime,
}

impl EncoderRetry {
    /// An encoder runs from `now` on.
    pub(super) fn started(&mut self, now: gst::ClockTime) {
        self.started = Some(now);
    }

    /// An encoder failed, or could not be started.
    pub(super) fn failed(&mut self, now: gst::ClockTime) {
        let started = self.started.take().unwrap_or(now);
        let ran = Duration::from(now.saturating_sub(started));
        if ran >= WORKED {
            self.backoff.reset();
        }
        let delay = self.backoff.after(ran).as_nanos() as u64;
        self.due = now + gst::ClockTime::from_nseconds(delay);
    }

    /// Whether an encoder may be started.
    pub(super) fn is_due(&self, now: gst::ClockTime) -> bool {
        now >= self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> gst::ClockTime {
        gst::ClockTime::from_mseconds(milliseconds)
    }

    /// The delay after a failure at `now`, in ms.
    fn delay_after(retry: &mut EncoderRetry, now: gst::ClockTime) -> u64 {
        retry.failed(now);
        assert!(!retry.is_due(retry.due - gst::ClockTime::NSECOND));
        assert!(retry.is_due(retry.due));
        (retry.due - now).mseconds()
    }

    #[test]
    fn an_encoder_that_fails_to_start_is_tried_ever_more_rarely() {
        let mut retry = EncoderRetry::default();
        assert!(retry.is_due(at(0)));
        let delays = [0; 7].map(|_| {
            let now = retry.due;
            delay_after(&mut retry, now)
        });
        assert_eq!(delays, [200, 400, 800, 1600, 3200, 5000, 5000]);
    }

    #[test]
    fn an_encoder_that_starts_and_fails_at_once_has_not_worked() {
        let mut retry = EncoderRetry::default();
        assert_eq!(delay_after(&mut retry, at(0)), 200);
        retry.started(at(1000));
        assert_eq!(delay_after(&mut retry, at(1040)), 400);
        retry.started(at(2000));
        assert_eq!(delay_after(&mut retry, at(7000)), 200);
    }
}
