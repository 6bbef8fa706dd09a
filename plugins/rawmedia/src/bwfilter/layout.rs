//! The positions of a frame's planes in its buffer.
//!
//! `GstVideoFrame` does not work here: its bindings return slices of stride times frame height,
//! which is too long for the fields of `interlace-mode=alternate` and for planes whose last row is
//! not padded.

use std::fmt;

use thiserror::Error;

/// The planes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// In pixels. Larger than in the caps if the buffer has a `GstVideoCropMeta`.
    pub(super) width: u32,
    /// In pixels. The height of the whole frame, even if the buffer holds a field.
    pub(super) height: u32,
    planes: [Plane; 4],
    n_planes: usize,
}

/// A plane in a buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Plane {
    /// Offset of its first byte in the buffer.
    pub(super) offset: usize,
    /// Bytes from one row to the next.
    pub(super) stride: usize,
    /// Bytes of pixels in a row.
    pub(super) row: usize,
    /// Number of rows in the buffer.
    pub(super) rows: usize,
}

impl Plane {
    /// Returns the number of bytes from the first row to the last pixel of the last row.
    pub(super) fn len(&self) -> usize {
        match self.rows {
            0 => 0,
            rows => (rows - 1) * self.stride + self.row,
        }
    }
}

/// Why a buffer does not match its caps.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum LayoutError {
    #[error("its GstVideoMeta says {meta:?}, the caps say {caps:?}")]
    Meta { meta: Kind, caps: Kind },
    #[error("plane {plane} has a stride of {stride} bytes, but rows of {row} bytes")]
    Stride {
        plane: usize,
        stride: i32,
        row: usize,
    },
    #[error("plane {plane} ends at byte {end}, but the buffer has {size} bytes")]
    Size {
        plane: usize,
        end: usize,
        size: usize,
    },
}

/// A format and a size.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(&'static str, u32, u32);

impl fmt::Debug for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}x{}", self.0, self.1, self.2)
    }
}

impl Layout {
    /// Returns the default layout of the caps.
    pub(super) fn of_caps(info: &gst_video::VideoInfo) -> Result<Layout, LayoutError> {
        let (width, height) = (info.width(), info.height());
        Layout::new(info, width, height, info.offset(), info.stride())
    }

    /// Returns the layout of a buffer: that of its `GstVideoMeta`, or else the default one. It lies
    /// within the buffer.
    pub(super) fn of_buffer(
        buffer: &gst::BufferRef,
        info: &gst_video::VideoInfo,
    ) -> Result<Layout, LayoutError> {
        let layout = match buffer.meta::<gst_video::VideoMeta>() {
            None => Layout::of_caps(info)?,
            Some(meta) => {
                let (width, height) = (meta.width(), meta.height());
                let agree = meta.format() == info.format()
                    && meta.n_planes() == info.n_planes()
                    && width >= info.width()
                    && height >= info.height();
                if !agree {
                    return Err(LayoutError::Meta {
                        meta: Kind(meta.format().to_str().as_str(), width, height),
                        caps: Kind(info.name(), info.width(), info.height()),
                    });
                }
                Layout::new(info, width, height, meta.offset(), meta.stride())?
            }
        };
        let size = buffer.size();
        for (plane, at) in layout.planes().iter().enumerate() {
            let end = at.offset.saturating_add(at.len());
            if end > size {
                return Err(LayoutError::Size { plane, end, size });
            }
        }
        Ok(layout)
    }

    fn new(
        info: &gst_video::VideoInfo,
        width: u32,
        height: u32,
        offsets: &[usize],
        strides: &[i32],
    ) -> Result<Layout, LayoutError> {
        let n_planes = offsets.len().min(strides.len()).min(4);
        let mut planes = [Plane::default(); 4];
        let at = offsets.iter().zip(strides).enumerate().take(n_planes);
        for (plane, (&offset, &stride)) in at {
            let (row, rows) = extent(info, plane, width, height);
            let error = LayoutError::Stride { plane, stride, row };
            let stride = usize::try_from(stride).map_err(|_| error)?;
            if stride < row {
                return Err(error);
            }
            planes[plane] = Plane {
                offset,
                stride,
                row,
                rows,
            };
        }
        Ok(Layout {
            width,
            height,
            planes,
            n_planes,
        })
    }

    pub(super) fn planes(&self) -> &[Plane] {
        &self.planes[..self.n_planes]
    }
}

/// Returns the bytes of pixels in a row of a plane, and the number of its rows in a buffer.
fn extent(info: &gst_video::VideoInfo, plane: usize, width: u32, height: u32) -> (usize, usize) {
    let format = info.format_info();
    let alternate = info.interlace_mode() == gst_video::VideoInterlaceMode::Alternate;
    let height = if alternate {
        height.div_ceil(2)
    } else {
        height
    };
    let components = (0..format.n_components()).filter(|&c| {
        let plane_of = format.plane().get(c as usize).copied();
        plane_of.is_some_and(|p| p as usize == plane)
    });
    let mut extent = (0, 0);
    for component in components {
        let component = component as u8;
        let columns = format.scale_width(component, width) as usize;
        let rows = format.scale_height(component, height) as usize;
        let step = info.comp_pstride(component).max(0) as usize;
        // YUY2 has one chroma column per two columns of luma: rows hold whole groups of pixels,
        // even if the width is odd.
        extent = (extent.0.max(columns * step), extent.1.max(rows));
    }
    extent
}
