//! Where the buffers of a sent stream enter the engine.

use std::collections::VecDeque;
use std::sync::Arc;

use acscall::model::Kind;
use parking_lot::{Mutex, MutexGuard};

use super::UPRIGHT;
use crate::call::encoder_retry::EncoderRetry;
use crate::call::engine::{Encoder, Rate};
use crate::call::source_health::{SourceHealth, Stall};
use crate::call::time::system_time;

/// How many buffers may wait while the encoder starts, which takes some milliseconds.
const PENDING: usize = 12;

/// See the module.
#[derive(Debug)]
pub(in crate::call) struct PublicationSlot {
    pub(super) kind: Kind,
    pub(super) state: Mutex<SlotState>,
}

#[derive(Debug)]
pub(super) struct SlotState {
    /// Whether a pad holds the stream.
    taken: bool,
    /// Whether the source runs.
    available: bool,
    pub(super) stall: Stall,
    /// Whether a receiver reads the stream.
    wanted: bool,
    encoder: Option<Arc<Encoder>>,
    /// Of this and the next encoder.
    pub(super) rate: Rate,
    /// The newest frame of an available stream, with the time at which it was pushed; never audio.
    pub(super) newest: Option<(gst::Caps, gst::Buffer, gst::ClockTime)>,
    /// The newest image-orientation tag.
    orientation: Option<Arc<str>>,
    /// The buffers since an encoder was requested.
    pending: VecDeque<(gst::Caps, gst::Buffer)>,
    /// Whether the driver has been asked for an encoder.
    requested: bool,
    retry: EncoderRetry,
    pub(super) pushed: u64,
    pub(super) unwanted: u64,
    /// The buffers that found no encoder or one that was too slow, without the present encoder's.
    pub(super) dropped: u64,
}

impl SlotState {
    /// Returns whether this is a change.
    pub(super) fn set_available(&mut self, now: bool) -> bool {
        if now && !self.available {
            // So that the driver does not judge the source by its last buffer of long ago.
            self.stall.alive(system_time());
        }
        std::mem::replace(&mut self.available, now) != now
    }

    /// Keeps a buffer for the next encoder. Returns true when the driver has to make that. After a
    /// failure nothing is kept until the next attempt is due: it would be stale by then.
    fn keep(&mut self, caps: &gst::Caps, buffer: gst::Buffer, now: gst::ClockTime) -> bool {
        if !self.requested && !self.retry.is_due(now) {
            self.dropped += 1;
            return false;
        }
        self.pending.push_back((caps.clone(), buffer));
        if self.pending.len() > PENDING {
            self.pending.pop_front();
            self.dropped += 1;
        }
        !std::mem::replace(&mut self.requested, true)
    }
}

impl PublicationSlot {
    pub(in crate::call) fn new(kind: Kind) -> PublicationSlot {
        PublicationSlot {
            kind,
            state: Mutex::new(SlotState {
                taken: false,
                available: false,
                stall: Stall::default(),
                wanted: false,
                encoder: None,
                rate: Rate::default_of(kind),
                newest: None,
                orientation: None,
                pending: VecDeque::new(),
                requested: false,
                retry: EncoderRetry::default(),
                pushed: 0,
                unwanted: 0,
                dropped: 0,
            }),
        }
    }

    /// Sets whether anybody reads the stream.
    pub(in crate::call) fn set_wanted(&self, wanted: bool) {
        self.state.lock().wanted = wanted;
    }

    /// Gives the slot its encoder, which takes the buffers that waited for it.
    pub(in crate::call) fn set_encoder(&self, encoder: Arc<Encoder>) {
        loop {
            let mut state = self.state.lock();
            let pending = std::mem::take(&mut state.pending);
            if let Some(orientation) = &state.orientation {
                encoder.set_orientation(orientation.clone());
            }
            if pending.is_empty() {
                encoder.set_rate(state.rate);
                state.retry.started(system_time());
                state.requested = false;
                state.encoder = Some(encoder);
                return;
            }
            drop(state);
            // New buffers wait in the slot meanwhile, so that none overtakes these.
            for (caps, buffer) in pending {
                encoder.push(&caps, buffer);
            }
        }
    }

    /// Takes the encoder away. The next wanted buffer requests another.
    pub(in crate::call) fn take_encoder(&self) -> Option<Arc<Encoder>> {
        let mut state = self.state.lock();
        state.requested = false;
        state.retry = EncoderRetry::default();
        let encoder = state.encoder.take();
        drop(state);
        self.count_dropped(encoder.as_deref());
        encoder
    }

    fn count_dropped(&self, encoder: Option<&Encoder>) {
        let dropped = encoder.map_or(0, Encoder::dropped);
        self.state.lock().dropped += dropped;
    }

    /// Takes an encoder away that failed; there is none if it could not be started. After a while,
    /// longer for each failure, the next wanted buffer requests another.
    pub(in crate::call) fn take_failed_encoder(&self) -> Option<Arc<Encoder>> {
        self.take_failed_encoder_at(system_time())
    }

    fn take_failed_encoder_at(&self, now: gst::ClockTime) -> Option<Arc<Encoder>> {
        let mut state = self.state.lock();
        state.requested = false;
        state.retry.failed(now);
        let stale = std::mem::take(&mut state.pending);
        state.dropped += stale.len() as u64;
        let encoder = state.encoder.take();
        drop(state);
        drop(stale);
        self.count_dropped(encoder.as_deref());
        encoder
    }

    /// Checks whether the source has stalled. If so, its next buffer makes the stream available
    /// again.
    pub(in crate::call) fn check(&self) -> SourceHealth {
        let mut state = self.state.lock();
        if !state.available {
            return SourceHealth::Unmonitored;
        }
        let health = state.stall.check(system_time());
        if health == SourceHealth::Stalled {
            state.set_available(false);
            let stale = state.newest.take();
            drop(state);
            drop(stale);
        }
        health
    }

    /// Returns how fast to encode.
    pub(in crate::call) fn rate(&self) -> Rate {
        self.state.lock().rate
    }

    /// Sets how fast to encode, from now on.
    pub(in crate::call) fn set_rate(&self, rate: Rate) {
        let mut state = self.state.lock();
        state.rate = rate;
        // Under the lock, so that a new encoder cannot miss it. This only stores the rate.
        if let Some(encoder) = &state.encoder {
            encoder.set_rate(rate);
        }
    }

    pub(super) fn set_orientation(&self, orientation: &str) {
        let mut state = self.state.lock();
        if state.orientation.as_deref().unwrap_or(UPRIGHT) == orientation {
            return;
        }
        let orientation: Arc<str> = orientation.into();
        state.orientation = Some(orientation.clone());
        // Under the lock, so that a new encoder cannot miss it. This only stores the orientation.
        if let Some(encoder) = &state.encoder {
            encoder.set_orientation(orientation);
        }
    }

    pub(in crate::call) fn encoder(&self) -> Option<Arc<Encoder>> {
        self.state.lock().encoder.clone()
    }

    /// Takes a raw buffer. Returns true when the driver has to make an encoder for it.
    pub(in crate::call) fn push(&self, caps: &gst::Caps, buffer: gst::Buffer) -> bool {
        self.push_at(caps, buffer, system_time())
    }

    fn push_at(&self, caps: &gst::Caps, buffer: gst::Buffer, now: gst::ClockTime) -> bool {
        let mut state = self.state.lock();
        state.pushed += 1;
        state.stall.alive(now);
        let replaced = match self.kind {
            Kind::Audio => None,
            Kind::Video | Kind::Screen => state.newest.replace((caps.clone(), buffer.clone(), now)),
        };
        if !state.wanted {
            state.unwanted += 1;
            drop(state);
            drop(replaced);
            return false;
        }
        self.encode(state, caps, buffer, now)
    }

    /// Sends the newest frame again, as one of `now`, if none has been pushed for `interval`.
    /// Returns true when the driver has to make an encoder for it.
    pub(in crate::call) fn repeat_newest(&self, interval: gst::ClockTime) -> bool {
        self.repeat_newest_at(interval, system_time())
    }

    fn repeat_newest_at(&self, interval: gst::ClockTime, now: gst::ClockTime) -> bool {
        let mut state = self.state.lock();
        let Some((caps, frame, pushed)) = state.newest.as_mut() else {
            return false;
        };
        if now < *pushed + interval {
            return false;
        }
        *pushed = now;
        let (caps, mut frame) = (caps.clone(), frame.copy());
        frame.make_mut().set_pts(now);
        self.encode(state, &caps, frame, now)
    }

    /// Whether a frame is there that can be repeated.
    pub(in crate::call) fn has_frame(&self) -> bool {
        self.state.lock().newest.is_some()
    }

    /// Passes a buffer to the encoder. Returns true when the driver has to make one.
    fn encode(
        &self,
        mut state: MutexGuard<'_, SlotState>,
        caps: &gst::Caps,
        buffer: gst::Buffer,
        now: gst::ClockTime,
    ) -> bool {
        let Some(encoder) = state.encoder.clone() else {
            return state.keep(caps, buffer, now);
        };
        drop(state);
        encoder.push(caps, buffer);
        false
    }

    pub(super) fn take(&self) -> bool {
        !std::mem::replace(&mut self.state.lock().taken, true)
    }

    pub(super) fn release(&self) {
        let mut state = self.state.lock();
        state.taken = false;
        state.orientation = None;
        let pending = std::mem::take(&mut state.pending);
        drop(state);
        drop(pending);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_begins_lives_before_its_first_buffer_is_taken() {
        gst::init().unwrap();
        let slot = PublicationSlot::new(Kind::Screen);
        slot.state
            .lock()
            .stall
            .set_timeout(Some(gst::ClockTime::from_seconds(5)));
        assert_eq!(slot.check(), SourceHealth::Unmonitored);
        assert!(slot.state.lock().set_available(true));
        assert!(matches!(slot.check(), SourceHealth::Alive(_)));
    }

    #[test]
    fn the_newest_frame_is_repeated_once_the_source_has_paused() {
        gst::init().unwrap();
        let at = gst::ClockTime::from_mseconds;
        let slot = PublicationSlot::new(Kind::Screen);
        let caps = gst::Caps::new_empty_simple("x/y");
        let repeat = |now| slot.repeat_newest_at(at(100), at(now));
        let waiting = || -> Vec<_> {
            let pending = slot.state.lock().pending.clone();
            pending.iter().map(|(_, buffer)| buffer.pts()).collect()
        };
        slot.state.lock().set_available(true);
        assert!(!repeat(1_000), "there is none");
        // Nobody wants it yet.
        assert!(!slot.push_at(&caps, gst::Buffer::new(), at(1_000)));
        slot.set_wanted(true);
        assert!(!repeat(1_099));
        assert!(repeat(1_100));
        assert!(!repeat(1_199), "it was just repeated");
        assert_eq!(waiting(), [Some(at(1_100))]);
    }

    #[test]
    fn an_encoder_that_cannot_be_started_is_requested_again_but_not_for_every_frame() {
        gst::init().unwrap();
        let slot = PublicationSlot::new(Kind::Video);
        slot.set_wanted(true);
        let caps = gst::Caps::new_empty_simple("x/y");
        // A minute of video at 25 frames per second, with an encoder that never starts.
        let requests: Vec<_> = (0..1500)
            .map(|number| gst::ClockTime::from_mseconds(40 * number))
            .filter(|now| slot.push_at(&caps, gst::Buffer::new(), *now))
            .inspect(|now| assert!(slot.take_failed_encoder_at(*now).is_none()))
            .map(gst::ClockTime::mseconds)
            .collect();
        assert_eq!(requests[..6], [0, 200, 600, 1400, 3000, 6200]);
        assert!(requests[6..].windows(2).all(|two| two[1] - two[0] == 5000));
        let state = slot.state.lock();
        assert!(state.pending.is_empty());
        assert_eq!(state.dropped, 1500);
    }
}
