//! Repacks raw video into the layout of its caps.
//!
//! Upstream negotiates with the peer of `src` only. If that peer supports GstVideoMeta, buffers may
//! have layouts that a tap's branch cannot read without it.

use gst::prelude::*;
use parking_lot::Mutex;

use super::CAT;

/// The format, and whether the branch supports GstVideoMeta.
#[derive(Debug, Default)]
pub(super) struct Layout {
    info: Option<gst_video::VideoInfo>,
    caps: Option<gst::Caps>,
    /// Whether the branch supports GstVideoMeta; `None` before the query.
    supports_meta: Option<bool>,
}

impl Layout {
    /// Handles new caps of the branch.
    pub(super) fn set_caps(&mut self, caps: &gst::CapsRef) {
        let features = caps.features(0);
        let is_in_system_memory = features
            .is_none_or(|features| features.contains(gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY));
        self.info = is_in_system_memory
            .then(|| gst_video::VideoInfo::from_caps(caps).ok())
            .flatten();
        self.caps = Some(caps.to_owned());
        self.supports_meta = None;
    }

    /// Forgets the answer of the branch, which may have changed.
    pub(super) fn reconfigure(&mut self) {
        self.supports_meta = None;
    }

    /// Returns the buffer in a layout that the branch can read, which is mostly the same buffer.
    pub(super) fn prepare(
        layout: &Mutex<Layout>,
        pad: &gst::Pad,
        buffer: gst::Buffer,
    ) -> gst::Buffer {
        let Some(info) = Layout::other_layout(layout, &buffer) else {
            return buffer;
        };
        if Layout::supports_meta(layout, pad) {
            return buffer;
        }
        match repack(&buffer, &info) {
            Some(repacked) => repacked,
            None => {
                gst::warning!(CAT, obj = pad, "cannot map a frame to repack it");
                buffer
            }
        }
    }

    /// Returns the format if the buffer has another layout than the format's default.
    fn other_layout(
        layout: &Mutex<Layout>,
        buffer: &gst::BufferRef,
    ) -> Option<gst_video::VideoInfo> {
        let meta = buffer.meta::<gst_video::VideoMeta>()?;
        let layout = layout.lock();
        let info = layout.info.as_ref()?;
        let is_same = meta.offset() == info.offset() && meta.stride() == info.stride();
        let is_same_size = meta.width() == info.width() && meta.height() == info.height();
        (is_same_size && !is_same && meta.format() == info.format()).then(|| info.clone())
    }

    /// Queries the branch, once per caps and branch.
    fn supports_meta(layout: &Mutex<Layout>, pad: &gst::Pad) -> bool {
        let caps = {
            let layout = layout.lock();
            if let Some(supports_meta) = layout.supports_meta {
                return supports_meta;
            }
            layout.caps.clone()
        };
        let mut query = gst::query::Allocation::new(caps.as_ref(), false);
        let supports_meta = pad.peer_query(&mut query)
            && query
                .find_allocation_meta::<gst_video::VideoMeta>()
                .is_some();
        layout.lock().supports_meta = Some(supports_meta);
        supports_meta
    }
}

fn repack(buffer: &gst::Buffer, info: &gst_video::VideoInfo) -> Option<gst::Buffer> {
    let mut repacked = gst::Buffer::with_size(info.size()).ok()?;
    {
        let source = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, info).ok()?;
        let target = repacked.get_mut()?;
        let mut target = gst_video::VideoFrameRef::from_buffer_ref_writable(target, info).ok()?;
        source.copy(&mut target).ok()?;
    }
    let flags = gst::BUFFER_COPY_METADATA;
    buffer.copy_into(repacked.get_mut()?, flags, ..).ok()?;
    // The copied meta describes the old layout.
    while let Some(meta) = repacked.get_mut()?.meta_mut::<gst_video::VideoMeta>() {
        meta.remove().ok()?;
    }
    Some(repacked)
}
