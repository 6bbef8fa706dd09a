//! When an encoder that failed is started again.

/// The delay after the first failure. What fails because a device is busy works soon after.
const FIRST_DELAY: gst::ClockTime = gst::ClockTime::from_mseconds(200);
/// The longest delay; each failure doubles it. An encoder that has run for as long has worked:
/// after it the delays begin again.
const LONGEST_DELAY: gst::ClockTime = gst::ClockTime::from_seconds(5);

/// See the module. All times are the system clock's.
#[derive(Debug, Default)]
pub(super) struct EncoderRetry {
    /// When the encoder that runs was started.
    started: Option<gst::ClockTime>,
    delay: gst::ClockTime,
    due: gst::ClockTime,
}

impl EncoderRetry {
    /// An encoder runs from `now` on.
    pub(super) fn started(&mut self, now: gst::ClockTime) {
        self.started = Some(now);
    }

    /// An encoder failed, or could not be started.
    pub(super) fn failed(&mut self, now: gst::ClockTime) {
        let has_worked = self
            .started
            .take()
            .is_some_and(|started| now >= started + LONGEST_DELAY);
        self.delay = if has_worked || self.delay.is_zero() {
            FIRST_DELAY
        } else {
            (self.delay * 2).min(LONGEST_DELAY)
        };
        self.due = now + self.delay;
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
