//! The kernels, by what they do; how is the level's.
#![forbid(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use crate::simd::Avx2;
#[cfg(target_arch = "aarch64")]
use crate::simd::Neon;
use crate::{Amount, Chroma, Depth, Level, Packed, Rgb10, RgbLayout, Subsampling, Weights, scalar};

/// The kernels of one [`Level`].
///
/// All work in place. Rows of different lengths that belong together are processed as far as the
/// shortest goes; a last pixel, sample or group that is not whole stays as it is. Nothing panics.
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
    /// Those of `level`; `None` where this processor lacks it.
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
                    reason = "elsewhere some level is always another's"
                )
            )]
            _ => None,
        }
    }

    /// Those of [`Level::best`].
    pub fn best() -> Self {
        Self::new(Level::best()).unwrap_or(Self(Code::Scalar))
    }

    /// Whose they are.
    pub const fn level(&self) -> Level {
        match self.0 {
            Code::Scalar => Level::Scalar,
            #[cfg(target_arch = "x86_64")]
            Code::Avx2(_) => Level::Avx2,
            #[cfg(target_arch = "aarch64")]
            Code::Neon(_) => Level::Neon,
        }
    }

    /// Interleaved RGB of 8 bits; bytes that are no colour stay.
    pub fn rgb(&self, row: &mut [u8], layout: RgbLayout, amount: Amount) {
        dispatch!(self.rgb(row, layout, amount));
    }

    /// Planar RGB of 8 bits, a row of each plane: `GBR`, `GBRA`, `RGBP`, `BGRP`.
    pub fn rgb_planar8(&self, r: &mut [u8], g: &mut [u8], b: &mut [u8], amount: Amount) {
        dispatch!(self.rgb_planar8(r, g, b, amount));
    }

    /// Planar RGB of more bits, a row of each plane: `GBR_10LE`, `GBRA_10LE`.
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

    /// RGB in words of 32 bits; the two bits that are no colour stay.
    pub fn rgb10(&self, row: &mut [u8], format: Rgb10, amount: Amount) {
        dispatch!(self.rgb10(row, format, amount));
    }

    /// Moves chroma of 8 bits toward neutral (128); with [`Amount::FULL`] fills with it. For rows that
    /// hold chroma alone, of one plane or U and V in turn.
    pub fn chroma8(&self, row: &mut [u8], amount: Amount) {
        dispatch!(self.chroma8(row, amount));
    }

    /// The same for samples of `depth`. The bits below a sample become 0.
    pub fn chroma16(&self, row: &mut [u8], depth: Depth, amount: Amount) {
        dispatch!(self.chroma16(row, depth, amount));
    }

    /// Moves the chroma of a packed row toward neutral; luma and alpha stay.
    pub fn packed(&self, row: &mut [u8], format: Packed, amount: Amount) {
        dispatch!(self.packed(row, format, amount));
    }

    /// [`Self::packed`] with luma as the browser would have it.
    pub fn packed_luma(&self, row: &mut [u8], format: Packed, weights: Weights, amount: Amount) {
        dispatch!(self.packed_luma(row, format, weights, amount));
    }

    /// The browser's luma, step one of two: what the colours of a chroma row of 8 bits (as it was
    /// before [`Self::chroma8`]) add to luma, one number for each pair of U and V. It serves all rows
    /// of luma that share the chroma.
    pub fn luma_deltas8(
        &self,
        chroma: Chroma<'_>,
        weights: Weights,
        amount: Amount,
        deltas: &mut [i16],
    ) {
        dispatch!(self.luma_deltas8(chroma, weights, amount, deltas));
    }

    /// The same for samples of `depth`.
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

    /// Step two: adds the deltas to a row of luma, each to as many samples as share its chroma; the
    /// last also to fewer. Sums stay within 0..=255.
    pub fn luma8(&self, row: &mut [u8], deltas: &[i16], subsampling: Subsampling) {
        dispatch!(self.luma8(row, deltas, subsampling));
    }

    /// The same for samples of `depth`, within its range. The bits below a sample become 0.
    pub fn luma16(&self, row: &mut [u8], depth: Depth, deltas: &[i16], subsampling: Subsampling) {
        dispatch!(self.luma16(row, depth, deltas, subsampling));
    }
}

impl Default for Kernels {
    fn default() -> Self {
        Self::best()
    }
}
