//! The colorimetry of pictures: the matrix and range of their Y, U and V.
//!
//! VP8 does not carry it, and browsers assume [`DEFAULT`], so that is sent with every codec.
//! Chromium does not always send it, and names the colorimetry in an RTP header extension. Without
//! the extension, received pictures have the colorimetry that the decoder knows, or else
//! [`DEFAULT`]. GStreamer would assume BT.709 from 577 lines on.

use std::str::FromStr;
use std::sync::Arc;

use gst::prelude::*;
use gst_video::{
    VideoColorMatrix, VideoColorPrimaries, VideoColorRange, VideoColorimetry, VideoInfo,
    VideoTransferFunction,
};
use parking_lot::Mutex;

#[cfg(test)]
mod tests;

/// The URI of the header extension.
pub(super) const COLOR_SPACE_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/color-space";
/// BT.601, in limited range.
pub(in crate::call) const DEFAULT: &str = "bt601";

/// In the first byte of an RTP packet: the extension bit and the CSRC count.
const EXTENSION: u8 = 0x10;
const CSRC_COUNT: u8 = 0x0f;
/// In the second byte: the marker bit, which the last packet of a frame has.
const MARKER: u8 = 0x80;

/// Makes `converter` convert the range of every input. GStreamer (1.22 to 1.28) does not convert it
/// between pictures with the same matrix. Full-range BT.601 is therefore declared to have the
/// FCC's matrix, which differs by 0.004 at most: one level of 8 bits.
pub(super) fn force_range_conversion(converter: &gst::Element) {
    let Some(pad) = converter.static_pad("sink") else {
        return;
    };
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        let replaced = match info.event().map(|event| event.view()) {
            Some(gst::EventView::Caps(event)) => with_fcc_matrix(event.caps()),
            _ => None,
        };
        if let Some(caps) = replaced {
            info.data = Some(gst::PadProbeData::Event(gst::event::Caps::new(&caps)));
        }
        gst::PadProbeReturn::Ok
    });
}

/// Returns the caps with the FCC's matrix if they are full-range BT.601.
pub(in crate::call) fn with_fcc_matrix(caps: &gst::CapsRef) -> Option<gst::Caps> {
    let mut caps = caps.to_owned();
    let info = VideoInfo::from_caps(&caps).ok()?;
    let colorimetry = info.colorimetry();
    if info.format_info().is_rgb()
        || colorimetry.range() != VideoColorRange::Range0_255
        || colorimetry.matrix() != VideoColorMatrix::Bt601
    {
        return None;
    }
    let fcc = VideoColorimetry::new(
        colorimetry.range(),
        VideoColorMatrix::Fcc,
        colorimetry.transfer(),
        colorimetry.primaries(),
    );
    caps.make_mut().set("colorimetry", fcc.to_string());
    Some(caps)
}

/// Tracks the colorimetry of a received track. Its packets, frames and pictures pass in one thread.
#[derive(Default)]
pub(super) struct ColorimetryTracker(Mutex<State>);

#[derive(Default)]
struct State {
    /// From the last packet of the newest frame.
    announced: Option<VideoColorimetry>,
    /// Of the pictures that are being decoded.
    current: Option<VideoColorimetry>,
    labelled: Option<Labelled>,
}

/// The newest result of [`ColorimetryTracker::label`].
struct Labelled {
    decoded: gst::Caps,
    current: Option<VideoColorimetry>,
    caps: gst::Caps,
}

impl ColorimetryTracker {
    /// Watches the sink pads of a depayloader (`packets`) and of a decoder (`frames`). `rtp` is the
    /// track's RTP caps.
    pub(super) fn watch(
        rtp: &gst::CapsRef,
        packets: &gst::Pad,
        frames: &gst::Pad,
    ) -> Arc<ColorimetryTracker> {
        let tracker: Arc<ColorimetryTracker> = Arc::default();
        // Packets have the extension only if it was negotiated.
        if let Some(extension) = rtp.structure(0).and_then(extension_number) {
            let tracker = tracker.clone();
            packets.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
                if let Some(Ok(packet)) = info.buffer().map(|buffer| buffer.map_readable()) {
                    tracker.packet(extension, &packet);
                }
                gst::PadProbeReturn::Ok
            });
        }
        let watching = tracker.clone();
        frames.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(frame) = info.buffer() {
                watching.frame(!frame.flags().contains(gst::BufferFlags::DELTA_UNIT));
            }
            gst::PadProbeReturn::Ok
        });
        tracker
    }

    /// Handles a packet. Only the last packet of a frame announces a colorimetry.
    fn packet(&self, extension: u8, packet: &[u8]) {
        if packet.get(1).is_some_and(|byte| byte & MARKER != 0) {
            self.0.lock().announced = header_extension(packet, extension).and_then(color_space);
        }
    }

    /// Handles a frame on its way to the decoder. An announcement holds until the next one, or until
    /// a key frame without one.
    fn frame(&self, is_key: bool) {
        let mut state = self.0.lock();
        let announced = state.announced.take();
        if is_key || announced.is_some() {
            state.current = announced;
        }
    }

    /// Returns the caps for readers of a picture that was decoded to these caps.
    pub(super) fn label(&self, decoded: gst::Caps) -> gst::Caps {
        let mut state = self.0.lock();
        let current = state.current;
        match &state.labelled {
            Some(label) if label.decoded == decoded && label.current == current => {
                label.caps.clone()
            }
            _ => {
                let caps = labelled(&decoded, current).unwrap_or_else(|| decoded.clone());
                state.labelled = Some(Labelled {
                    decoded,
                    current,
                    caps: caps.clone(),
                });
                caps
            }
        }
    }
}

/// Returns the number of the header extension in these RTP caps.
fn extension_number(rtp: &gst::StructureRef) -> Option<u8> {
    rtp.iter()
        .filter(|(_, uri)| uri.get::<&str>() == Ok(COLOR_SPACE_URI))
        .find_map(|(field, _)| field.strip_prefix("extmap-")?.parse().ok())
}

/// Returns the caps with the current colorimetry, or else the one that the decoder knows. Returns
/// `None` if they are not YUV.
fn labelled(decoded: &gst::Caps, current: Option<VideoColorimetry>) -> Option<gst::Caps> {
    let info = VideoInfo::from_caps(decoded).ok()?;
    if !info.format_info().is_yuv() {
        return None;
    }
    let from_decoder = || {
        let known = decoded.structure(0)?.get::<&str>("colorimetry").ok()?;
        VideoColorimetry::from_str(known).ok()
    };
    let default = VideoColorimetry::from_str(DEFAULT).ok()?;
    let colorimetry = match current.or_else(from_decoder) {
        Some(known) => complete(&known, &default),
        None => default,
    };
    let mut caps = decoded.clone();
    caps.make_mut().set("colorimetry", colorimetry.to_string());
    Some(caps)
}

/// Fills in the unknown parts of a colorimetry from the default.
fn complete(known: &VideoColorimetry, default: &VideoColorimetry) -> VideoColorimetry {
    let range = match known.range() {
        VideoColorRange::Unknown => default.range(),
        range => range,
    };
    let matrix = match known.matrix() {
        // The picture is not RGB.
        VideoColorMatrix::Unknown | VideoColorMatrix::Rgb => default.matrix(),
        matrix => matrix,
    };
    let transfer = match known.transfer() {
        VideoTransferFunction::Unknown => default.transfer(),
        transfer => transfer,
    };
    let primaries = match known.primaries() {
        VideoColorPrimaries::Unknown => default.primaries(),
        primaries => primaries,
    };
    VideoColorimetry::new(range, matrix, transfer, primaries)
}

/// Parses the extension. The HDR metadata that may follow are ignored.
fn color_space(extension: &[u8]) -> Option<VideoColorimetry> {
    let [primaries, transfer, matrix, range_and_siting, ..] = *extension else {
        return None;
    };
    let range = match range_and_siting >> 4 {
        1 => VideoColorRange::Range16_235,
        2 => VideoColorRange::Range0_255,
        _ => VideoColorRange::Unknown,
    };
    Some(VideoColorimetry::new(
        range,
        VideoColorMatrix::from_iso(matrix.into()),
        VideoTransferFunction::from_iso(transfer.into()),
        VideoColorPrimaries::from_iso(primaries.into()),
    ))
}

/// Returns the header extension with this number (RFC 3550, 5.3.1; RFC 8285).
fn header_extension(packet: &[u8], number: u8) -> Option<&[u8]> {
    let first = packet.first().filter(|first| *first & EXTENSION != 0)?;
    let sources = usize::from(first & CSRC_COUNT);
    let (profile, rest) = packet.get(12 + 4 * sources..)?.split_at_checked(2)?;
    let (words, rest) = rest.split_first_chunk()?;
    let mut rest = rest.get(..4 * usize::from(u16::from_be_bytes(*words)))?;
    let is_two_byte = match profile {
        [0xbe, 0xde] => false,
        [0x10, 0x00..=0x0f] => true,
        _ => return None,
    };
    while let [head, after @ ..] = rest {
        let (id, length, after) = match (is_two_byte, after) {
            // Padding.
            _ if *head == 0 => (0, 0, after),
            (true, [length, after @ ..]) => (*head, usize::from(*length), after),
            (true, []) => return None,
            (false, _) => (head >> 4, usize::from(head & 0x0f) + 1, after),
        };
        let (content, after) = after.split_at_checked(length)?;
        if id == number {
            return Some(content);
        }
        rest = after;
    }
    None
}
