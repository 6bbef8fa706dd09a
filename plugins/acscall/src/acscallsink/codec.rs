//! The video codecs, as values of the pad property `codec`.

use gst::glib;

use crate::call::Codec;

/// The codecs of video and screen streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstAcsCallCodec")]
#[repr(i32)]
pub enum AcsCallCodec {
    /// Decoded by every receiver.
    #[default]
    #[enum_value(name = "VP8: decoded by every receiver", nick = "vp8")]
    Vp8,
    /// Smaller than VP8, at about twice the CPU cost.
    #[enum_value(name = "VP9: smaller, at about twice the CPU cost", nick = "vp9")]
    Vp9,
    /// Decoded in hardware by many devices.
    #[enum_value(name = "H.264: decoded in hardware by many devices", nick = "h264")]
    H264,
    /// The smallest, at many times the CPU cost.
    #[enum_value(name = "AV1: smallest, at many times the CPU cost", nick = "av1")]
    Av1,
}

impl From<AcsCallCodec> for Codec {
    fn from(codec: AcsCallCodec) -> Codec {
        match codec {
            AcsCallCodec::Vp8 => Codec::Vp8,
            AcsCallCodec::Vp9 => Codec::Vp9,
            AcsCallCodec::H264 => Codec::H264,
            AcsCallCodec::Av1 => Codec::Av1,
        }
    }
}
