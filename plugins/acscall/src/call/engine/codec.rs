//! The codecs of a leg's lines: their names, payload types and caps, and what they need.

use std::collections::BTreeMap;

use acscall::model::Kind;
use gst::prelude::*;

/// The URI of transport-wide congestion control, by which the sender learns what arrived when.
pub(super) const TWCC_URI: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
/// Its number in our offers, of the 14 that one-byte headers have (RFC 8285).
const TWCC_ID: u8 = 1;

/// How a line is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Codec {
    Opus,
    Vp8,
    Vp9,
    H264,
    Av1,
}

/// The codec of each line that a sender offers.
pub(in crate::call) type Codecs = BTreeMap<Kind, Codec>;

/// What is offered where the application says nothing: what every browser takes.
pub(in crate::call) fn default_codecs() -> Codecs {
    Kind::ALL.map(|kind| (kind, default_codec(kind))).into()
}

fn default_codec(kind: Kind) -> Codec {
    match kind {
        Kind::Audio => Codec::Opus,
        Kind::Video | Kind::Screen => Codec::Vp8,
    }
}

impl Codec {
    const ALL: [Codec; 5] = [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1];

    /// The codec that SDP calls so.
    pub(super) fn from_name(name: &str) -> Option<Codec> {
        Codec::ALL
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// The name in SDP.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Codec::Opus => "OPUS",
            Codec::Vp8 => "VP8",
            Codec::Vp9 => "VP9",
            Codec::H264 => "H264",
            Codec::Av1 => "AV1",
        }
    }

    /// Whether it codes pictures.
    pub(super) fn is_video(self) -> bool {
        self != Codec::Opus
    }

    /// What is not installed of that which sending takes.
    pub(crate) fn missing_for_send(self) -> Option<MissingElement> {
        first_missing(self.encoders(), &self.send_elements())
    }

    /// What is not installed of that which receiving takes.
    pub(super) fn missing_for_receive(self) -> Option<MissingElement> {
        first_missing(self.decoders(), &self.receive_elements())
    }

    /// The encoders, the preferred first.
    pub(super) fn encoders(self) -> &'static [&'static str] {
        match self {
            Codec::Opus => &["opusenc"],
            Codec::Vp8 => &["vp8enc"],
            Codec::Vp9 => &["vp9enc"],
            Codec::H264 => &["x264enc", "openh264enc"],
            Codec::Av1 => &["av1enc"],
        }
    }

    /// The decoders, the preferred first.
    pub(super) fn decoders(self) -> &'static [&'static str] {
        match self {
            Codec::Opus => &["opusdec"],
            Codec::Vp8 => &["vp8dec"],
            Codec::Vp9 => &["vp9dec"],
            Codec::H264 => &["avdec_h264", "openh264dec"],
            Codec::Av1 => &["dav1ddec", "av1dec"],
        }
    }

    /// What else its sender needs: a parser where the encoder's form is not the payloader's, and
    /// last the payloader.
    pub(super) fn send_elements(self) -> Vec<&'static str> {
        match self {
            Codec::Opus => vec!["rtpopuspay"],
            Codec::Vp8 => vec!["rtpvp8pay"],
            Codec::Vp9 => vec!["rtpvp9pay"],
            Codec::H264 => vec!["rtph264pay"],
            Codec::Av1 => vec!["av1parse", "rtpav1pay"],
        }
    }

    /// What else its receiver needs: the depayloader, and a parser where the decoder wants one.
    pub(super) fn receive_elements(self) -> Vec<&'static str> {
        match self {
            Codec::Opus => vec!["rtpopusdepay"],
            Codec::Vp8 => vec!["rtpvp8depay"],
            Codec::Vp9 => vec!["rtpvp9depay"],
            Codec::H264 => vec!["rtph264depay", "h264parse"],
            Codec::Av1 => vec!["rtpav1depay", "av1parse"],
        }
    }

    /// What the encoder, with its parser, gives out.
    pub(super) fn encoded(self) -> gst::Caps {
        match self {
            Codec::Opus => gst::Caps::builder("audio/x-opus").build(),
            // The one profile that every decoder has.
            Codec::Vp8 => gst::Caps::builder("video/x-vp8")
                .field("profile", "0")
                .build(),
            Codec::Vp9 => gst::Caps::builder("video/x-vp9")
                .field("profile", "0")
                .build(),
            Codec::H264 => gst::Caps::builder("video/x-h264")
                .field("stream-format", "byte-stream")
                .field("alignment", "au")
                .field("profile", "constrained-baseline")
                .build(),
            Codec::Av1 => gst::Caps::builder("video/x-av1")
                .field("parsed", true)
                .field("stream-format", "obu-stream")
                .field("alignment", "tu")
                .build(),
        }
    }

    /// Makes the payloader, set up for a browser at the other end.
    pub(super) fn payloader(self) -> Result<gst::Element, MissingElement> {
        let factory = self.send_elements().pop().unwrap_or_default();
        let pay = make(factory)?;
        match self {
            // Decoders tell lost frames from skipped ones by it.
            Codec::Vp8 | Codec::Vp9 => pay.set_property_from_str("picture-id-mode", "15-bit"),
            Codec::H264 => {
                // The parameters with each key frame: a receiver may have missed the first.
                pay.set_property("config-interval", -1i32);
                pay.set_property_from_str("aggregate-mode", "zero-latency");
            }
            Codec::Opus | Codec::Av1 => {}
        }
        // 1200 bytes leave room for SRTP, UDP and IPv6 headers on any path.
        pay.set_property("mtu", 1200u32);
        Ok(pay)
    }
}

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
pub(super) fn offered(kind: Kind, codec: Codec, ssrc: u32) -> gst::Caps {
    let builder = gst::Caps::builder("application/x-rtp")
        .field("payload", payload_type(kind))
        .field("ssrc", ssrc)
        .field("encoding-name", codec.name())
        .field(format!("extmap-{TWCC_ID}"), TWCC_URI)
        .field("rtcp-fb-transport-cc", true);
    if !codec.is_video() {
        return builder
            .field("media", "audio")
            .field("clock-rate", 48_000)
            .field("encoding-params", "2")
            .field("stereo", "1")
            .field("useinbandfec", "1")
            .build();
    }
    let builder = builder
        .field("media", "video")
        .field("clock-rate", 90_000)
        .field("rtcp-fb-nack", true)
        .field("rtcp-fb-nack-pli", true)
        .field("rtcp-fb-ccm-fir", true);
    match codec {
        Codec::H264 => builder
            .field("packetization-mode", "1")
            .field("level-asymmetry-allowed", "1")
            .build(),
        _ => builder.build(),
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

/// Makes the first of these that is installed.
pub(super) fn make_first(factories: &[&'static str]) -> Result<gst::Element, MissingElement> {
    let first = factories.first().copied().unwrap_or_default();
    factories
        .iter()
        .find_map(|factory| make(factory).ok())
        .ok_or(MissingElement(first))
}

/// What is missing, where one of some and all of others are needed.
fn first_missing(one_of: &[&'static str], all: &[&'static str]) -> Option<MissingElement> {
    let first = one_of
        .first()
        .filter(|_| !one_of.iter().any(|f| is_there(f)));
    first
        .or_else(|| all.iter().find(|factory| !is_there(factory)))
        .map(|factory| MissingElement(factory))
}

fn is_there(factory: &str) -> bool {
    gst::ElementFactory::find(factory).is_some()
}

/// A GStreamer plugin is not installed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the GStreamer element {0} is missing: install {package}", package = package(.0))]
pub(crate) struct MissingElement(pub(super) &'static str);

/// Where Debian and Ubuntu have it.
fn package(factory: &str) -> &'static str {
    match factory {
        "x264enc" => "gstreamer1.0-plugins-ugly",
        "avdec_h264" => "gstreamer1.0-libav",
        "openh264enc" | "openh264dec" | "av1enc" | "av1dec" | "av1parse" | "h264parse" => {
            "gstreamer1.0-plugins-bad"
        }
        "dav1ddec" => "the plugin dav1d of gst-plugins-rs, or gstreamer1.0-plugins-bad for av1dec",
        "rtpav1pay" | "rtpav1depay" => "the plugin rsrtp of gst-plugins-rs",
        "vp8enc" | "vp8dec" | "vp9enc" | "vp9dec" | "rtpvp8pay" | "rtpvp8depay" | "rtpvp9pay"
        | "rtpvp9depay" | "rtph264pay" | "rtph264depay" => "gstreamer1.0-plugins-good",
        _ => "gstreamer1.0-plugins-base, -good, -bad and gstreamer1.0-nice",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_element_is_named_with_its_package() {
        gst::init().unwrap();
        let text = MissingElement("x264enc").to_string();
        assert!(text.contains("x264enc") && text.contains("plugins-ugly"));
        for codec in Codec::ALL {
            // Whatever this machine lacks is one of those that the codec needs.
            if let Some(MissingElement(factory)) = codec.missing_for_send() {
                assert!(!is_there(factory), "{factory}");
                assert!(
                    codec.encoders().contains(&factory) || codec.send_elements().contains(&factory)
                );
            }
        }
        assert_eq!(Codec::Opus.missing_for_send(), None);
        assert_eq!(Codec::Vp8.missing_for_receive(), None);
    }

    #[test]
    fn names_of_sdp_are_read_in_any_case() {
        assert_eq!(Codec::from_name("opus"), Some(Codec::Opus));
        assert_eq!(Codec::from_name("h264"), Some(Codec::H264));
        assert_eq!(Codec::from_name("H265"), None);
    }
}
