//! Metadata of buffers, and allocation of new ones.

use std::ops::ControlFlow;

use gst::glib;
use gst::prelude::*;

/// Copies flags, timestamps and metas, except metas that describe the memory.
pub(super) fn copy(from: &gst::BufferRef, to: &mut gst::BufferRef) {
    let flags = gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::TIMESTAMPS;
    // Fails only for regions and memory.
    let _ = from.copy_into(to, flags, ..);
    from.foreach_meta(|meta| {
        let of_memory = meta.api() == gst_video::VideoMeta::meta_api()
            || meta.has_tag::<gst::meta::tags::MemoryReference>();
        if !of_memory {
            let whole = gst::meta::MetaTransformCopy::new(..);
            // A meta that cannot be copied is dropped.
            let _ = meta.transform(to, &whole);
        }
        ControlFlow::Continue(())
    });
}

/// Returns a buffer for a frame whose size is not that of its caps.
pub(super) fn new_frame(
    from: &gst::BufferRef,
    info: &gst_video::VideoInfo,
) -> Result<gst::Buffer, glib::BoolError> {
    let mut buffer = gst::Buffer::with_size(info.size())?;
    let new = buffer.make_mut();
    copy(from, new);
    gst_video::VideoMeta::add_from_info(new, gst_video::VideoFrameFlags::empty(), info)?;
    Ok(buffer)
}

/// Makes sure that an ALLOCATION query has a pool, so that frames are not allocated one by one.
pub(super) fn offer_pool(
    query: &mut gst::query::Allocation,
    has_video_meta: bool,
) -> Result<(), glib::BoolError> {
    let (caps, _) = query.get_owned();
    let Some(caps) = caps else {
        return Ok(());
    };
    let info = gst_video::VideoInfo::from_caps(&caps)?;
    let offered = query.allocation_pools().next();
    let is_offered = offered.is_some();
    let (pool, size, min, max) = match offered {
        Some((pool, size, min, max)) => (pool, size.max(info.size() as u32), min, max),
        None => (None, info.size() as u32, 0, 0),
    };
    let pool = pool.unwrap_or_else(|| gst_video::VideoBufferPool::new().upcast());
    let mut config = pool.config();
    config.set_params(Some(&caps), size, min, max);
    if has_video_meta {
        config.add_option(gst_video::BUFFER_POOL_OPTION_VIDEO_META);
    }
    // If the pool needs other parameters, the parent negotiates them.
    let _ = pool.set_config(config);
    if is_offered {
        query.set_nth_allocation_pool(0, Some(&pool), size, min, max);
    } else {
        query.add_allocation_pool(Some(&pool), size, min, max);
    }
    Ok(())
}

/// Requests a number of buffers in the answer to an ALLOCATION query, from any pool.
pub(super) fn request_buffers(query: &mut gst::query::Allocation, buffers: u32) {
    let (caps, _) = query.get_owned();
    let info = caps.and_then(|caps| gst_video::VideoInfo::from_caps(&caps).ok());
    if let Some(info) = info
        && buffers > 0
        && query.allocation_pools().next().is_none()
    {
        let none = None::<&gst::BufferPool>;
        query.add_allocation_pool(none, info.size() as u32, buffers, 0);
    }
}
