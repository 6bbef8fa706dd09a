//! Maps the planes of a buffer as slices of bytes.

use gst::glib;

use super::layout::{Layout, Plane};
use super::view::{View, ViewMut};

/// Whether each plane lies in one writable memory and no two planes overlap.
pub(super) fn is_writable(buffer: &gst::BufferRef, layout: &Layout) -> bool {
    let mut planes = layout.planes().to_vec();
    planes.sort_by_key(|plane| plane.offset);
    let apart = planes
        .windows(2)
        .all(|two| two[0].offset + two[0].len() <= two[1].offset);
    // GStreamer 1.22's own check ignores this flag.
    let is_readonly = |memory: &gst::MemoryRef| memory.flags().contains(gst::MemoryFlags::READONLY);
    apart
        && buffer.is_all_memory_writable()
        && !buffer.iter_memories().any(is_readonly)
        && planes
            .iter()
            .all(|plane| memory_of(buffer, plane).is_some())
}

/// Returns the index of the memory that holds a plane, and the offset in it.
pub(super) fn memory_of(buffer: &gst::BufferRef, plane: &Plane) -> Option<(usize, usize)> {
    let mut start = 0;
    for (index, memory) in buffer.iter_memories().enumerate() {
        let end = start + memory.size();
        if plane.offset < end {
            return (plane.offset + plane.len() <= end).then(|| (index, plane.offset - start));
        }
        start = end;
    }
    None
}

/// Calls `read` with the planes.
pub(super) fn read<R>(
    buffer: &gst::BufferRef,
    layout: &Layout,
    read: impl FnOnce([View<'_>; 4]) -> R,
) -> Result<R, glib::BoolError> {
    let mut views = [View::default(); 4];
    let places: Option<Vec<_>> = layout
        .planes()
        .iter()
        .map(|p| memory_of(buffer, p))
        .collect();
    let planes = views.iter_mut().zip(layout.planes());
    let Some(places) = places else {
        // A plane crosses the end of a memory. Mapping the whole buffer merges its memories.
        let map = buffer.map_readable()?;
        for (view, plane) in planes {
            *view = View::new(bytes(&map, plane.offset, plane)?, *plane);
        }
        return Ok(read(views));
    };
    let maps = buffer
        .iter_memories()
        .map(|memory| memory.map_readable())
        .collect::<Result<Vec<_>, _>>()?;
    for ((view, plane), (index, offset)) in planes.zip(places) {
        *view = View::new(bytes(&maps[index], offset, plane)?, *plane);
    }
    Ok(read(views))
}

fn bytes<'a>(map: &'a [u8], offset: usize, plane: &Plane) -> Result<&'a [u8], glib::BoolError> {
    map.get(offset..offset + plane.len())
        .ok_or_else(|| glib::bool_error!("a plane exceeds its memory"))
}

/// Calls `write` with the planes.
pub(super) fn write<R>(
    buffer: &mut gst::BufferRef,
    layout: &Layout,
    write: impl FnOnce(&mut [ViewMut<'_>; 4]) -> R,
) -> Result<R, glib::BoolError> {
    if !is_writable(buffer, layout) {
        // Mapping the whole buffer makes one writable memory.
        let mut map = buffer.map_writable()?;
        let mut views = carve(&mut [(0, map.as_mut_slice())], layout)?;
        return Ok(write(&mut views));
    }
    let mut maps = buffer
        .iter_memories_mut()?
        .map(|memory| memory.map_writable())
        .collect::<Result<Vec<_>, _>>()?;
    let mut start = 0;
    let mut pieces = Vec::with_capacity(maps.len());
    for map in &mut maps {
        let bytes = map.as_mut_slice();
        let end = start + bytes.len();
        pieces.push((start, bytes));
        start = end;
    }
    let mut views = carve(&mut pieces, layout)?;
    Ok(write(&mut views))
}

/// Splits pieces of a buffer into planes. Each piece comes with its offset in the buffer.
fn carve<'a>(
    pieces: &mut [(usize, &'a mut [u8])],
    layout: &Layout,
) -> Result<[ViewMut<'a>; 4], glib::BoolError> {
    let mut views = [(); 4].map(|()| ViewMut::default());
    let mut order: Vec<_> = views.iter_mut().zip(layout.planes()).collect();
    order.sort_by_key(|(_, plane)| plane.offset);
    for (view, plane) in order {
        let end = plane.offset + plane.len();
        let piece = pieces
            .iter_mut()
            .find(|(start, rest)| *start <= plane.offset && end <= start + rest.len())
            .ok_or_else(|| glib::bool_error!("two planes overlap"))?;
        let (start, rest) = std::mem::take(piece);
        let (_, rest) = rest.split_at_mut(plane.offset - start);
        let (bytes, rest) = rest.split_at_mut(plane.len());
        *piece = (end, rest);
        *view = ViewMut::new(bytes, *plane);
    }
    Ok(views)
}
