//! The codecs of pictures, as the pad property `codec` shows them.

use gst::glib;

use crate::call::Codec;

/// How pictures are coded on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstAcsCallCodec")]
#[repr(i32)]
pub enum AcsCallCodec {
    /// What everybody decodes.
    #[default]
    #[enum_value(name = "VP8: what everybody decodes", nick = "vp8")]
    Vp8,
    /// Smaller than VP8, at about twice the work.
    #[enum_value(name = "VP9: smaller, at about twice the work", nick = "vp9")]
    Vp9,
    /// What devices decode in hardware.
    #[enum_value(name = "H.264: what devices decode in hardware", nick = "h264")]
    H264,
    /// The smallest, at many times the work.
    #[enum_value(name = "AV1: the smallest, at many times the work", nick = "av1")]
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
