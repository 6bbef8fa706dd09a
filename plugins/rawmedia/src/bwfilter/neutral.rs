//! Gray frames at no cost: the luma of the input, and chroma that all frames share.

use std::sync::Arc;

use super::layout::Layout;
use super::map;
use super::metadata;
use super::plan::{Planes, Sample};

/// Neutral chroma for frames of one size.
#[derive(Clone, Debug)]
pub(super) struct Neutral(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    planes: Planes,
    /// Everything between luma and alpha (or the end) in the default layout: the padding rows of
    /// luma, then the planes of chroma. It is read-only: mapping a frame for writing makes a copy.
    chroma: gst::Memory,
    /// Everything after alpha in the default layout.
    tail: Option<gst::Memory>,
    layout: Layout,
    offsets: Vec<usize>,
    strides: Vec<i32>,
    format: gst_video::VideoFormat,
}

impl Neutral {
    /// Makes the chroma for frames with this format. All formats start with luma; otherwise the result
    /// is `None`.
    pub(super) fn new(planes: Planes, info: &gst_video::VideoInfo) -> Option<Neutral> {
        let layout = Layout::of_caps(info).ok()?;
        let luma = layout.planes().first()?;
        let luma_end = luma.stride * luma.rows;
        let (chroma_end, end) = match planes.alpha {
            None => (info.size(), info.size()),
            Some(alpha) => {
                let alpha = layout.planes().get(alpha)?;
                (alpha.offset, alpha.offset + alpha.stride * alpha.rows)
            }
        };
        let chroma = memory(planes.sample, chroma_end.checked_sub(luma_end)?);
        let tail = info.size().checked_sub(end).filter(|&tail| tail > 0);
        Some(Neutral(Arc::new(Shared {
            planes,
            chroma,
            tail: tail.map(|size| memory(planes.sample, size)),
            layout,
            offsets: info.offset().to_vec(),
            strides: info.stride().to_vec(),
            format: info.format(),
        })))
    }

    /// Whether it fits frames of this size.
    pub(super) fn fits(&self, layout: &Layout) -> bool {
        let own = &self.0.layout;
        (own.width, own.height) == (layout.width, layout.height)
    }

    /// Returns a frame that references the input's luma and alpha, and holds the input. Returns the
    /// input as an error if a plane does not lie in one memory.
    ///
    /// The frame does not share the input's memory objects: the input would return to its pool
    /// before the frame is freed, and a pool discards buffers whose memory is in use.
    pub(super) fn frame(
        &self,
        input: gst::Buffer,
        layout: &Layout,
    ) -> Result<gst::Buffer, gst::Buffer> {
        let shared = &*self.0;
        let Some(luma) = Borrowed::new(&input, layout, 0) else {
            return Err(input);
        };
        let alpha = match shared.planes.alpha {
            None => None,
            Some(plane) => match Borrowed::new(&input, layout, plane) {
                None => return Err(input),
                alpha => alpha,
            },
        };
        let mut offsets = shared.offsets.clone();
        let mut strides = shared.strides.clone();
        let (Some(own), Some(luma_plane)) =
            (shared.layout.planes().first(), layout.planes().first())
        else {
            return Err(input);
        };
        // If the input's luma has the default stride, this is the default layout.
        let luma_end = own.stride * own.rows;
        offsets[0] = 0;
        strides[0] = luma_plane.stride as i32;
        for plane in shared.planes.chroma.planes() {
            offsets[plane] = offsets[plane] - luma_end + luma.len;
        }
        if let Some(plane) = shared.planes.alpha {
            offsets[plane] = luma.len + shared.chroma.size();
            strides[plane] = layout.planes()[plane].stride as i32;
        }

        let mut frame = gst::Buffer::new();
        {
            let frame = frame.get_mut().expect("a new buffer is writable");
            frame.append_memory(gst::Memory::from_slice(luma));
            frame.append_memory(shared.chroma.clone());
            if let Some(alpha) = alpha {
                frame.append_memory(gst::Memory::from_slice(alpha));
            }
            if let Some(tail) = &shared.tail {
                frame.append_memory(tail.clone());
            }
            metadata::copy(&input, frame);
            let flags = match input.meta::<gst_video::VideoMeta>() {
                Some(meta) => meta.video_frame_flags(),
                None => gst_video::VideoFrameFlags::empty(),
            };
            let added = gst_video::VideoMeta::add_full(
                frame,
                flags,
                shared.format,
                layout.width,
                layout.height,
                &offsets,
                &strides,
            );
            if added.is_err() {
                return Err(input);
            }
        }
        Ok(frame)
    }
}

/// Returns `size` bytes of neutral chroma.
fn memory(sample: Sample, size: usize) -> gst::Memory {
    let bytes = match sample {
        Sample::Byte => vec![0x80; size],
        Sample::Word(depth) => {
            let neutral = 1u16 << (depth.bits() - 1 + depth.shift());
            neutral
                .to_le_bytes()
                .into_iter()
                .cycle()
                .take(size)
                .collect()
        }
    };
    gst::Memory::from_slice(bytes)
}

/// A plane of a buffer. It holds the buffer.
struct Borrowed {
    // Declared first: it is unmapped before the buffer returns to its pool.
    map: gst::MappedMemory<gst::memory::Readable>,
    start: usize,
    len: usize,
    _buffer: gst::Buffer,
}

impl Borrowed {
    /// `None` if the plane, with the whole stride of its last row, does not lie in one memory.
    fn new(buffer: &gst::Buffer, layout: &Layout, plane: usize) -> Option<Borrowed> {
        let plane = layout.planes().get(plane)?;
        let (index, start) = map::memory_of(buffer, plane)?;
        let len = plane.stride * plane.rows;
        let map = buffer.memory(index)?.into_mapped_memory_readable().ok()?;
        (start + len <= map.size()).then(|| Borrowed {
            map,
            start,
            len,
            _buffer: buffer.clone(),
        })
    }
}

impl AsRef<[u8]> for Borrowed {
    fn as_ref(&self) -> &[u8] {
        &self.map.as_slice()[self.start..self.start + self.len]
    }
}
