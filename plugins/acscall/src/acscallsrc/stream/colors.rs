//! The colorimetry of a pad's pictures.

use gst::prelude::*;
use parking_lot::Mutex;

use crate::call::color_converter::{ColorConverter, with_any_colorimetry};

/// Converts pictures to the colorimetry that downstream requires, or else to the default one.
#[derive(Default)]
pub(super) struct Colors(Mutex<ColorConverter>);

impl Colors {
    /// Converts a buffer that `source` is about to push. Audio stays the same.
    pub(super) fn convert(
        &self,
        source: &gst::Pad,
        caps: gst::Caps,
        buffer: gst::Buffer,
    ) -> (gst::Caps, gst::Buffer) {
        let is_set_up = self.0.lock().is_set_up(&caps);
        if source.check_reconfigure() || !is_set_up {
            // Any caps if nothing is linked.
            let allowed = source.peer_query_caps(Some(&with_any_colorimetry(&caps)));
            self.0.lock().set_up(&caps, &allowed);
        }
        self.0.lock().convert(caps, buffer)
    }
}
