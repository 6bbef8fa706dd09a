//! The caps that a call can send.

use acscall::model::Kind;

use super::format::Format;

/// The largest width and height that VP8 supports, in pixels.
const MAX_SIDE: u32 = 16_383;

/// Why a call cannot send certain caps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadCaps {
    #[error(
        "the frames are in memory that the CPU cannot read; insert a download element such as gldownload"
    )]
    Memory,
    #[error("the caps do not fully describe raw {0}; insert a capsfilter with the missing fields")]
    Incomplete(&'static str),
    #[error("the samples are not interleaved; insert audioconvert")]
    Planar,
    #[error("a frame can be at most {MAX_SIDE} pixels wide and high; insert videoscale")]
    Size,
}

/// Returns the format of a stream of this kind with these caps.
pub(super) fn parse(kind: Kind, caps: &gst::Caps) -> Result<Format, BadCaps> {
    let in_memory = caps.features(0).is_none_or(|features| {
        features.is_empty() || features.contains(gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY)
    });
    if !in_memory {
        return Err(BadCaps::Memory);
    }
    match kind {
        Kind::Audio => {
            let info =
                gst_audio::AudioInfo::from_caps(caps).map_err(|_| BadCaps::Incomplete("audio"))?;
            match info.layout() {
                gst_audio::AudioLayout::Interleaved => Ok(Format::Audio(info)),
                _ => Err(BadCaps::Planar),
            }
        }
        Kind::Video | Kind::Screen => {
            let info =
                gst_video::VideoInfo::from_caps(caps).map_err(|_| BadCaps::Incomplete("video"))?;
            if info.width() == 0 || info.height() == 0 {
                return Err(BadCaps::Incomplete("video"));
            }
            if info.width().max(info.height()) > MAX_SIDE {
                return Err(BadCaps::Size);
            }
            Ok(Format::Video(info))
        }
    }
}
