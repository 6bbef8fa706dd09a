//! The codecs of a leg's lines: elements, payload types and caps.

use acscall::signalling::message::Kind;
use gst::prelude::*;

/// The URI of transport-wide congestion control, by which the sender learns what arrived when.
pub(super) const TWCC_URI: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
/// Its number in our offers, of the 14 that one-byte headers have (RFC 8285).
const TWCC_ID: u8 = 1;

/// The payload type of each line in our offers: distinct on all lines, because webrtcbin 1.22
/// mixes up equal ones, and with room for the retransmission type that it adds after each.
fn payload_type(kind: Kind) -> i32 {
    match kind {
        Kind::Audio => 111,
        Kind::Video => 96,
        Kind::Screen => 98,
    }
}

/// The RTP caps that our offer states for this line.
pub(super) fn offered(kind: Kind, ssrc: u32) -> gst::Caps {
    let builder = gst::Caps::builder("application/x-rtp")
        .field("payload", payload_type(kind))
        .field("ssrc", ssrc)
        .field(format!("extmap-{TWCC_ID}"), TWCC_URI)
        .field("rtcp-fb-transport-cc", true);
    match kind {
        Kind::Audio => builder
            .field("media", "audio")
            .field("encoding-name", "OPUS")
            .field("clock-rate", 48_000)
            .field("encoding-params", "2")
            .field("stereo", "1")
            .field("useinbandfec", "1")
            .build(),
        Kind::Video | Kind::Screen => builder
            .field("media", "video")
            .field("encoding-name", "VP8")
            .field("clock-rate", 90_000)
            .field("rtcp-fb-nack", true)
            .field("rtcp-fb-nack-pli", true)
            .field("rtcp-fb-ccm-fir", true)
            .build(),
    }
}

/// Makes the payloader of a line, set up for a browser at the other end.
pub(super) fn payloader(kind: Kind) -> Result<gst::Element, MissingElement> {
    // 1200 bytes leave room for SRTP, UDP and IPv6 headers on any path.
    let pay = match kind {
        Kind::Audio => make("rtpopuspay")?,
        Kind::Video | Kind::Screen => {
            let pay = make("rtpvp8pay")?;
            // Decoders tell lost frames from skipped ones by it.
            pay.set_property_from_str("picture-id-mode", "15-bit");
            pay
        }
    };
    pay.set_property("mtu", 1200u32);
    Ok(pay)
}

/// Makes what turns raw media into the line's codec, in the order of their links.
pub(super) fn encoder(kind: Kind) -> Result<Vec<gst::Element>, MissingElement> {
    match kind {
        Kind::Audio => {
            // The caps of what is sent never change, whatever comes in.
            let format = make("capsfilter")?;
            format.set_property("caps", raw_audio());
            let enc = make("opusenc")?;
            enc.set_property("bitrate", 96_000i32);
            enc.set_property("inband-fec", true);
            enc.set_property("perfect-timestamp", false);
            Ok(vec![
                make("audioconvert")?,
                make("audioresample")?,
                format,
                enc,
            ])
        }
        Kind::Video | Kind::Screen => {
            let enc = make("vp8enc")?;
            enc.set_property("deadline", 1i64);
            enc.set_property("cpu-used", -12i32);
            enc.set_property("lag-in-frames", 0i32);
            // libvpx's VP8 threads wait for each other in a busy loop: with two on two cores the
            // demo fell from 30 to 6-18 frames per second, at 4 times the processor time.
            enc.set_property("threads", 1i32);
            enc.set_property_from_str("end-usage", "cbr");
            enc.set_property("target-bitrate", 2_500_000i32);
            // Key frames come when a receiver asks for one.
            enc.set_property_from_str("keyframe-mode", "disabled");
            enc.set_property("keyframe-max-dist", i32::MAX);
            enc.set_property("buffer-initial-size", 100i32);
            enc.set_property("buffer-optimal-size", 120i32);
            enc.set_property("buffer-size", 150i32);
            enc.set_property("max-intra-bitrate", 250i32);
            // Frame rates that change must not change the time base.
            enc.set_property("timebase", gst::Fraction::new(1, 90_000));
            Ok(vec![make("videoconvert")?, enc])
        }
    }
}

/// What the encoder of this kind gives out.
pub(super) fn encoded(kind: Kind) -> gst::Caps {
    match kind {
        Kind::Audio => gst::Caps::builder("audio/x-opus").build(),
        // The one profile that every decoder has.
        Kind::Video | Kind::Screen => gst::Caps::builder("video/x-vp8")
            .field("profile", "0")
            .build(),
    }
}

/// Makes what turns a line's RTP into raw media, in the order of their links.
pub(super) fn decoder(caps: &gst::CapsRef) -> Result<Vec<gst::Element>, DecoderError> {
    let encoding = caps
        .structure(0)
        .and_then(|structure| structure.get::<&str>("encoding-name").ok())
        .unwrap_or_default();
    match encoding.to_ascii_uppercase().as_str() {
        "OPUS" => {
            let dec = make("opusdec")?;
            dec.set_property("plc", true);
            dec.set_property("use-inband-fec", true);
            // A damaged packet is concealed like a lost one.
            dec.set_property("max-errors", -1i32);
            let format = make("capsfilter")?;
            format.set_property("caps", raw_audio());
            Ok(vec![
                make("rtpopusdepay")?,
                dec,
                make("audioconvert")?,
                make("audioresample")?,
                format,
            ])
        }
        "VP8" => {
            let depay = make("rtpvp8depay")?;
            depay.set_property("request-keyframe", true);
            depay.set_property("wait-for-keyframe", true);
            let dec = make("vp8dec")?;
            dec.set_property("max-errors", -1i32);
            Ok(vec![depay, dec])
        }
        _ => Err(DecoderError::UnknownCodec(caps.to_string())),
    }
}

/// The format in which all audio comes out of a call, and goes into the encoder.
pub(super) fn raw_audio() -> gst::Caps {
    gst_audio::AudioCapsBuilder::new_interleaved()
        .format(gst_audio::AudioFormat::S16le)
        .rate(48_000)
        .channels(2)
        .channel_mask(0x3)
        .build()
}

/// Makes an element or tells where to get it.
pub(super) fn make(factory: &'static str) -> Result<gst::Element, MissingElement> {
    gst::ElementFactory::make(factory)
        .build()
        .map_err(|_| MissingElement(factory))
}

/// A GStreamer plugin is not installed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the GStreamer element {0} is missing: install gstreamer1.0-plugins-base, -good, -bad and gstreamer1.0-nice"
)]
pub(super) struct MissingElement(pub(super) &'static str);

/// Why a received line cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DecoderError {
    #[error(transparent)]
    Missing(#[from] MissingElement),
    #[error("no decoder for {0}")]
    UnknownCodec(String),
}
