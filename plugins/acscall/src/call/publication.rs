//! The way of one sent stream from a sink pad to its encoder.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acscall::model::Kind;

use super::SharedCall;
use super::driver::Command;
use super::engine::{Codec, Encoder, Rate};
use super::source_health::{SourceHealth, Stall};
use super::time::system_time;

/// What may wait for the encoder to be made, which takes some milliseconds.
const PENDING: usize = 12;

/// The hold of one pad on the call's outgoing stream of its kind, ended by dropping it.
///
/// The stream is available from the first [`Publication::push`] to [`Publication::stop`].
pub(crate) struct Publication {
    call: Arc<SharedCall>,
    slot: Arc<PublicationSlot>,
}

impl Publication {
    /// `None` if another pad holds the stream of this kind.
    pub(super) fn open(call: &Arc<SharedCall>, kind: Kind) -> Option<Publication> {
        let slot = call.slot(kind);
        slot.take().then(|| Publication {
            call: call.clone(),
            slot,
        })
    }

    /// Sends a raw frame or block of samples. Its PTS is the time of the system clock.
    ///
    /// Never waits: with no receiver it is dropped, and an encoder that falls behind gets the
    /// newest.
    pub(crate) fn push(&self, caps: &gst::Caps, buffer: gst::Buffer) {
        self.set_available(true);
        if self.slot.push(caps, buffer) {
            self.call.driver.send(Command::MakeEncoder(self.slot.kind));
        }
    }

    /// The source has ended or is muted. The next push starts the stream again.
    pub(crate) fn stop(&self) {
        self.set_available(false);
    }

    /// The source gives nothing for this long on purpose.
    pub(crate) fn pause(&self, time: Option<gst::ClockTime>) {
        let until = system_time() + time.unwrap_or_default();
        self.slot.lock().stall.live(until);
    }

    /// The stream becomes not available where nothing comes for this long; `None` for never.
    pub(crate) fn set_stall_timeout(&self, timeout: Option<gst::ClockTime>) {
        self.slot.lock().stall.set_timeout(timeout);
        self.call.driver.send(Command::Watch(self.slot.kind));
    }

    /// Sends the stream in this codec. In a call that is under way, the legs are replaced.
    pub(crate) fn set_codec(&self, codec: Codec) {
        let command = Command::Codec(self.slot.kind, codec);
        self.call.driver.send(command);
    }

    /// Limits what the stream takes, in bit/s; `None` for the default.
    pub(crate) fn set_max_bitrate(&self, most: Option<u32>) {
        let command = Command::MaxBitrate(self.slot.kind, most);
        self.call.driver.send(command);
    }

    /// Waits until all that was pushed has left, at most for `timeout`.
    pub(crate) fn drain(&self, timeout: std::time::Duration) {
        let encoder = self.slot.lock().encoder.clone();
        if let Some(encoder) = encoder {
            encoder.drain(timeout);
        }
    }

    /// The stream's statistics, in the form of the pad property `stats`.
    pub(crate) fn stats(&self) -> gst::Structure {
        let slot = self.slot.lock();
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
        let mut state = self.slot.lock();
        if !state.set_available(now) {
            return;
        }
        // Under the lock: two threads must not tell it in the wrong order. Sending never waits.
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

/// Where a sent stream's buffers meet the engine.
#[derive(Debug)]
pub(super) struct PublicationSlot {
    kind: Kind,
    state: Mutex<PortState>,
}

#[derive(Debug)]
struct PortState {
    /// A pad holds the stream.
    taken: bool,
    /// The source runs.
    available: bool,
    stall: Stall,
    /// A receiver reads the stream.
    wanted: bool,
    encoder: Option<Arc<Encoder>>,
    /// Of this and the next encoder.
    rate: Rate,
    /// What came since the encoder was asked for.
    pending: VecDeque<(gst::Caps, gst::Buffer)>,
    asked: bool,
    pushed: u64,
    unwanted: u64,
}

impl PortState {
    /// Whether that is a change.
    fn set_available(&mut self, now: bool) -> bool {
        if now && !self.available {
            // Before the driver can judge the source by what it gave long ago, or never.
            self.stall.live(system_time());
        }
        std::mem::replace(&mut self.available, now) != now
    }
}

impl PublicationSlot {
    pub(super) fn new(kind: Kind) -> PublicationSlot {
        PublicationSlot {
            kind,
            state: Mutex::new(PortState {
                taken: false,
                available: false,
                stall: Stall::default(),
                wanted: false,
                encoder: None,
                rate: Rate::default_of(kind),
                pending: VecDeque::new(),
                asked: false,
                pushed: 0,
                unwanted: 0,
            }),
        }
    }

    /// Whether anybody reads the stream now.
    pub(super) fn set_wanted(&self, wanted: bool) {
        self.lock().wanted = wanted;
    }

    /// Gives the slot its encoder, which takes what waited for it.
    pub(super) fn set_encoder(&self, encoder: Arc<Encoder>) {
        let mut state = self.lock();
        // Under the lock, so that nothing overtakes; an encoder's queue never waits.
        for (caps, buffer) in state.pending.drain(..) {
            encoder.push(&caps, buffer);
        }
        state.asked = false;
        encoder.set_rate(state.rate);
        state.encoder = Some(encoder);
    }

    /// Takes the encoder away. The next wanted buffer asks for another.
    pub(super) fn take_encoder(&self) -> Option<Arc<Encoder>> {
        let mut state = self.lock();
        state.asked = false;
        state.encoder.take()
    }

    /// Whether the source has stalled. If so, its next buffer makes the stream available again.
    pub(super) fn check(&self) -> SourceHealth {
        let mut state = self.lock();
        if !state.available {
            return SourceHealth::Never;
        }
        let verdict = state.stall.check(system_time());
        if verdict == SourceHealth::Stalled {
            state.available = false;
        }
        verdict
    }

    /// How fast to encode.
    pub(super) fn rate(&self) -> Rate {
        self.lock().rate
    }

    /// Sets how fast to encode, from now on.
    pub(super) fn set_rate(&self, rate: Rate) {
        let mut state = self.lock();
        state.rate = rate;
        // Under the lock, so that a new encoder cannot miss it; it never waits.
        if let Some(encoder) = &state.encoder {
            encoder.set_rate(rate);
        }
    }

    pub(super) fn encoder(&self) -> Option<Arc<Encoder>> {
        self.lock().encoder.clone()
    }

    /// Takes a raw buffer; true when an encoder has to be made for it.
    pub(super) fn push(&self, caps: &gst::Caps, buffer: gst::Buffer) -> bool {
        let mut state = self.lock();
        state.pushed += 1;
        state.stall.live(system_time());
        if !state.wanted {
            state.unwanted += 1;
            return false;
        }
        if let Some(encoder) = &state.encoder {
            encoder.push(caps, buffer);
            return false;
        }
        state.pending.push_back((caps.clone(), buffer));
        if state.pending.len() > PENDING {
            state.pending.pop_front();
        }
        !std::mem::replace(&mut state.asked, true)
    }

    fn take(&self) -> bool {
        !std::mem::replace(&mut self.lock().taken, true)
    }

    fn release(&self) {
        let mut state = self.lock();
        state.taken = false;
        state.pending.clear();
    }

    fn lock(&self) -> MutexGuard<'_, PortState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_begins_lives_before_its_first_buffer_is_taken() {
        gst::init().unwrap();
        let slot = PublicationSlot::new(Kind::Screen);
        slot.lock()
            .stall
            .set_timeout(Some(gst::ClockTime::from_seconds(5)));
        assert_eq!(slot.check(), SourceHealth::Never);
        assert!(slot.lock().set_available(true));
        assert!(matches!(slot.check(), SourceHealth::Lives(_)));
    }
}
