//! Setting the rate of a running encoder.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gst::prelude::*;
use parking_lot::Mutex;

use super::encoder_chain::{self, Rate};

/// The rate of an encoder. Setting an encoder's properties waits for the frame that is being
/// encoded, so they are set between two frames, on the encoder's own thread.
#[derive(Debug)]
pub(super) struct RateControl {
    rate: Mutex<Rate>,
    changed: AtomicBool,
}

impl RateControl {
    pub(super) fn new(rate: Rate) -> RateControl {
        RateControl {
            rate: Mutex::new(rate),
            changed: AtomicBool::new(false),
        }
    }

    pub(super) fn set(&self, rate: Rate) {
        *self.rate.lock() = rate;
        self.changed.store(true, Ordering::Release);
    }

    fn get(&self) -> Rate {
        *self.rate.lock()
    }

    /// Applies the rate to the encoder now, and before the next frame whenever it has changed.
    pub(super) fn apply_between_frames(self: &Arc<Self>, encoder: &gst::Element) {
        encoder_chain::set_rate(encoder, self.get());
        let (rate_control, weak) = (self.clone(), encoder.downgrade());
        if let Some(pad) = encoder.static_pad("sink") {
            pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
                if rate_control.changed.swap(false, Ordering::AcqRel)
                    && let Some(encoder) = weak.upgrade()
                {
                    encoder_chain::set_rate(&encoder, rate_control.get());
                }
                gst::PadProbeReturn::Ok
            });
        }
    }
}
