//! The encoder elements: their configuration for calls, and their rate.

use acscall::call::default_bitrate;
use acscall::model::Kind;
use gst::prelude::*;

use super::channels;
use super::codec::{Codec, MissingElement, make, make_first, raw_audio};
use super::colorimetry;

/// The fill level, in percent, below which libvpx drops frames to refill its rate buffer of
/// 120 ms. Frames wait for nothing else.
const DROPFRAME_THRESHOLD: i32 = 30;

/// The largest width and height that VP8 supports, in pixels.
const MAX_SIDE: i32 = 16_383;

/// The rate of an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::call) struct Rate {
    /// In bit/s.
    pub(in crate::call) bitrate: u32,
    /// The expected packet loss, in percent.
    pub(in crate::call) loss: u8,
}

impl Rate {
    /// Returns the rate before the bandwidth is known.
    pub(in crate::call) fn default_of(kind: Kind) -> Rate {
        Rate {
            bitrate: default_bitrate(kind),
            loss: 0,
        }
    }
}

/// The elements that turn raw media into encoded frames, in the order of their links.
pub(super) struct Chain {
    pub(super) elements: Vec<gst::Element>,
    /// The encoder, which is one of the elements.
    pub(super) encoder: gst::Element,
}

/// Makes the chain for a codec.
pub(super) fn chain(codec: Codec) -> Result<Chain, MissingElement> {
    let encoder = make_first(codec.encoders())?;
    let name = encoder.factory().map(|factory| factory.name());
    match name.as_deref() {
        Some("opusenc") => {
            encoder.set_property("inband-fec", true);
            encoder.set_property("perfect-timestamp", false);
        }
        Some("vp8enc") => {
            set_up_vpx(&encoder);
            encoder.set_property("cpu-used", -12i32);
        }
        Some("vp9enc") => {
            set_up_vpx(&encoder);
            // libvpx's recommendation for calls.
            encoder.set_property("cpu-used", 8i32);
        }
        Some("x264enc") => {
            encoder.set_property_from_str("tune", "zerolatency");
            encoder.set_property_from_str("speed-preset", "superfast");
            encoder.set_property("threads", 1u32);
            encoder.set_property("byte-stream", true);
            encoder.set_property("key-int-max", i32::MAX as u32);
            // In ms of the bit rate. A key frame is as large as ten other frames.
            encoder.set_property("vbv-buf-capacity", 300u32);
        }
        Some("openh264enc") => {
            encoder.set_property_from_str("rate-control", "bitrate");
            encoder.set_property_from_str("complexity", "low");
            encoder.set_property("multi-thread", 1u32);
            encoder.set_property("gop-size", 0u32);
        }
        Some("av1enc") => {
            encoder.set_property_from_str("usage-profile", "realtime");
            encoder.set_property_from_str("end-usage", "cbr");
            encoder.set_property_from_str("keyframe-mode", "disabled");
            encoder.set_property("cpu-used", 10i32);
            encoder.set_property("lag-in-frames", 0u32);
            encoder.set_property("threads", 1u32);
        }
        _ => {}
    }
    let mut elements = match codec {
        // The encoder's caps never change, whatever the input.
        Codec::Opus => {
            let converter = make("audioconvert")?;
            channels::mix_unpositioned(&converter);
            vec![converter, make("audioresample")?, filter(raw_audio())?]
        }
        Codec::Vp8 | Codec::Vp9 | Codec::Av1 => pictures(1)?,
        // H.264 needs even sizes.
        Codec::H264 => pictures(2)?,
    };
    elements.push(encoder.clone());
    // Without the payloader, which is part of each leg.
    let mut others = codec.send_elements();
    others.pop();
    for other in others {
        elements.push(make(other)?);
    }
    Ok(Chain { elements, encoder })
}

/// Sets the rate of an encoder from its next frame on. Waits for a frame that is being encoded,
/// except on the encoder's own thread.
pub(super) fn set_rate(encoder: &gst::Element, rate: Rate) {
    let Some(factory) = encoder.factory() else {
        return;
    };
    let (bits, kilobits) = (rate.bitrate, (rate.bitrate / 1000).max(1));
    match factory.name().as_str() {
        "opusenc" => {
            encoder.set_property("bitrate", bits.clamp(4_000, 650_000) as i32);
            // Without it, opusenc adds no forward error correction.
            encoder.set_property("packet-loss-percentage", i32::from(rate.loss.min(100)));
        }
        "vp8enc" | "vp9enc" => {
            encoder.set_property("target-bitrate", bits as i32);
            // On a slow network, pictures that are too large even at the worst quality would fill
            // every queue: at 300 kbit/s, no picture arrived. Dropping some lets the rest arrive.
            let is_slow = bits < default_bitrate(Kind::Video);
            encoder.set_property(
                "dropframe-threshold",
                if is_slow { DROPFRAME_THRESHOLD } else { 0i32 },
            );
        }
        "openh264enc" => encoder.set_property("bitrate", bits),
        "x264enc" => encoder.set_property("bitrate", kilobits),
        "av1enc" => encoder.set_property("target-bitrate", kilobits),
        _ => {}
    }
}

fn set_up_vpx(encoder: &gst::Element) {
    encoder.set_property("deadline", 1i64);
    encoder.set_property("lag-in-frames", 0i32);
    // libvpx's VP8 threads wait for each other in a busy loop: two threads on two cores took the
    // demo from 30 to 6-18 frames per second, at 4 times the processor time.
    encoder.set_property("threads", 1i32);
    encoder.set_property_from_str("end-usage", "cbr");
    // Key frames are made on request only.
    encoder.set_property_from_str("keyframe-mode", "disabled");
    encoder.set_property("keyframe-max-dist", i32::MAX);
    encoder.set_property("buffer-initial-size", 100i32);
    encoder.set_property("buffer-optimal-size", 120i32);
    encoder.set_property("buffer-size", 150i32);
    encoder.set_property("max-intra-bitrate", 250i32);
    // A change of the frame rate must not change the time base.
    encoder.set_property("timebase", gst::Fraction::new(1, 90_000));
}

/// Makes the elements that turn any raw video into upright, progressive pictures with square pixels,
/// which is all that the codecs can describe. Their sizes are multiples of `step`. The elements pass
/// pictures that need no change.
fn pictures(step: i32) -> Result<Vec<gst::Element>, MissingElement> {
    let converter = make("videoconvert")?;
    colorimetry::force_range_conversion(&converter);
    let deinterlacer = make("deinterlace")?;
    // The picture rate of the source, instead of twice that.
    deinterlacer.set_property_from_str("fields", "top");
    deinterlacer.set_property_from_str("method", "linear");
    // As the image-orientation tag says.
    let turner = make("videoflip")?;
    turner.set_property_from_str("video-direction", "auto");
    let scaler = make("videoscale")?;
    let filter = filter(picture(step))?;
    Ok(vec![converter, deinterlacer, turner, scaler, filter])
}

/// Returns caps of I420 (8 bits, 4:2:0, which every decoder supports) whose sizes are multiples of
/// `step`.
fn picture(step: i32) -> gst::Caps {
    let size = gst::IntRange::with_step(step, MAX_SIDE - MAX_SIDE % step, step);
    gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("interlace-mode", "progressive")
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .field("colorimetry", colorimetry::DEFAULT)
        .field("width", size)
        .field("height", size)
        .build()
}

fn filter(caps: gst::Caps) -> Result<gst::Element, MissingElement> {
    let filter = make("capsfilter")?;
    filter.set_property("caps", caps);
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoder_gets_its_rate_and_opus_the_loss() {
        gst::init().unwrap();
        let rate = Rate {
            bitrate: 320_000,
            loss: 7,
        };
        let codecs = [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264];
        for codec in codecs
            .into_iter()
            .filter(|c| c.missing_for_send().is_none())
        {
            let encoder = chain(codec).unwrap().encoder;
            set_rate(&encoder, rate);
            let name = encoder.factory().unwrap().name();
            match name.as_str() {
                "opusenc" => {
                    assert_eq!(encoder.property::<i32>("bitrate"), 320_000);
                    assert_eq!(encoder.property::<i32>("packet-loss-percentage"), 7);
                }
                "vp8enc" | "vp9enc" => {
                    assert_eq!(encoder.property::<i32>("target-bitrate"), 320_000);
                    assert_eq!(
                        encoder.property::<i32>("dropframe-threshold"),
                        DROPFRAME_THRESHOLD
                    );
                    set_rate(&encoder, Rate::default_of(Kind::Video));
                    assert_eq!(encoder.property::<i32>("dropframe-threshold"), 0);
                }
                "x264enc" => assert_eq!(encoder.property::<u32>("bitrate"), 320),
                "openh264enc" => assert_eq!(encoder.property::<u32>("bitrate"), 320_000),
                other => panic!("{other}"),
            }
        }
    }
}
