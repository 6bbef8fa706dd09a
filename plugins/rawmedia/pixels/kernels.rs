//! The interface to the kernels of all levels.
#![forbid(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use crate::simd::Avx2;
#[cfg(target_arch = "aarch64")]
use crate::simd::Neon;
use crate::{Amount, Chroma, Depth, Level, Packed, Rgb10, RgbLayout, Subsampling, Weights, scalar};

/// The kernels of one [`Level`].
///
/// All kernels work in place. They process associated rows up to the length of the shortest one,
/// and do not change an incomplete last pixel, sample or group. They never panic.
#[derive(Clone, Copy, Debug)]
pub struct Kernels(Code);

#[derive(Clone, Copy, Debug)]
enum Code {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
}

macro_rules! dispatch {
    ($self:ident.$kernel:ident($($argument:ident),*)) => {
        match $self.0 {
            Code::Scalar => scalar::$kernel($($argument),*),
            #[cfg(target_arch = "x86_64")]
            Code::Avx2(avx2) => avx2.$kernel($($argument),*),
            #[cfg(target_arch = "aarch64")]
            Code::Neon(neon) => neon.$kernel($($argument),*),
        }
    };
}

impl Kernels {
    /// Returns the kernels of `level`; `None` if this processor does not support it.
    pub fn new(level: Level) -> Option<Self> {
        match level {
            Level::Scalar => Some(Self(Code::Scalar)),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Avx2::new().map(Code::Avx2).map(Self),
            #[cfg(target_arch = "aarch64")]
            Level::Neon => Neon::new().map(Code::Neon).map(Self),
            #[cfg_attr(
                not(any(target_arch = "x86_64", target_arch = "aarch64")),
                expect(
                    unreachable_patterns,
                    reason = "on other architectures some level is missing"
                )
            )]
            _ => None,
        }
    }

    /// Returns the kernels of [`Level::best`].
    pub fn best() -> Self {
        Self::new(Level::best()).unwrap_or(Self(Code::Scalar))
    }

    /// Returns the level of these kernels.
    pub const fn level(&self) -> Level {
        match self.0 {
            Code::Scalar => Level::Scalar,
            #[cfg(target_arch = "x86_64")]
            Code::Avx2(_) => Level::Avx2,
            #[cfg(target_arch = "aarch64")]
            Code::Neon(_) => Level::Neon,
        }
    }

    /// Makes interleaved 8-bit RGB gray. Other bytes, such as alpha, are kept.
    pub fn rgb(&self, row: &mut [u8], layout: RgbLayout, amount: Amount) {
        dispatch!(self.rgb(row, layout, amount));
    }

    /// Makes planar 8-bit RGB gray, given a row of each plane: `GBR`, `GBRA`, `RGBP`, `BGRP`.
    pub fn rgb_planar8(&self, r: &mut [u8], g: &mut [u8], b: &mut [u8], amount: Amount) {
        dispatch!(self.rgb_planar8(r, g, b, amount));
    }

    /// Makes planar RGB of more than 8 bits gray, given a row of each plane: `GBR_10LE`,
    /// `GBRA_10LE`.
    pub fn rgb_planar16(
        &self,
        r: &mut [u8],
        g: &mut [u8],
        b: &mut [u8],
        depth: Depth,
        amount: Amount,
    ) {
        dispatch!(self.rgb_planar16(r, g, b, depth, amount));
    }

    /// Makes RGB in 32-bit words gray. The two other bits are kept.
    pub fn rgb10(&self, row: &mut [u8], format: Rgb10, amount: Amount) {
        dispatch!(self.rgb10(row, format, amount));
    }

    /// Moves 8-bit chroma toward neutral (128); [`Amount::FULL`] fills the row with it. For rows
    /// with only chroma, of one plane or with U and V alternating.
    pub fn chroma8(&self, row: &mut [u8], amount: Amount) {
        dispatch!(self.chroma8(row, amount));
    }

    /// Like [`Self::chroma8`] for samples of `depth`. The bits below a sample become 0.
    pub fn chroma16(&self, row: &mut [u8], depth: Depth, amount: Amount) {
        dispatch!(self.chroma16(row, depth, amount));
    }

    /// Moves the chroma of a packed row toward neutral. Luma and alpha are kept.
    pub fn packed(&self, row: &mut [u8], format: Packed, amount: Amount) {
        dispatch!(self.packed(row, format, amount));
    }

    /// Like [`Self::packed`], but also computes the browser's luma.
    pub fn packed_luma(&self, row: &mut [u8], format: Packed, weights: Weights, amount: Amount) {
        dispatch!(self.packed_luma(row, format, weights, amount));
    }

    /// First step of the browser's luma: computes the differences that an 8-bit chroma row (before
    /// [`Self::chroma8`]) adds to luma, one for each pair of U and V. They apply to all rows of
    /// luma that share the chroma.
    pub fn luma_deltas8(
        &self,
        chroma: Chroma<'_>,
        weights: Weights,
        amount: Amount,
        deltas: &mut [i16],
    ) {
        dispatch!(self.luma_deltas8(chroma, weights, amount, deltas));
    }

    /// Like [`Self::luma_deltas8`] for samples of `depth`.
    pub fn luma_deltas16(
        &self,
        chroma: Chroma<'_>,
        depth: Depth,
        weights: Weights,
        amount: Amount,
        deltas: &mut [i16],
    ) {
        dispatch!(self.luma_deltas16(chroma, depth, weights, amount, deltas));
    }

    /// Second step: adds each delta to the luma samples that share its chroma; for the last delta
    /// there may be fewer. Sums are clamped to 0..=255.
    pub fn luma8(&self, row: &mut [u8], deltas: &[i16], subsampling: Subsampling) {
        dispatch!(self.luma8(row, deltas, subsampling));
    }

    /// Like [`Self::luma8`] for samples of `depth`, clamped to its range. The bits below a sample
    /// become 0.
    pub fn luma16(&self, row: &mut [u8], depth: Depth, deltas: &[i16], subsampling: Subsampling) {
        dispatch!(self.luma16(row, depth, deltas, subsampling));
    }
}

impl Default for Kernels {
    fn default() -> Self {
        Self::best()
    }
}
