//! The buffers that fill the gaps of a stream.

use acscall::model::Kind;
use gst::prelude::*;
use gst_video::{VideoColorRange, VideoFormat, VideoInfo};
use parking_lot::Mutex;

use super::colors::Colors;
use crate::call::raw_audio;

/// Keeps the newest picture of a pad.
#[derive(Default)]
pub(super) struct Filler {
    newest: Mutex<Option<(gst::Caps, gst::Buffer)>>,
}

/// The content of a filled gap.
pub(super) enum Template {
    Silence,
    Picture(gst::Caps, gst::Buffer),
}

impl Filler {
    /// Keeps a picture to repeat it in the next gap; `None` forgets it.
    pub(super) fn keep(&self, newest: Option<(gst::Caps, gst::Buffer)>) {
        let replaced = std::mem::replace(&mut *self.newest.lock(), newest);
        drop(replaced);
    }

    /// Returns the content for the gaps of `source`. Before the first picture it is a black one as
    /// downstream takes it; `None` if it takes none.
    pub(super) fn template(
        &self,
        kind: Kind,
        source: &gst::Pad,
        colors: &Colors,
    ) -> Option<Template> {
        if kind == Kind::Audio {
            return Some(Template::Silence);
        }
        let newest = self.newest.lock().clone();
        let (caps, picture) = newest.or_else(|| black(source))?;
        let (caps, picture) = colors.convert(source, caps, picture);
        Some(Template::Picture(caps, picture))
    }
}

impl Template {
    /// Returns a buffer that lasts for `time`, or for whole samples of it.
    pub(super) fn lasting(self, time: gst::ClockTime) -> Option<(gst::Caps, gst::Buffer)> {
        match self {
            Template::Silence => {
                let caps = raw_audio();
                let info = gst_audio::AudioInfo::from_caps(&caps).ok()?;
                let rate = info.rate().into();
                let samples = *time * rate / *gst::ClockTime::SECOND;
                let size = usize::try_from(samples).ok()? * info.bpf() as usize;
                if size == 0 {
                    return None;
                }
                let mut silence = gst::Buffer::from_mut_slice(vec![0; size]);
                let whole = gst::ClockTime::SECOND.mul_div_floor(samples, rate);
                silence.get_mut()?.set_duration(whole);
                Some((caps, silence))
            }
            Template::Picture(caps, picture) => {
                if time.is_zero() {
                    return None;
                }
                // The memory is shared.
                let mut picture = picture.copy();
                picture.make_mut().set_duration(time);
                Some((caps, picture))
            }
        }
    }
}

/// Returns a black picture that downstream takes, at best with 640x360 pixels.
fn black(source: &gst::Pad) -> Option<(gst::Caps, gst::Buffer)> {
    let i420 = gst_video::VideoCapsBuilder::new()
        .format(VideoFormat::I420)
        .build();
    let mut caps = source.peer_query_caps(Some(&i420));
    if caps.is_empty() || caps.is_any() {
        return None;
    }
    caps.truncate();
    {
        let structure = caps.make_mut().structure_mut(0)?;
        structure.fixate_field_nearest_int("width", 640);
        structure.fixate_field_nearest_int("height", 360);
        structure.fixate_field_nearest_fraction("framerate", gst::Fraction::new(0, 1));
        if !structure.has_field("colorimetry") {
            structure.set("colorimetry", "bt601");
        }
    }
    caps.fixate();
    let info = VideoInfo::from_caps(&caps).ok()?;
    let luma = match info.colorimetry().range() {
        VideoColorRange::Range0_255 => 0,
        _ => 16,
    };
    let mut picture = gst::Buffer::with_size(info.size()).ok()?;
    {
        let mut data = picture.get_mut()?.map_writable().ok()?;
        let (planes, chroma) = data.split_at_mut_checked(info.offset()[1])?;
        planes.fill(luma);
        chroma.fill(128);
    }
    Some((caps, picture))
}
