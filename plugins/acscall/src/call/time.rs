//! Translates times between an application's pipeline and the call's.
//!
//! Both share the system clock: buffers cross between them with its time.

use gst::prelude::*;

/// The share, one in so many, of a new measurement in the smoothed offset of two clocks. The
/// scheduler may run between the readings of the clocks; their drift is slow.
const SMOOTHING: i64 = 16;
/// A measured offset this far from the smoothed one is not drift: the clock was set.
const JUMP: i64 = 200_000_000;

/// Returns the system clock's time.
pub(crate) fn system_time() -> gst::ClockTime {
    gst::SystemClock::obtain().time()
}

/// Translates between the running time of one element's pipeline and the system clock.
///
/// The translation is exact if the pipeline runs on the system clock.
#[derive(Debug, Default)]
pub(crate) struct Translator {
    /// The pipeline's clock, and its smoothed offset to the system clock in ns.
    measured: Option<(gst::Clock, i64)>,
    /// The system clock's time that counts as 0 while the pipeline has no clock.
    epoch: Option<gst::ClockTime>,
}

impl Translator {
    /// Returns the running time of the pipeline of `element` at the time `system`; `None` for times
    /// before it ran. While the pipeline has no clock, that is the time since the first call.
    pub(crate) fn running_time(
        &mut self,
        element: &gst::Element,
        system: gst::ClockTime,
    ) -> Option<gst::ClockTime> {
        let Some(clock) = element.clock() else {
            return system.checked_sub(*self.epoch.get_or_insert(system));
        };
        let base = element.base_time()?.nseconds() as i64;
        let offset = self.offset(clock);
        let running = system.nseconds() as i64 + offset - base;
        u64::try_from(running)
            .ok()
            .map(gst::ClockTime::from_nseconds)
    }

    /// Returns the system clock's time when the pipeline of `element` is at `running`; `None`
    /// while the pipeline has no clock.
    pub(crate) fn system_time(
        &mut self,
        element: &gst::Element,
        running: gst::ClockTime,
    ) -> Option<gst::ClockTime> {
        let base = element.base_time()?.nseconds() as i64;
        let offset = self.offset(element.clock()?);
        let system = running.nseconds() as i64 + base - offset;
        u64::try_from(system)
            .ok()
            .map(gst::ClockTime::from_nseconds)
    }

    /// Returns the time of `clock` less the system clock's, in ns.
    fn offset(&mut self, clock: gst::Clock) -> i64 {
        let system = gst::SystemClock::obtain();
        if clock == system {
            return 0;
        }
        let now = clock.time().nseconds() as i64 - system.time().nseconds() as i64;
        let offset = match &self.measured {
            Some((known, smoothed)) if *known == clock && (now - smoothed).abs() < JUMP => {
                smoothed + (now - smoothed) / SMOOTHING
            }
            _ => now,
        };
        self.measured = Some((clock, offset));
        offset
    }
}
