//! Times on their way between an application's pipeline and the call's.
//!
//! What the two have in common is the system clock: buffers cross with its time.

use gst::prelude::*;

/// How much of a newly measured offset between two clocks is believed. Reading two clocks one
/// after the other is off by what the scheduler puts in between; their drift is slow.
const SMOOTHING: i64 = 16;
/// A measured offset this far from the smoothed one is not drift: the clock was set anew.
const JUMP: i64 = 200_000_000;

/// The system clock's time.
pub(crate) fn system_time() -> gst::ClockTime {
    gst::SystemClock::obtain().time()
}

/// Translates between the running time of one element's pipeline and the system clock.
///
/// Where the pipeline runs on the system clock the translation is exact.
#[derive(Debug, Default)]
pub(crate) struct Translator {
    /// The pipeline's clock, and its smoothed offset to the system clock in ns.
    measured: Option<(gst::Clock, i64)>,
}

impl Translator {
    /// The running time that `system` is in the pipeline of `element`; `None` before the
    /// pipeline has a clock, and for times before it ran.
    pub(crate) fn running_time(
        &mut self,
        element: &gst::Element,
        system: gst::ClockTime,
    ) -> Option<gst::ClockTime> {
        let base = element.base_time()?.nseconds() as i64;
        let offset = self.offset(element.clock()?);
        let running = system.nseconds() as i64 + offset - base;
        u64::try_from(running)
            .ok()
            .map(gst::ClockTime::from_nseconds)
    }

    /// The system clock's time when the pipeline of `element` is at `running`; `None` before
    /// the pipeline has a clock.
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

    /// What is to be added to the system clock's time to get that of `clock`.
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
