//! A stream with given caps, and how its buffers become gray.

use acscall_pixels::{Kernels, Weights};
use gst::glib;
use gst_video::prelude::*;
use gst_video::{VideoColorMatrix, VideoColorRange, VideoInterlaceMode};
use parking_lot::Mutex;

use super::BwFilterLuma;
use super::frame::Painter;
use super::layout::{Layout, LayoutError};
use super::map;
use super::neutral::Neutral;
use super::plan::{Plan, Work};

/// A stream with given caps.
#[derive(Debug)]
pub(super) struct Stream {
    info: gst_video::VideoInfo,
    /// The default layout of the caps, for downstream elements without `GstVideoMeta`.
    layout: Layout,
    kernels: Kernels,
    plan: Plan,
    weights: Weights,
    /// For the size of the last frame, which may be larger than the caps.
    neutral: Mutex<Option<Neutral>>,
}

/// The result of [`Stream::process`].
#[derive(Debug)]
pub(super) enum Output {
    /// The finished buffer.
    Done(gst::Buffer),
    /// The input, which has to be painted into another buffer.
    Into(gst::Buffer, Layout),
}

impl Stream {
    /// Returns `None` for caps that the element does not support.
    pub(super) fn new(info: gst_video::VideoInfo) -> Option<Stream> {
        let separate = info.multiview_mode() == gst_video::VideoMultiviewMode::Separated
            || info.interlace_mode() == VideoInterlaceMode::Fields;
        if separate {
            return None;
        }
        Some(Stream {
            layout: Layout::of_caps(&info).ok()?,
            kernels: Kernels::best(),
            plan: Plan::of(info.format())?,
            weights: weights(&info),
            neutral: Mutex::new(None),
            info,
        })
    }

    /// Returns the work for these property values.
    pub(super) fn work(&self, amount: f64, luma: BwFilterLuma) -> Work {
        self.plan.work(amount, luma, self.weights)
    }

    pub(super) fn info(&self) -> &gst_video::VideoInfo {
        &self.info
    }

    /// Returns the layout of a buffer.
    pub(super) fn layout_of(&self, buffer: &gst::BufferRef) -> Result<Layout, LayoutError> {
        Layout::of_buffer(buffer, &self.info)
    }

    /// Whether downstream can read a buffer with this layout.
    fn is_readable_downstream(&self, layout: &Layout, has_video_meta: bool) -> bool {
        // Upstream and downstream have agreed on frames that are larger than their caps.
        has_video_meta || self.is_larger(layout) || *layout == self.layout
    }

    /// Does the work without a new frame if possible.
    pub(super) fn process(
        &self,
        mut buffer: gst::Buffer,
        layout: Layout,
        work: Work,
        has_video_meta: bool,
    ) -> Result<Output, glib::BoolError> {
        if work == Work::DropChroma && has_video_meta {
            match self.without_chroma(buffer, &layout) {
                Ok(frame) => return Ok(Output::Done(frame)),
                Err(input) => buffer = input,
            }
        }
        if !self.is_readable_downstream(&layout, has_video_meta) {
            return Ok(Output::Into(buffer, layout));
        }
        if work == Work::Nothing {
            return Ok(Output::Done(buffer));
        }
        let painter = self.painter(&buffer);
        match buffer.get_mut() {
            Some(writable) if map::is_writable(writable, &layout) => {
                map::write(writable, &layout, |planes| {
                    painter.paint(work, planes, None)
                })?;
                Ok(Output::Done(buffer))
            }
            _ => Ok(Output::Into(buffer, layout)),
        }
    }

    /// Does the work while copying from one buffer to another.
    pub(super) fn process_into(
        &self,
        (input, from): (&gst::BufferRef, &Layout),
        (output, to): (&mut gst::BufferRef, &Layout),
        work: Work,
    ) -> Result<(), glib::BoolError> {
        let painter = self.painter(input);
        map::read(input, from, |from| {
            map::write(output, to, |to| painter.paint(work, to, Some(from)))
        })?
    }

    fn painter(&self, buffer: &gst::BufferRef) -> Painter {
        let interlaced = match self.info.interlace_mode() {
            VideoInterlaceMode::Interleaved => true,
            VideoInterlaceMode::Mixed => buffer
                .video_flags()
                .contains(gst_video::VideoBufferFlags::INTERLACED),
            _ => false,
        };
        Painter {
            kernels: self.kernels,
            plan: self.plan,
            interlaced,
        }
    }

    fn without_chroma(
        &self,
        input: gst::Buffer,
        layout: &Layout,
    ) -> Result<gst::Buffer, gst::Buffer> {
        match self.neutral(layout) {
            Some(neutral) => neutral.frame(input, layout),
            None => Err(input),
        }
    }

    fn neutral(&self, layout: &Layout) -> Option<Neutral> {
        let Plan::Planes(planes) = self.plan else {
            return None;
        };
        let mut kept = self.neutral.lock();
        if let Some(neutral) = kept.as_ref().filter(|neutral| neutral.fits(layout)) {
            return Some(neutral.clone());
        }
        let info = self.sized(layout)?;
        kept.clone_from(&Neutral::new(planes, &info));
        kept.clone()
    }

    /// Returns the video info of a frame that is larger than its caps.
    pub(super) fn larger(&self, layout: &Layout) -> Option<gst_video::VideoInfo> {
        self.is_larger(layout).then(|| self.sized(layout))?
    }

    fn is_larger(&self, layout: &Layout) -> bool {
        (layout.width, layout.height) != (self.layout.width, self.layout.height)
    }

    /// Returns the video info of frames of another size.
    fn sized(&self, layout: &Layout) -> Option<gst_video::VideoInfo> {
        gst_video::VideoInfo::builder(self.info.format(), layout.width, layout.height)
            .interlace_mode(self.info.interlace_mode())
            .build()
            .ok()
    }
}

/// Returns how much chroma the colour space of the caps adds to the gray of CSS.
fn weights(info: &gst_video::VideoInfo) -> Weights {
    let colorimetry = info.colorimetry();
    let known = luma_weights(colorimetry.matrix()).or_else(|| {
        let (format, width, height) = (info.format(), info.width(), info.height());
        let usual = gst_video::VideoInfo::builder(format, width, height).build();
        luma_weights(usual.ok()?.colorimetry().matrix())
    });
    let full_range = colorimetry.range() == VideoColorRange::Range0_255;
    known.map_or(Weights::NONE, |(kr, kb)| Weights::new(kr, kb, full_range))
}

/// Returns the weights of red and blue in Y.
fn luma_weights(matrix: VideoColorMatrix) -> Option<(f64, f64)> {
    match matrix {
        VideoColorMatrix::Fcc => Some((0.30, 0.11)),
        VideoColorMatrix::Bt709 => Some((0.2126, 0.0722)),
        VideoColorMatrix::Bt601 => Some((0.299, 0.114)),
        VideoColorMatrix::Smpte240m => Some((0.212, 0.087)),
        VideoColorMatrix::Bt2020 => Some((0.2627, 0.0593)),
        _ => None,
    }
}
