//! The queue of one tap: it decides which buffers to take and to drop, and counts them.
//!
//! It has no lock, thread or pad. It returns what it drops, so that the caller can free it without
//! a lock: freeing a buffer runs foreign code.

mod items;
#[cfg(test)]
mod tests;

use self::items::Items;
pub(super) use self::items::{Dropped, Output};
use super::RawTapPolicy;
use super::rate::RateGate;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct TapQueue {
    items: Items,
    settings: Settings,
    gate: RateGate,
    /// The segment of incoming buffers.
    segment_in: Option<gst::Segment>,
    /// The segment of outgoing buffers.
    segment_out: Option<gst::Segment>,
    in_flight: Option<InFlight>,
    is_active: bool,
    is_flushing: bool,
    is_detached: bool,
    /// [`TapQueue::attach`] was called after the last buffer had left.
    is_retried: bool,
    /// The EOS event, once it was pushed: a branch that is linked later needs it, and no buffer
    /// follows that would bring it there.
    eos: Option<gst::Event>,
    received: u64,
    sent: u64,
    dropped: u64,
    last_running_time: Option<gst::ClockTime>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) policy: RawTapPolicy,
    pub(super) max_buffers: u32,
    pub(super) max_rate: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            policy: RawTapPolicy::Latest,
            max_buffers: 3,
            max_rate: 0.0,
        }
    }
}

impl Settings {
    /// Returns the maximum number of queued buffers.
    pub(super) fn capacity(&self) -> usize {
        match self.policy {
            RawTapPolicy::Latest => 1,
            RawTapPolicy::DropOldest | RawTapPolicy::DropNewest => self.max_buffers.max(1) as usize,
        }
    }
}

/// The buffer that is being pushed.
#[derive(Debug)]
struct InFlight {
    running_time: Option<gst::ClockTime>,
}

impl TapQueue {
    pub(super) fn settings(&self) -> Settings {
        self.settings
    }

    pub(super) fn set_settings(&mut self, settings: Settings) -> Dropped {
        if settings.max_rate != self.settings.max_rate {
            self.gate.set_rate(settings.max_rate);
        }
        self.settings = settings;
        let mut dropped = Dropped::default();
        while self.items.buffers() > settings.capacity() {
            let count = match settings.policy {
                RawTapPolicy::DropNewest => self.items.drop_newest(&mut dropped),
                RawTapPolicy::Latest | RawTapPolicy::DropOldest => {
                    self.items.drop_oldest(&mut dropped)
                }
            };
            self.dropped += count as u64;
        }
        dropped
    }

    /// Starts to take buffers and events.
    pub(super) fn open(&mut self) {
        self.is_active = true;
        self.is_flushing = false;
        self.is_detached = false;
        self.last_running_time = None;
    }

    /// Drops everything and stops taking buffers and events.
    pub(super) fn close(&mut self) -> Dropped {
        self.is_active = false;
        self.reset_time();
        let mut dropped = Dropped::default();
        self.dropped += self.items.drop_all(&mut dropped) as u64;
        dropped
    }

    /// Starts a flush: drops buffers and keeps sticky events.
    pub(super) fn flush_start(&mut self) -> Dropped {
        self.is_flushing = true;
        self.reset_time();
        let mut dropped = Dropped::default();
        self.dropped += self.items.drop_all_but_stickies(&mut dropped) as u64;
        dropped
    }

    /// Ends the flush.
    pub(super) fn flush_stop(&mut self) -> Dropped {
        let dropped = self.flush_start();
        self.is_flushing = false;
        self.is_detached = false;
        dropped
    }

    /// Handles a failure of the branch: drops buffers until [`TapQueue::attach`], or until caps or a
    /// stream-start with which the branch may recover.
    pub(super) fn detach(&mut self) -> Dropped {
        let mut dropped = Dropped::default();
        let (count, may_recover) = self.items.drop_before(may_recover_at, &mut dropped);
        self.dropped += count as u64;
        self.is_detached = !may_recover && !self.is_retried;
        dropped
    }

    /// Tries the branch again, or a new branch.
    pub(super) fn attach(&mut self) -> Dropped {
        self.is_detached = false;
        self.is_retried = true;
        let mut dropped = Dropped::default();
        if let Some(eos) = self.eos.take() {
            // The pad sends it, and the sticky events before it, only to a branch that lacks it.
            self.items.push_event(eos, &mut dropped);
        }
        dropped
    }

    /// Whether [`TapQueue::offer`] would take this buffer. `now` returns the running time of the
    /// clock, for buffers without a time.
    pub(super) fn would_take(
        &self,
        buffer: &gst::BufferRef,
        now: impl FnOnce() -> Option<gst::ClockTime>,
    ) -> bool {
        self.has_room() && (!self.gate.is_limited() || self.gate.is_due(self.time_of(buffer, now)))
    }

    /// Takes a reference to the buffer, or counts it as dropped. Returns the buffers that it replaces.
    pub(super) fn offer(
        &mut self,
        buffer: &gst::Buffer,
        now: impl FnOnce() -> Option<gst::ClockTime>,
    ) -> Dropped {
        self.received += 1;
        let mut dropped = Dropped::default();
        if !self.has_room() || !self.passes_gate(buffer, now) {
            self.dropped += 1;
            return dropped;
        }
        if self.items.buffers() >= self.settings.capacity() {
            self.dropped += self.items.drop_oldest(&mut dropped) as u64;
        }
        self.items.push(buffer.clone());
        dropped
    }

    /// Counts a buffer as received and dropped.
    pub(super) fn refuse(&mut self) {
        self.received += 1;
        self.dropped += 1;
    }

    /// Takes a serialized event, which keeps its place among the buffers.
    pub(super) fn offer_event(&mut self, event: &gst::Event) -> Dropped {
        let mut dropped = Dropped::default();
        if !self.is_active {
            return dropped;
        }
        if let gst::EventView::Segment(segment) = event.view() {
            self.segment_in = Some(segment.segment().clone());
        }
        if may_recover_at(event) {
            self.is_detached = false;
        }
        self.items.push_event(event.clone(), &mut dropped);
        dropped
    }

    /// Returns the next buffer or event to push.
    pub(super) fn next(&mut self) -> Option<Output> {
        let output = self.items.pop()?;
        match &output {
            Output::Buffer(buffer) => {
                self.is_retried = false;
                self.in_flight = Some(InFlight {
                    running_time: running_time(self.segment_out.as_ref(), buffer),
                });
            }
            Output::Event(event) => match event.view() {
                gst::EventView::Segment(segment) => {
                    self.segment_out = Some(segment.segment().clone());
                }
                gst::EventView::StreamStart(_) => self.eos = None,
                gst::EventView::Eos(_) => self.eos = Some(event.clone()),
                _ => {}
            },
        }
        Some(output)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Notes that the push of the last buffer of [`TapQueue::next`] has returned.
    pub(super) fn pushed(&mut self, succeeded: bool) {
        let Some(in_flight) = self.in_flight.take() else {
            return;
        };
        if succeeded {
            self.sent += 1;
            self.last_running_time = in_flight.running_time.or(self.last_running_time);
        } else {
            self.dropped += 1;
        }
    }

    /// Replaces each queued buffer with the result of `replace`, and drops it if there is none.
    pub(super) fn replace_buffers(
        &mut self,
        replace: impl Fn(&gst::Buffer) -> Option<gst::Buffer>,
    ) -> Dropped {
        let mut dropped = Dropped::default();
        self.dropped += self.items.replace(replace, &mut dropped) as u64;
        dropped
    }

    /// Returns `in`, `out`, `dropped`, `queued` and `last-running-time`.
    pub(super) fn stats(&self) -> gst::Structure {
        // Including the buffer that is being pushed.
        let queued = self.items.buffers() as u64 + u64::from(self.in_flight.is_some());
        gst::Structure::builder("application/x-rawtap-stats")
            .field("in", self.received)
            .field("out", self.sent)
            .field("dropped", self.dropped)
            .field("queued", queued)
            .field("last-running-time", self.last_running_time)
            .build()
    }

    fn has_room(&self) -> bool {
        self.is_active
            && !self.is_flushing
            && !self.is_detached
            && (self.settings.policy != RawTapPolicy::DropNewest
                || self.items.buffers() < self.settings.capacity())
    }

    fn passes_gate(
        &mut self,
        buffer: &gst::BufferRef,
        now: impl FnOnce() -> Option<gst::ClockTime>,
    ) -> bool {
        if !self.gate.is_limited() {
            return true;
        }
        let time = self.time_of(buffer, now);
        let is_due = self.gate.is_due(time);
        if is_due {
            self.gate.pass(time);
        }
        is_due
    }

    fn time_of(
        &self,
        buffer: &gst::BufferRef,
        now: impl FnOnce() -> Option<gst::ClockTime>,
    ) -> Option<gst::ClockTime> {
        running_time(self.segment_in.as_ref(), buffer).or_else(now)
    }

    fn reset_time(&mut self) {
        self.segment_in = None;
        self.segment_out = None;
        self.eos = None;
        self.gate.reset();
    }
}

/// Whether a failed branch may recover with this event: new caps, or a new stream.
fn may_recover_at(event: &gst::Event) -> bool {
    matches!(
        event.type_(),
        gst::EventType::StreamStart | gst::EventType::Caps
    )
}

fn running_time(segment: Option<&gst::Segment>, buffer: &gst::BufferRef) -> Option<gst::ClockTime> {
    let segment = segment?.downcast_ref::<gst::ClockTime>()?;
    segment.to_running_time(buffer.pts().or_else(|| buffer.dts())?)
}
