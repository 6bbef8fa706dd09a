//! Checks the buffers that arrive, and passes them to the sink, which waits until they are due.

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;

use super::super::AcsCallSinkPad;
use super::format::Format;
use super::imp::AcsCallPadSink;

/// The longest pause that a live source may make without a GAP event. A source that is ahead of the
/// clock is paced; a wrong timestamp must not silence it for longer than this.
const MAX_PAUSE: gst::ClockTime = gst::ClockTime::from_seconds(2);

/// The position and the faults of a stream.
#[derive(Debug, Default)]
pub(super) struct Intake {
    /// Where the stream continues after the newest buffer, in its segment.
    next: Option<gst::ClockTime>,
    /// The number of buffers that were dropped because they are not whole.
    broken: u64,
    /// The number of buffers whose timestamps were too far ahead.
    early: u64,
    /// The faults of the newest buffer. A fault of many buffers in a row is reported once.
    newest: Faults,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Faults {
    is_broken: bool,
    is_early: bool,
}

impl Intake {
    /// Forgets the position: a new segment begins.
    pub(super) fn restart(&mut self) {
        self.next = None;
    }

    /// Notes that the source pauses until `end`: the stream continues there, however far that is.
    pub(super) fn announced(&mut self, end: gst::ClockTime) {
        self.next = self.next.max(Some(end));
    }

    /// Returns the numbers of broken and of early buffers.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.broken, self.early)
    }

    /// Counts a buffer with these faults. Returns those that the previous one did not have.
    fn count(&mut self, faults: Faults) -> Faults {
        self.broken += u64::from(faults.is_broken);
        self.early += u64::from(faults.is_early);
        let before = std::mem::replace(&mut self.newest, faults);
        Faults {
            is_broken: faults.is_broken && !before.is_broken,
            is_early: faults.is_early && !before.is_early,
        }
    }
}

impl AcsCallPadSink {
    /// Passes a buffer from a pad of the element on to the sink behind it. A broken buffer is
    /// dropped.
    pub(super) fn chain(
        &self,
        pad: &AcsCallSinkPad,
        parent: Option<&gst::Object>,
        buffer: gst::Buffer,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let unknown = self.stream.lock().live.is_none();
        if unknown {
            self.update_live();
        }
        let Some(format) = self.stream.lock().format.clone() else {
            // Without valid caps the sink returns an error.
            return gst::ProxyPad::chain_default(pad, parent, buffer);
        };
        let mut result = Ok(gst::FlowSuccess::Ok);
        if let Some(buffer) = self.check(&format, buffer) {
            for block in format.split(buffer) {
                result = gst::ProxyPad::chain_default(pad, parent, block);
                result?;
            }
        }
        result
    }

    /// Returns the buffer with the timestamp at which it is due; `None` if it is broken.
    fn check(&self, format: &Format, mut buffer: gst::Buffer) -> Option<gst::Buffer> {
        let is_paced = self.stream.lock().live == Some(true) && self.is_paced();
        let faults = Faults {
            is_broken: !format.is_whole(&buffer),
            is_early: is_paced && buffer.pts().is_some_and(|pts| self.is_too_early(pts)),
        };
        let (new, next) = {
            let mut stream = self.stream.lock();
            (stream.intake.count(faults), stream.intake.next)
        };
        self.report(new, format, &buffer);
        if faults.is_broken {
            return None;
        }
        if faults.is_early {
            buffer.make_mut().set_pts(next.max(self.now()));
        }
        let end = end(format, &buffer);
        self.stream.lock().intake.next = end;
        Some(buffer)
    }

    /// Whether a live stream would pause for too long if it continued at this position of its
    /// segment.
    pub(super) fn is_too_early(&self, position: gst::ClockTime) -> bool {
        let next = self.stream.lock().intake.next;
        let previous_end = next.and_then(|next| self.running_time(next));
        let previous_end = previous_end.unwrap_or_default();
        match (
            self.running_time(position),
            self.obj().current_running_time(),
        ) {
            (Some(due), Some(now)) => due > now.max(previous_end) + MAX_PAUSE,
            _ => false,
        }
    }

    /// Returns the position in the segment of what is due now.
    fn now(&self) -> Option<gst::ClockTime> {
        let obj = self.obj();
        let now = obj.current_running_time()?;
        let segment = obj.segment();
        segment
            .downcast_ref::<gst::ClockTime>()?
            .position_from_running_time(now)
    }

    fn report(&self, new: Faults, format: &Format, buffer: &gst::BufferRef) {
        let kind = self.kind();
        if new.is_broken {
            gst::element_imp_warning!(
                self,
                gst::StreamError::Format,
                (
                    "a buffer of {} bytes at the pad '{kind}' is dropped: {}",
                    buffer.size(),
                    format.expectation()
                )
            );
        }
        if new.is_early {
            gst::element_imp_warning!(
                self,
                gst::StreamError::Format,
                (
                    "the timestamps at the pad '{kind}' jump ahead of the clock by more than {} s, \
                     so its buffers are sent without a pause: a live source must stamp its buffers \
                     with the running time at which they are due, and announce longer pauses by GAP \
                     events",
                    MAX_PAUSE.seconds()
                )
            );
        }
    }
}

/// Returns where the stream continues after a buffer.
fn end(format: &Format, buffer: &gst::BufferRef) -> Option<gst::ClockTime> {
    // The duration of a frame is a mere claim.
    let claimed = || buffer.duration().map(|duration| duration.min(MAX_PAUSE));
    let duration = format.duration(buffer).or_else(claimed);
    Some(buffer.pts()? + duration.unwrap_or_default())
}
