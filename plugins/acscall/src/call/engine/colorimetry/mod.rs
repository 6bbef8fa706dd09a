//! By which matrix, and in which range, the Y, U and V of a picture were made.
//!
//! VP8 does not say it, and browsers take it for [`USUAL`]: so that is what is sent, by every codec.
//! Chromium does not always send that, and says what it sends in an extension of the RTP header.
//! What is received without it is what its decoder says, or [`USUAL`]; GStreamer by itself would
//! take it for BT.709 from 577 lines on.

use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gst::prelude::*;
use gst_video::{
    VideoColorMatrix, VideoColorPrimaries, VideoColorRange, VideoColorimetry, VideoInfo,
    VideoTransferFunction,
};

#[cfg(test)]
mod tests;

/// The URI of that extension.
pub(super) const COLOUR_SPACE_URI: &str =
    "http://www.webrtc.org/experiments/rtp-hdrext/color-space";
/// BT.601, in limited range.
pub(super) const USUAL: &str = "bt601";

/// In the first byte of an RTP packet: there is an extension, and how many sources contributed.
const EXTENSION: u8 = 0x10;
const SOURCES: u8 = 0x0f;
/// In the second: it is the last one of its frame.
const MARKER: u8 = 0x80;

/// Has `converter` convert the range, too, whatever comes in. Between pictures of the same matrix
/// GStreamer leaves it as it is (1.22 to 1.28): so full range by BT.601 is told as by the matrix of
/// the FCC, which differs from that by 0.004 at the most, a level of 8 bits.
pub(super) fn convert_ranges(converter: &gst::Element) {
    let Some(pad) = converter.static_pad("sink") else {
        return;
    };
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        let told = match info.event().map(|event| event.view()) {
            Some(gst::EventView::Caps(event)) => with_another_matrix(event.caps()),
            _ => None,
        };
        if let Some(caps) = told {
            info.data = Some(gst::PadProbeData::Event(gst::event::Caps::new(&caps)));
        }
        gst::PadProbeReturn::Ok
    });
}

fn with_another_matrix(caps: &gst::CapsRef) -> Option<gst::Caps> {
    let mut caps = caps.to_owned();
    let info = VideoInfo::from_caps(&caps).ok()?;
    let (is_rgb, is) = (info.format_info().is_rgb(), info.colorimetry());
    if is_rgb || is.range() != VideoColorRange::Range0_255 || is.matrix() != VideoColorMatrix::Bt601
    {
        return None;
    }
    let told = VideoColorimetry::new(
        is.range(),
        VideoColorMatrix::Fcc,
        is.transfer(),
        is.primaries(),
    );
    caps.make_mut().set("colorimetry", told.to_string());
    Some(caps)
}

/// What is known of one received line. Its packets, frames and pictures pass in one thread.
#[derive(Default)]
pub(super) struct Colours(Mutex<State>);

#[derive(Default)]
struct State {
    /// What the newest frame's last packet said.
    said: Option<VideoColorimetry>,
    /// What holds.
    holds: Option<VideoColorimetry>,
    labelled: Option<Labelled>,
}

/// The newest label.
struct Labelled {
    decoded: gst::Caps,
    holds: Option<VideoColorimetry>,
    told: gst::Caps,
}

impl Colours {
    /// Those of a line with these RTP caps, of what goes through its depayloader's and its decoder's
    /// sink pad.
    pub(super) fn watch(
        line: &gst::CapsRef,
        packets: &gst::Pad,
        frames: &gst::Pad,
    ) -> Arc<Colours> {
        let colours: Arc<Colours> = Arc::default();
        // Where it was not agreed on, it does not come.
        if let Some(extension) = line.structure(0).and_then(number) {
            let colours = colours.clone();
            packets.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
                if let Some(Ok(packet)) = info.buffer().map(|buffer| buffer.map_readable()) {
                    colours.packet(extension, &packet);
                }
                gst::PadProbeReturn::Ok
            });
        }
        let watching = colours.clone();
        frames.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(frame) = info.buffer() {
                watching.frame(!frame.flags().contains(gst::BufferFlags::DELTA_UNIT));
            }
            gst::PadProbeReturn::Ok
        });
        colours
    }

    /// A packet of the line. Only the last one of a frame says something.
    fn packet(&self, extension: u8, packet: &[u8]) {
        if packet.get(1).is_some_and(|byte| byte & MARKER != 0) {
            self.lock().said = header_extension(packet, extension).and_then(colour_space);
        }
    }

    /// A frame, on its way to the decoder. What was said holds until something else is, or until a
    /// key frame of which nothing is said.
    fn frame(&self, is_key: bool) {
        let mut state = self.lock();
        let said = state.said.take();
        if is_key || said.is_some() {
            state.holds = said;
        }
    }

    /// The caps that readers are told for a picture that was decoded to these.
    pub(super) fn label(&self, decoded: gst::Caps) -> gst::Caps {
        let mut state = self.lock();
        let holds = state.holds;
        match &state.labelled {
            Some(label) if label.decoded == decoded && label.holds == holds => label.told.clone(),
            _ => {
                let told = labelled(&decoded, holds.as_ref()).unwrap_or_else(|| decoded.clone());
                let label = Labelled {
                    decoded,
                    holds,
                    told: told.clone(),
                };
                state.labelled = Some(label);
                told
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of the extension on a line with these RTP caps.
fn number(line: &gst::StructureRef) -> Option<u8> {
    line.iter()
        .filter(|(_, uri)| uri.get::<&str>() == Ok(COLOUR_SPACE_URI))
        .find_map(|(field, _)| field.strip_prefix("extmap-")?.parse().ok())
}

/// The caps with what holds, or with what the decoder knows. None where they are no YUV.
fn labelled(decoded: &gst::Caps, holds: Option<&VideoColorimetry>) -> Option<gst::Caps> {
    let info = VideoInfo::from_caps(decoded).ok()?;
    if !info.format_info().is_yuv() {
        return None;
    }
    let decoder = || {
        let known = decoded.structure(0)?.get::<&str>("colorimetry").ok()?;
        VideoColorimetry::from_str(known).ok()
    };
    let usual = VideoColorimetry::from_str(USUAL).ok()?;
    let told = match holds.copied().or_else(decoder) {
        Some(known) => complete(&known, &usual),
        None => usual,
    };
    let mut caps = decoded.clone();
    caps.make_mut().set("colorimetry", told.to_string());
    Some(caps)
}

/// What is not known is as usual.
fn complete(known: &VideoColorimetry, usual: &VideoColorimetry) -> VideoColorimetry {
    let range = match known.range() {
        VideoColorRange::Unknown => usual.range(),
        range => range,
    };
    let matrix = match known.matrix() {
        // Red, green and blue are not what was decoded.
        VideoColorMatrix::Unknown | VideoColorMatrix::Rgb => usual.matrix(),
        matrix => matrix,
    };
    let transfer = match known.transfer() {
        VideoTransferFunction::Unknown => usual.transfer(),
        transfer => transfer,
    };
    let primaries = match known.primaries() {
        VideoColorPrimaries::Unknown => usual.primaries(),
        primaries => primaries,
    };
    VideoColorimetry::new(range, matrix, transfer, primaries)
}

/// What the extension says. Of HDR, which may follow, nothing is read.
fn colour_space(extension: &[u8]) -> Option<VideoColorimetry> {
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

/// The extension of this number in a packet's header (RFC 3550, 5.3.1; RFC 8285).
fn header_extension(packet: &[u8], number: u8) -> Option<&[u8]> {
    let first = packet.first().filter(|first| *first & EXTENSION != 0)?;
    let sources = usize::from(first & SOURCES);
    let (profile, rest) = packet.get(12 + 4 * sources..)?.split_at_checked(2)?;
    let (words, rest) = rest.split_first_chunk()?;
    let mut rest = rest.get(..4 * usize::from(u16::from_be_bytes(*words)))?;
    let has_long_heads = match profile {
        [0xbe, 0xde] => false,
        [0x10, 0x00..=0x0f] => true,
        _ => return None,
    };
    while let [head, after @ ..] = rest {
        let (id, length, after) = match (has_long_heads, after) {
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
