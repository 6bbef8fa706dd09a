//! The structure of each format, and the work on it.

use acscall_pixels::{Amount, Depth, Packed, Rgb10, RgbLayout, Subsampling, Weights};
use gst_video::VideoFormat;

use super::BwFilterLuma;

/// The arrangement of a format's components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Luma only.
    Gray,
    /// Luma in plane 0, chroma in other planes.
    Planes(Planes),
    /// YUV in one plane.
    Packed(Packed),
    /// RGB in one plane, one byte per component.
    Rgb(RgbLayout),
    /// RGB in one plane, 10 bits per component.
    Rgb10(Rgb10),
    /// One plane per component.
    RgbPlanes {
        /// The planes of red, green and blue.
        planes: [usize; 3],
        sample: Sample,
    },
}

/// Planar and semi-planar YUV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planes {
    pub(super) chroma: ChromaPlanes,
    /// Columns of luma per column of chroma.
    pub(super) columns: Subsampling,
    /// Rows of luma per row of chroma, as a power of two.
    pub(super) rows_shift: u32,
    pub(super) sample: Sample,
    /// The plane of alpha.
    pub(super) alpha: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChromaPlanes {
    /// One plane each.
    Apart { u: usize, v: usize },
    /// U and V interleaved in plane 1.
    Uv,
    /// V and U interleaved in plane 1.
    Vu,
}

impl ChromaPlanes {
    /// Returns the planes that hold chroma.
    pub(super) fn planes(self) -> std::ops::RangeInclusive<usize> {
        match self {
            ChromaPlanes::Apart { u, v } => u.min(v)..=u.max(v),
            ChromaPlanes::Uv | ChromaPlanes::Vu => 1..=1,
        }
    }
}

/// How a component is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    Byte,
    /// Two bytes, little-endian.
    Word(Depth),
}

/// The work on a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Work {
    /// Changes nothing.
    Nothing,
    /// Makes chroma neutral and changes nothing else.
    DropChroma,
    /// Moves the components towards gray.
    Mix {
        amount: Amount,
        /// The weights of chroma in luma; none if luma stays.
        weights: Weights,
    },
}

/// The formats, the cheapest first.
pub(super) const FORMATS: &[VideoFormat] = &[
    VideoFormat::I420,
    VideoFormat::Nv12,
    VideoFormat::Yv12,
    VideoFormat::Nv21,
    VideoFormat::Y42b,
    VideoFormat::Nv16,
    VideoFormat::Nv61,
    VideoFormat::Y444,
    VideoFormat::Nv24,
    VideoFormat::Y41b,
    VideoFormat::Yuv9,
    VideoFormat::Yvu9,
    VideoFormat::A420,
    VideoFormat::Av12,
    VideoFormat::I42010le,
    VideoFormat::P01010le,
    VideoFormat::I42210le,
    VideoFormat::Y44410le,
    VideoFormat::A42010le,
    VideoFormat::A42210le,
    VideoFormat::A44410le,
    VideoFormat::I42012le,
    VideoFormat::P012Le,
    VideoFormat::I42212le,
    VideoFormat::Y44412le,
    VideoFormat::P016Le,
    VideoFormat::Y44416le,
    VideoFormat::Gray8,
    VideoFormat::Gray16Le,
    VideoFormat::Gray16Be,
    VideoFormat::Yuy2,
    VideoFormat::Yvyu,
    VideoFormat::Uyvy,
    VideoFormat::Vyuy,
    VideoFormat::Ayuv,
    VideoFormat::Vuya,
    VideoFormat::V308,
    VideoFormat::Iyu2,
    VideoFormat::Y210,
    VideoFormat::Y410,
    VideoFormat::Rgbx,
    VideoFormat::Bgrx,
    VideoFormat::Xrgb,
    VideoFormat::Xbgr,
    VideoFormat::Rgba,
    VideoFormat::Bgra,
    VideoFormat::Argb,
    VideoFormat::Abgr,
    VideoFormat::Rgb,
    VideoFormat::Bgr,
    VideoFormat::Gbr,
    VideoFormat::Gbra,
    VideoFormat::Rgbp,
    VideoFormat::Bgrp,
    VideoFormat::Rgb10a2Le,
    VideoFormat::Bgr10a2Le,
    VideoFormat::R210,
    VideoFormat::Gbr10le,
    VideoFormat::Gbra10le,
    VideoFormat::Gbr12le,
    VideoFormat::Gbra12le,
];

impl Plan {
    /// Returns `None` for formats that are not in [`FORMATS`].
    pub(super) fn of(format: VideoFormat) -> Option<Plan> {
        use Sample::{Byte, Word};
        const LOW_10: Sample = Word(Depth::LOW_10);
        const LOW_12: Sample = Word(Depth::LOW_12);
        Some(match format {
            VideoFormat::Gray8 | VideoFormat::Gray16Le | VideoFormat::Gray16Be => Plan::Gray,

            VideoFormat::I420 => planar(Subsampling::Two, 1, Byte),
            VideoFormat::Yv12 => planar_vu(Subsampling::Two, 1),
            VideoFormat::Y42b => planar(Subsampling::Two, 0, Byte),
            VideoFormat::Y41b => planar(Subsampling::Four, 0, Byte),
            VideoFormat::Y444 => planar(Subsampling::One, 0, Byte),
            VideoFormat::Yuv9 => planar(Subsampling::Four, 2, Byte),
            VideoFormat::Yvu9 => planar_vu(Subsampling::Four, 2),
            VideoFormat::A420 => with_alpha(planar(Subsampling::Two, 1, Byte), 3),
            VideoFormat::I42010le => planar(Subsampling::Two, 1, LOW_10),
            VideoFormat::I42210le => planar(Subsampling::Two, 0, LOW_10),
            VideoFormat::Y44410le => planar(Subsampling::One, 0, LOW_10),
            VideoFormat::A42010le => with_alpha(planar(Subsampling::Two, 1, LOW_10), 3),
            VideoFormat::A42210le => with_alpha(planar(Subsampling::Two, 0, LOW_10), 3),
            VideoFormat::A44410le => with_alpha(planar(Subsampling::One, 0, LOW_10), 3),
            VideoFormat::I42012le => planar(Subsampling::Two, 1, LOW_12),
            VideoFormat::I42212le => planar(Subsampling::Two, 0, LOW_12),
            VideoFormat::Y44412le => planar(Subsampling::One, 0, LOW_12),
            VideoFormat::Y44416le => planar(Subsampling::One, 0, Word(Depth::FULL_16)),

            VideoFormat::Nv12 => semi_planar(ChromaPlanes::Uv, Subsampling::Two, 1, Byte),
            VideoFormat::Nv21 => semi_planar(ChromaPlanes::Vu, Subsampling::Two, 1, Byte),
            VideoFormat::Nv16 => semi_planar(ChromaPlanes::Uv, Subsampling::Two, 0, Byte),
            VideoFormat::Nv61 => semi_planar(ChromaPlanes::Vu, Subsampling::Two, 0, Byte),
            VideoFormat::Nv24 => semi_planar(ChromaPlanes::Uv, Subsampling::One, 0, Byte),
            VideoFormat::Av12 => {
                with_alpha(semi_planar(ChromaPlanes::Uv, Subsampling::Two, 1, Byte), 2)
            }
            VideoFormat::P01010le => semi_planar_420(Depth::HIGH_10),
            VideoFormat::P012Le => semi_planar_420(Depth::HIGH_12),
            VideoFormat::P016Le => semi_planar_420(Depth::FULL_16),

            VideoFormat::Yuy2 => Plan::Packed(Packed::Yuy2),
            VideoFormat::Yvyu => Plan::Packed(Packed::Yvyu),
            VideoFormat::Uyvy => Plan::Packed(Packed::Uyvy),
            VideoFormat::Vyuy => Plan::Packed(Packed::Vyuy),
            VideoFormat::Ayuv => Plan::Packed(Packed::Ayuv),
            VideoFormat::Vuya => Plan::Packed(Packed::Vuya),
            VideoFormat::V308 => Plan::Packed(Packed::V308),
            VideoFormat::Iyu2 => Plan::Packed(Packed::Iyu2),
            VideoFormat::Y210 => Plan::Packed(Packed::Y210),
            VideoFormat::Y410 => Plan::Packed(Packed::Y410),

            VideoFormat::Rgb => Plan::Rgb(RgbLayout::RGB),
            VideoFormat::Bgr => Plan::Rgb(RgbLayout::BGR),
            VideoFormat::Rgbx | VideoFormat::Rgba => Plan::Rgb(RgbLayout::RGBX),
            VideoFormat::Bgrx | VideoFormat::Bgra => Plan::Rgb(RgbLayout::BGRX),
            VideoFormat::Xrgb | VideoFormat::Argb => Plan::Rgb(RgbLayout::XRGB),
            VideoFormat::Xbgr | VideoFormat::Abgr => Plan::Rgb(RgbLayout::XBGR),

            VideoFormat::Rgb10a2Le => Plan::Rgb10(Rgb10::Rgb10a2Le),
            VideoFormat::Bgr10a2Le => Plan::Rgb10(Rgb10::Bgr10a2Le),
            VideoFormat::R210 => Plan::Rgb10(Rgb10::R210),

            VideoFormat::Gbr | VideoFormat::Gbra => rgb_planes([2, 0, 1], Byte),
            VideoFormat::Rgbp => rgb_planes([0, 1, 2], Byte),
            VideoFormat::Bgrp => rgb_planes([2, 1, 0], Byte),
            VideoFormat::Gbr10le | VideoFormat::Gbra10le => rgb_planes([2, 0, 1], LOW_10),
            VideoFormat::Gbr12le | VideoFormat::Gbra12le => rgb_planes([2, 0, 1], LOW_12),
            _ => return None,
        })
    }

    /// Returns the work for `amount` and `luma`. The colour space adds `weights` of chroma to the
    /// gray of CSS.
    pub(super) fn work(self, amount: f64, luma: BwFilterLuma, weights: Weights) -> Work {
        let amount = Amount::new(amount);
        let weights = match luma {
            BwFilterLuma::AsIs => Weights::NONE,
            BwFilterLuma::Bt709 if weights.is_none() => Weights::NONE,
            BwFilterLuma::Bt709 => weights,
        };
        match self {
            _ if amount == Amount::NONE => Work::Nothing,
            Plan::Gray => Work::Nothing,
            Plan::Planes(_) if amount == Amount::FULL && weights == Weights::NONE => {
                Work::DropChroma
            }
            _ => Work::Mix { amount, weights },
        }
    }
}

fn planar(columns: Subsampling, rows_shift: u32, sample: Sample) -> Plan {
    planes(
        ChromaPlanes::Apart { u: 1, v: 2 },
        columns,
        rows_shift,
        sample,
    )
}

fn planar_vu(columns: Subsampling, rows_shift: u32) -> Plan {
    let chroma = ChromaPlanes::Apart { u: 2, v: 1 };
    planes(chroma, columns, rows_shift, Sample::Byte)
}

fn semi_planar(
    chroma: ChromaPlanes,
    columns: Subsampling,
    rows_shift: u32,
    sample: Sample,
) -> Plan {
    planes(chroma, columns, rows_shift, sample)
}

fn semi_planar_420(depth: Depth) -> Plan {
    semi_planar(ChromaPlanes::Uv, Subsampling::Two, 1, Sample::Word(depth))
}

fn planes(chroma: ChromaPlanes, columns: Subsampling, rows_shift: u32, sample: Sample) -> Plan {
    Plan::Planes(Planes {
        chroma,
        columns,
        rows_shift,
        sample,
        alpha: None,
    })
}

fn with_alpha(plan: Plan, plane: usize) -> Plan {
    match plan {
        Plan::Planes(planes) => Plan::Planes(Planes {
            alpha: Some(plane),
            ..planes
        }),
        other => other,
    }
}

fn rgb_planes(planes: [usize; 3], sample: Sample) -> Plan {
    Plan::RgbPlanes { planes, sample }
}

#[cfg(test)]
mod tests;
