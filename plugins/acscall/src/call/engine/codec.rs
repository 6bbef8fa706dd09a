//! The codecs of a leg's tracks: their names, payload types, caps and elements.

use std::collections::BTreeMap;

use acscall::model::Kind;
use gst::prelude::*;

use super::leg::Track;

/// The URI of transport-wide congestion control, which reports the arrival of each packet to the
/// sender.
pub(super) const TWCC_URI: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
/// The number of this header extension in our offers, from 1 to 14 (RFC 8285).
const TWCC_ID: u8 = 1;

/// The codec of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Codec {
    Opus,
    Vp8,
    Vp9,
    H264,
    Av1,
}

/// The codec that a sender offers for each kind.
pub(in crate::call) type Codecs = BTreeMap<Kind, Codec>;

/// The codecs offered by default. All browsers support them.
pub(in crate::call) fn default_codecs() -> Codecs {
    Kind::ALL.map(|kind| (kind, default_codec(kind))).into()
}

pub(super) fn default_codec(kind: Kind) -> Codec {
    match kind {
        Kind::Audio => Codec::Opus,
        Kind::Video | Kind::Screen => Codec::Vp8,
    }
}

impl Codec {
    const ALL: [Codec; 5] = [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1];

    /// Returns the codec with this encoding name.
    pub(super) fn from_name(name: &str) -> Option<Codec> {
        Codec::ALL
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// Returns the encoding name in SDP.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Codec::Opus => "OPUS",
            Codec::Vp8 => "VP8",
            Codec::Vp9 => "VP9",
            Codec::H264 => "H264",
            Codec::Av1 => "AV1",
        }
    }

    /// Returns the media type in SDP.
    pub(super) fn media(self) -> &'static str {
        match self {
            Codec::Opus => "audio",
            Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::Av1 => "video",
        }
    }

    /// Returns an element that sending needs and that is not installed.
    pub(crate) fn missing_for_send(self) -> Option<MissingElement> {
        first_missing(self.encoders(), &self.send_elements())
    }

    /// Returns an element that receiving needs and that is not installed.
    pub(super) fn missing_for_receive(self) -> Option<MissingElement> {
        first_missing(self.decoders(), &self.receive_elements())
    }

    /// Returns the possible encoders, the preferred one first.
    pub(super) fn encoders(self) -> &'static [&'static str] {
        match self {
            Codec::Opus => &["opusenc"],
            Codec::Vp8 => &["vp8enc"],
            Codec::Vp9 => &["vp9enc"],
            Codec::H264 => &["x264enc", "openh264enc"],
            Codec::Av1 => &["av1enc"],
        }
    }

    /// Returns the possible decoders, the preferred one first.
    pub(super) fn decoders(self) -> &'static [&'static str] {
        match self {
            Codec::Opus => &["opusdec"],
            Codec::Vp8 => &["vp8dec"],
            Codec::Vp9 => &["vp9dec"],
            Codec::H264 => &["avdec_h264", "openh264dec"],
            Codec::Av1 => &["dav1ddec", "av1dec"],
        }
    }

    /// Returns the elements between the encoder and the leg: a parser if the payloader needs one,
    /// and last the payloader.
    pub(super) fn send_elements(self) -> Vec<&'static str> {
        match self {
            Codec::Opus => vec!["rtpopuspay"],
            Codec::Vp8 => vec!["rtpvp8pay"],
            Codec::Vp9 => vec!["rtpvp9pay"],
            Codec::H264 => vec!["rtph264pay"],
            Codec::Av1 => vec!["av1parse", "rtpav1pay"],
        }
    }

    /// Returns the elements between the leg and the decoder: the depayloader, and a parser if the
    /// decoder needs one.
    pub(super) fn receive_elements(self) -> Vec<&'static str> {
        match self {
            Codec::Opus => vec!["rtpopusdepay"],
            Codec::Vp8 => vec!["rtpvp8depay"],
            Codec::Vp9 => vec!["rtpvp9depay"],
            Codec::H264 => vec!["rtph264depay", "h264parse"],
            Codec::Av1 => vec!["rtpav1depay", "av1parse"],
        }
    }

    /// Returns the caps of the encoded frames, behind the parser.
    pub(super) fn encoded(self) -> gst::Caps {
        match self {
            Codec::Opus => gst::Caps::builder("audio/x-opus").build(),
            // Every decoder supports this profile.
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

    /// Makes the payloader, configured for browsers as receivers.
    pub(super) fn payloader(self) -> Result<gst::Element, MissingElement> {
        let factory = self.send_elements().pop().unwrap_or_default();
        let pay = make(factory)?;
        match self {
            // It lets decoders distinguish lost frames from skipped ones.
            Codec::Vp8 | Codec::Vp9 => pay.set_property_from_str("picture-id-mode", "15-bit"),
            Codec::H264 => {
                // Parameter sets with each key frame: a receiver may have missed the first ones.
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

/// Returns the payload type of a track in our offers. The types are distinct, because webrtcbin 1.22
/// confuses tracks of the same type, and leave room for the retransmission type that it adds after
/// each.
fn payload_type(kind: Kind) -> i32 {
    match kind {
        Kind::Audio => 111,
        Kind::Video => 96,
        Kind::Screen => 98,
    }
}

/// Returns the RTP caps of a track in our offers.
pub(super) fn offered(track: &Track, ssrc: u32) -> gst::Caps {
    let Track { mid, kind, codec } = track;
    let builder = gst::Caps::builder("application/x-rtp")
        .field("media", codec.media())
        .field("a-mid", &mid.0)
        .field("payload", payload_type(*kind))
        .field("ssrc", ssrc)
        .field("encoding-name", codec.name())
        .field(format!("extmap-{TWCC_ID}"), TWCC_URI)
        .field("rtcp-fb-transport-cc", true);
    if codec.media() == "audio" {
        return builder
            .field("clock-rate", 48_000)
            .field("encoding-params", "2")
            .field("stereo", "1")
            .field("useinbandfec", "1")
            .build();
    }
    let builder = builder
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

/// Returns the caps of all audio that a call outputs, and of the audio encoder's input.
pub(crate) fn raw_audio() -> gst::Caps {
    gst_audio::AudioCapsBuilder::new_interleaved()
        .format(gst_audio::AudioFormat::S16le)
        .rate(48_000)
        .channels(2)
        .channel_mask(0x3)
        .build()
}

/// Makes an element. The error says where to get it.
pub(super) fn make(factory: &'static str) -> Result<gst::Element, MissingElement> {
    gst::ElementFactory::make(factory)
        .build()
        .map_err(|_| MissingElement(factory))
}

/// Makes the first of these elements that is installed.
pub(super) fn make_first(factories: &[&'static str]) -> Result<gst::Element, MissingElement> {
    let first = factories.first().copied().unwrap_or_default();
    factories
        .iter()
        .find_map(|factory| make(factory).ok())
        .ok_or(MissingElement(first))
}

/// Returns the first missing element, if one of `one_of` and all of `all` are needed.
pub(super) fn first_missing(
    one_of: &[&'static str],
    all: &[&'static str],
) -> Option<MissingElement> {
    let first = one_of
        .first()
        .filter(|_| !one_of.iter().any(|f| is_installed(f)));
    first
        .or_else(|| all.iter().find(|factory| !is_installed(factory)))
        .map(|factory| MissingElement(factory))
}

fn is_installed(factory: &str) -> bool {
    gst::ElementFactory::find(factory).is_some()
}

/// A GStreamer element that is not installed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the GStreamer element {0} is missing: install {package}", package = package(.0))]
pub(crate) struct MissingElement(pub(super) &'static str);

/// Returns the package of Debian and Ubuntu that has the element.
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
        | "rtpvp9depay" | "rtph264pay" | "rtph264depay" | "rtpopuspay" | "rtpopusdepay"
        | "rtpbin" => "gstreamer1.0-plugins-good",
        "webrtcbin" | "dtlsdec" | "srtpdec" => "gstreamer1.0-plugins-bad",
        "nicesrc" => "gstreamer1.0-nice",
        _ => "gstreamer1.0-plugins-base",
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
            // An element that this machine lacks is one that the codec needs.
            if let Some(MissingElement(factory)) = codec.missing_for_send() {
                assert!(!is_installed(factory), "{factory}");
                assert!(
                    codec.encoders().contains(&factory) || codec.send_elements().contains(&factory)
                );
            }
        }
        assert_eq!(Codec::Opus.missing_for_send(), None);
        assert_eq!(Codec::Vp8.missing_for_receive(), None);
    }

    #[test]
    fn encoding_names_are_case_insensitive() {
        assert_eq!(Codec::from_name("opus"), Some(Codec::Opus));
        assert_eq!(Codec::from_name("h264"), Some(Codec::H264));
        assert_eq!(Codec::from_name("H265"), None);
    }
}
