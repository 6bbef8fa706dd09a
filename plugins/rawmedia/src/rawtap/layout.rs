//! Raw video in the layout that its caps tell.
//!
//! Upstream negotiates with `src`'s peer alone. If that takes GstVideoMeta, buffers come in
//! layouts that a tap's branch, which may take none, could not read.

use std::sync::{Mutex, PoisonError};

use gst::prelude::*;

use super::RawTapPad;

/// What is known of the format and the branch.
#[derive(Debug, Default)]
pub(super) struct Layout {
    info: Option<gst_video::VideoInfo>,
    caps: Option<gst::Caps>,
    /// Whether the branch takes GstVideoMeta; nothing if it has to be asked.
    takes_meta: Option<bool>,
}

impl Layout {
    /// New caps went down the branch.
    pub(super) fn set_caps(&mut self, caps: &gst::CapsRef) {
        let features = caps.features(0);
        let is_in_system_memory = features
            .is_none_or(|features| features.contains(gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY));
        self.info = is_in_system_memory
            .then(|| gst_video::VideoInfo::from_caps(caps).ok())
            .flatten();
        self.caps = Some(caps.to_owned());
        self.takes_meta = None;
    }

    /// The branch may have become another.
    pub(super) fn reconfigure(&mut self) {
        self.takes_meta = None;
    }

    /// The buffer as the branch can read it; in most cases it is the same.
    pub(super) fn prepare(
        layout: &Mutex<Layout>,
        pad: &RawTapPad,
        buffer: gst::Buffer,
    ) -> gst::Buffer {
        let Some(info) = Layout::other_layout(layout, &buffer) else {
            return buffer;
        };
        if Layout::takes_meta(layout, pad) {
            return buffer;
        }
        match repack(&buffer, &info) {
            Some(repacked) => repacked,
            None => {
                gst::warning!(
                    super::imp::CAT,
                    obj = pad,
                    "cannot map a frame to repack it"
                );
                buffer
            }
        }
    }

    /// The format, if the buffer is not laid out as it says.
    fn other_layout(
        layout: &Mutex<Layout>,
        buffer: &gst::BufferRef,
    ) -> Option<gst_video::VideoInfo> {
        let meta = buffer.meta::<gst_video::VideoMeta>()?;
        let layout = lock(layout);
        let info = layout.info.as_ref()?;
        let is_same = meta.offset() == info.offset() && meta.stride() == info.stride();
        let is_same_size = meta.width() == info.width() && meta.height() == info.height();
        (is_same_size && !is_same && meta.format() == info.format()).then(|| info.clone())
    }

    /// Asks the branch, once per caps and branch.
    fn takes_meta(layout: &Mutex<Layout>, pad: &RawTapPad) -> bool {
        let caps = {
            let layout = lock(layout);
            if let Some(takes_meta) = layout.takes_meta {
                return takes_meta;
            }
            layout.caps.clone()
        };
        let mut query = gst::query::Allocation::new(caps.as_ref(), false);
        let takes_meta = pad.peer_query(&mut query)
            && query
                .find_allocation_meta::<gst_video::VideoMeta>()
                .is_some();
        lock(layout).takes_meta = Some(takes_meta);
        takes_meta
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
    // Copied with the rest, it tells the layout of before.
    while let Some(meta) = repacked.get_mut()?.meta_mut::<gst_video::VideoMeta>() {
        meta.remove().ok()?;
    }
    Some(repacked)
}

fn lock(layout: &Mutex<Layout>) -> std::sync::MutexGuard<'_, Layout> {
    layout.lock().unwrap_or_else(PoisonError::into_inner)
}
