//! Which caps a call can send.

use acscall::model::Kind;

/// The widest and highest picture that VP8 can carry.
const LARGEST: u32 = 16_383;

/// Caps that the call cannot send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadCaps {
    #[error("it is in memory that the processor cannot read; put a download element before")]
    Memory,
    #[error("they are no complete description of raw {0}")]
    Incomplete(&'static str),
    #[error("samples have to be interleaved; put audioconvert before")]
    Planar,
    #[error("a picture can be at most {LARGEST} pixels wide and high; put videoscale before")]
    Size,
}

/// Whether a stream of this kind can have these caps.
pub(super) fn check(kind: Option<Kind>, caps: &gst::CapsRef) -> Result<(), BadCaps> {
    let in_memory = caps.features(0).is_none_or(|features| {
        features.is_empty() || features.contains(gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY)
    });
    if !in_memory {
        return Err(BadCaps::Memory);
    }
    match kind {
        Some(Kind::Audio) => {
            let info = caps.to_owned();
            let info =
                gst_audio::AudioInfo::from_caps(&info).map_err(|_| BadCaps::Incomplete("audio"))?;
            match info.layout() {
                gst_audio::AudioLayout::Interleaved => Ok(()),
                _ => Err(BadCaps::Planar),
            }
        }
        _ => {
            let info = caps.to_owned();
            let info =
                gst_video::VideoInfo::from_caps(&info).map_err(|_| BadCaps::Incomplete("video"))?;
            if info.width() == 0 || info.height() == 0 {
                return Err(BadCaps::Incomplete("video"));
            }
            if info.width().max(info.height()) > LARGEST {
                return Err(BadCaps::Size);
            }
            Ok(())
        }
    }
}
