//! A sent stream on its way from a sink pad to its encoder.

mod slot;

use std::sync::Arc;

use acscall::model::Kind;

use super::SharedCall;
use super::driver::Command;
use super::engine::{Codec, Encoder};
use super::time::system_time;
pub(super) use slot::PublicationSlot;

/// The image-orientation tag of pictures that are sent as they are.
pub(crate) const UPRIGHT: &str = "rotate-0";

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

    /// Sets how the pictures from the next one on are to be turned, as an image-orientation tag says.
    pub(crate) fn set_orientation(&self, orientation: &str) {
        self.slot.set_orientation(orientation);
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
        let encoder = self.slot.encoder();
        let encoder = encoder.as_deref();
        let slot = self.slot.state.lock();
        let (pushed, unwanted, dropped, rate) =
            (slot.pushed, slot.unwanted, slot.dropped, slot.rate);
        drop(slot);
        gst::Structure::builder("application/x-acscall-sink-pad-stats")
            .field("in", pushed)
            .field("unwanted", unwanted)
            .field("dropped", dropped + encoder.map_or(0, Encoder::dropped))
            .field("encoded", encoder.map_or(0, Encoder::encoded))
            .field("encoders", u32::from(encoder.is_some()))
            .field("codec", encoder.map_or("", |e| e.codec().name()))
            .field("bitrate", rate.bitrate / 1000)
            .field("packet-loss", u32::from(rate.loss))
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
        let stale = if now { None } else { state.newest.take() };
        drop(state);
        drop(stale);
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        self.stop();
        self.slot.release();
    }
}
