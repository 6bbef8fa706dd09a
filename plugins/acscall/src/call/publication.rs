//! A sent stream on its way from a sink pad to its encoder.

use std::collections::VecDeque;
use std::sync::Arc;

use acscall::model::Kind;
use parking_lot::{Mutex, MutexGuard};

use super::SharedCall;
use super::driver::Command;
use super::encoder_retry::EncoderRetry;
use super::engine::{Codec, Encoder, Rate};
use super::source_health::{SourceHealth, Stall};
use super::time::system_time;

/// How many buffers may wait while the encoder starts, which takes some milliseconds.
const PENDING: usize = 12;

/// One pad's hold on the call's outgoing stream of its kind. Dropping it releases the stream.
///
/// The stream is available from the first [`Publication::push`] to [`Publication::stop`].
pub(crate) struct Publication {
    call: Arc<SharedCall>,
    slot: Arc<PublicationSlot>,
}

impl Publication {
    /// Returns `None` if another pad holds the stream of this kind.
    pub(super) fn open(call: &Arc<SharedCall>, kind: Kind) -> Option<Publication> {
        let slot = call.slot(kind);
        slot.take().then(|| Publication {
            call: call.clone(),
            slot,
        })
    }

    /// Sends a raw frame or block of samples. Its PTS is the time of the system clock.
    ///
    /// Never waits: without a receiver the buffer is dropped, and an encoder that falls behind
    /// gets the newest ones.
    pub(crate) fn push(&self, caps: &gst::Caps, buffer: gst::Buffer) {
        self.set_available(true);
        if self.slot.push(caps, buffer) {
            self.call.driver.send(Command::MakeEncoder(self.slot.kind));
        }
    }

    /// Makes the stream unavailable: its source has ended or is muted. The next push makes it
    /// available again.
    pub(crate) fn stop(&self) {
        self.set_available(false);
    }

    /// Announces a gap: the source gives nothing for this long on purpose.
    pub(crate) fn pause(&self, time: Option<gst::ClockTime>) {
        let until = system_time() + time.unwrap_or_default();
        self.slot.state.lock().stall.alive(until);
    }

    /// Sets after which time without a buffer the stream becomes unavailable; `None` for never. A
    /// screen may stand still for any time.
    pub(crate) fn set_stall_timeout(&self, timeout: Option<gst::ClockTime>) {
        let timeout = timeout.filter(|_| self.slot.kind != Kind::Screen);
        self.slot.state.lock().stall.set_timeout(timeout);
        self.call.driver.send(Command::CheckSource(self.slot.kind));
    }

    /// Sends the stream in this codec. This replaces the legs of a call in progress.
    pub(crate) fn set_codec(&self, codec: Codec) {
        let command = Command::Codec(self.slot.kind, codec);
        self.call.driver.send(command);
    }

    /// Limits the stream's bit rate, in bit/s; `None` for the default.
    pub(crate) fn set_max_bitrate(&self, max: Option<u32>) {
        let command = Command::MaxBitrate(self.slot.kind, max);
        self.call.driver.send(command);
    }

    /// Waits until all pushed buffers have been sent, at most for `timeout`.
    pub(crate) fn drain(&self, timeout: std::time::Duration) {
        if let Some(encoder) = self.slot.encoder() {
            encoder.drain(timeout);
        }
    }

    /// The stream's statistics, in the form of the pad property `stats`.
    pub(crate) fn stats(&self) -> gst::Structure {
        let slot = self.slot.state.lock();
        gst::Structure::builder("application/x-acscall-sink-pad-stats")
            .field("in", slot.pushed)
            .field("unwanted", slot.unwanted)
            .field(
                "encoded",
                slot.encoder.as_ref().map_or(0, |encoder| encoder.encoded()),
            )
            .field("encoders", u32::from(slot.encoder.is_some()))
            .field(
                "codec",
                slot.encoder.as_ref().map_or("", |e| e.codec().name()),
            )
            .field("bitrate", slot.rate.bitrate / 1000)
            .field("packet-loss", u32::from(slot.rate.loss))
            .build()
    }

    fn set_available(&self, now: bool) {
        let mut state = self.slot.state.lock();
        if !state.set_available(now) {
            return;
        }
        // Under the lock, so that the commands of two threads stay in order. Sending never waits.
        self.call
            .driver
            .send(Command::Available(self.slot.kind, now));
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        self.stop();
        self.slot.release();
    }
}

/// Where the buffers of a sent stream enter the engine.
#[derive(Debug)]
pub(super) struct PublicationSlot {
    kind: Kind,
    state: Mutex<SlotState>,
}

#[derive(Debug)]
struct SlotState {
    /// Whether a pad holds the stream.
    taken: bool,
    /// Whether the source runs.
    available: bool,
    stall: Stall,
    /// Whether a receiver reads the stream.
    wanted: bool,
    encoder: Option<Arc<Encoder>>,
    /// Of this and the next encoder.
    rate: Rate,
    /// The newest frame of an available stream, with the time at which it was pushed; never audio.
    newest: Option<(gst::Caps, gst::Buffer, gst::ClockTime)>,
    /// The buffers since an encoder was requested.
    pending: VecDeque<(gst::Caps, gst::Buffer)>,
    /// Whether the driver has been asked for an encoder.
    requested: bool,
    retry: EncoderRetry,
    pushed: u64,
    unwanted: u64,
}

impl SlotState {
    /// Returns whether this is a change.
    fn set_available(&mut self, now: bool) -> bool {
        if now && !self.available {
            // So that the driver does not judge the source by its last buffer of long ago.
            self.stall.alive(system_time());
        }
        if !now {
            self.newest = None;
        }
        std::mem::replace(&mut self.available, now) != now
    }

    /// Keeps a buffer for the next encoder. Returns true when the driver has to make that. After a
    /// failure nothing is kept until the next attempt is due: it would be stale by then.
    fn keep(&mut self, caps: &gst::Caps, buffer: gst::Buffer, now: gst::ClockTime) -> bool {
        if !self.requested && !self.retry.is_due(now) {
            return false;
        }
        self.pending.push_back((caps.clone(), buffer));
        if self.pending.len() > PENDING {
            self.pending.pop_front();
        }
        !std::mem::replace(&mut self.requested, true)
    }
}

impl PublicationSlot {
    pub(super) fn new(kind: Kind) -> PublicationSlot {
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
                pending: VecDeque::new(),
                requested: false,
                retry: EncoderRetry::default(),
                pushed: 0,
                unwanted: 0,
            }),
        }
    }

    /// Sets whether anybody reads the stream.
    pub(super) fn set_wanted(&self, wanted: bool) {
        self.state.lock().wanted = wanted;
    }

    /// Gives the slot its encoder, which takes the buffers that waited for it.
    pub(super) fn set_encoder(&self, encoder: Arc<Encoder>) {
        loop {
            let mut state = self.state.lock();
            let pending = std::mem::take(&mut state.pending);
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
    pub(super) fn take_encoder(&self) -> Option<Arc<Encoder>> {
        let mut state = self.state.lock();
        state.requested = false;
        state.retry = EncoderRetry::default();
        state.encoder.take()
    }

    /// Takes an encoder away that failed; there is none if it could not be started. After a while,
    /// longer for each failure, the next wanted buffer requests another.
    pub(super) fn take_failed_encoder(&self) -> Option<Arc<Encoder>> {
        self.take_failed_encoder_at(system_time())
    }

    fn take_failed_encoder_at(&self, now: gst::ClockTime) -> Option<Arc<Encoder>> {
        let mut state = self.state.lock();
        state.requested = false;
        state.retry.failed(now);
        let stale = std::mem::take(&mut state.pending);
        let encoder = state.encoder.take();
        drop(state);
        drop(stale);
        encoder
    }

    /// Checks whether the source has stalled. If so, its next buffer makes the stream available
    /// again.
    pub(super) fn check(&self) -> SourceHealth {
        let mut state = self.state.lock();
        if !state.available {
            return SourceHealth::Unmonitored;
        }
        let health = state.stall.check(system_time());
        if health == SourceHealth::Stalled {
            state.set_available(false);
        }
        health
    }

    /// Returns how fast to encode.
    pub(super) fn rate(&self) -> Rate {
        self.state.lock().rate
    }

    /// Sets how fast to encode, from now on.
    pub(super) fn set_rate(&self, rate: Rate) {
        let mut state = self.state.lock();
        state.rate = rate;
        // Under the lock, so that a new encoder cannot miss it. This only stores the rate.
        if let Some(encoder) = &state.encoder {
            encoder.set_rate(rate);
        }
    }

    pub(super) fn encoder(&self) -> Option<Arc<Encoder>> {
        self.state.lock().encoder.clone()
    }

    /// Takes a raw buffer. Returns true when the driver has to make an encoder for it.
    pub(super) fn push(&self, caps: &gst::Caps, buffer: gst::Buffer) -> bool {
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
    pub(super) fn repeat_newest(&self, interval: gst::ClockTime) -> bool {
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
    pub(super) fn has_frame(&self) -> bool {
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

    fn take(&self) -> bool {
        !std::mem::replace(&mut self.state.lock().taken, true)
    }

    fn release(&self) {
        let mut state = self.state.lock();
        state.taken = false;
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
        slot.state.lock().set_available(false);
        assert!(!slot.has_frame());
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
        assert!(slot.state.lock().pending.is_empty());
    }
}
