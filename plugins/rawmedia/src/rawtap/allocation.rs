//! Adds the buffers that taps hold to the answer of an ALLOCATION query.

use super::tap::Entry;

/// Raises each pool's number of buffers by the number that the taps may hold.
pub(super) fn add_taps(query: &mut gst::query::Allocation, entries: &[Entry]) {
    // The queue's capacity, and the buffer that is being pushed.
    let held: usize = entries
        .iter()
        .map(|entry| entry.tap.settings().capacity() + 1)
        .sum();
    let held = u32::try_from(held).unwrap_or(u32::MAX);
    if held == 0 {
        return;
    }
    let pools: Vec<_> = query.allocation_pools().collect();
    if pools.is_empty() {
        if let Some(size) = frame_size(query) {
            query.add_allocation_pool(gst::BufferPool::NONE, size, held, 0);
        }
        return;
    }
    for (index, (pool, size, min, max)) in (0..).zip(pools) {
        let min = min.saturating_add(held);
        // 0 means no maximum.
        let max = if max == 0 {
            0
        } else {
            max.saturating_add(held)
        };
        query.set_nth_allocation_pool(index, pool.as_ref(), size, min, max);
    }
}

/// Returns the frame size of raw video; other formats have none that is known here.
fn frame_size(query: &gst::query::Allocation) -> Option<u32> {
    let (caps, _) = query.get_owned();
    let info = gst_video::VideoInfo::from_caps(caps.as_ref()?).ok()?;
    u32::try_from(info.size()).ok()
}
