//! The caps that a call can send.

use acscall::model::Kind;

use super::format::Format;

/// The largest width and height that VP8 supports, in pixels.
const MAX_SIDE: u32 = 16_383;

/// The largest number of channels that audioconvert mixes.
const MAX_CHANNELS: u32 = 63;

/// Why a call cannot send certain caps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadCaps {
    #[error(
        "the frames are in memory that the CPU cannot read; insert a download element such as gldownload"
    )]
    Memory,
    #[error("they have no '{0}'; insert a capsfilter that sets it")]
    Missing(&'static str),
    #[error("they do not describe raw {0}")]
    Invalid(&'static str),
    #[error("the samples are not interleaved; insert audioconvert")]
    Planar,
    #[error("a buffer can have at most {MAX_CHANNELS} channels; insert audioconvert")]
    Channels,
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
            let info = gst_audio::AudioInfo::from_caps(caps).map_err(|_| {
                let fields = ["format", "rate", "channels", "channel-mask"];
                missing(caps, &fields).unwrap_or(BadCaps::Invalid("audio"))
            })?;
            if info.channels() > MAX_CHANNELS {
                return Err(BadCaps::Channels);
            }
            match info.layout() {
                gst_audio::AudioLayout::Interleaved => Ok(Format::Audio(info)),
                _ => Err(BadCaps::Planar),
            }
        }
        Kind::Video | Kind::Screen => {
            let info = gst_video::VideoInfo::from_caps(caps).map_err(|_| {
                let fields = ["format", "width", "height"];
                missing(caps, &fields).unwrap_or(BadCaps::Invalid("video"))
            })?;
            if info.width() == 0 || info.height() == 0 {
                return Err(BadCaps::Invalid("video"));
            }
            if info.width().max(info.height()) > MAX_SIDE {
                return Err(BadCaps::Size);
            }
            Ok(Format::Video(info))
        }
    }
}

/// Adds the fields that many sources omit: audio is interleaved, and video has no fixed rate.
pub(super) fn complete(kind: Kind, caps: &gst::Caps) -> gst::Caps {
    let mut caps = caps.clone();
    let is_missing = |field| {
        let structure = caps.structure(0);
        structure.is_some_and(|structure| !structure.has_field(field))
    };
    match kind {
        Kind::Audio if is_missing("layout") => caps.make_mut().set("layout", "interleaved"),
        Kind::Video | Kind::Screen if is_missing("framerate") => {
            caps.make_mut().set("framerate", gst::Fraction::new(0, 1));
        }
        _ => {}
    }
    caps
}

/// Returns the kind of a stream with these caps if a pad of `kind` cannot take it.
pub(super) fn other_kind(kind: Kind, caps: &gst::CapsRef) -> Option<Kind> {
    const AUDIO: &str = "audio/x-raw";
    const VIDEO: &str = "video/x-raw";
    let (own, media, other) = match kind {
        Kind::Audio => (AUDIO, VIDEO, Kind::Video),
        Kind::Video | Kind::Screen => (VIDEO, AUDIO, Kind::Audio),
    };
    let has = |media| caps.iter().any(|structure| structure.name() == media);
    (has(media) && !has(own)).then_some(other)
}

/// Returns the first of the fields that the caps lack.
fn missing(caps: &gst::CapsRef, fields: &[&'static str]) -> Option<BadCaps> {
    let structure = caps.structure(0)?;
    let mut fields = fields.iter();
    let field = fields.find(|field| !structure.has_field(**field))?;
    Some(BadCaps::Missing(field))
}
