//! x86-64 with AVX2.

mod bytes;
mod rgb;

use super::compile_again;
use crate::{Amount, Packed, RgbLayout};

/// Proof that the processor has AVX2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn new() -> Option<Self> {
        crate::Level::Avx2.is_available().then_some(Self(()))
    }

    pub(crate) fn rgb(self, row: &mut [u8], layout: RgbLayout, amount: Amount) {
        // SAFETY: the token exists, so the processor has AVX2.
        unsafe { rgb::rgb(row, layout, amount) }
    }

    pub(crate) fn rgb_planar8(self, r: &mut [u8], g: &mut [u8], b: &mut [u8], amount: Amount) {
        // SAFETY: as above.
        unsafe { bytes::rgb_planar8(r, g, b, amount) }
    }

    pub(crate) fn chroma8(self, row: &mut [u8], amount: Amount) {
        // SAFETY: as above.
        unsafe { bytes::chroma8(row, amount) }
    }

    pub(crate) fn packed(self, row: &mut [u8], format: Packed, amount: Amount) {
        // SAFETY: as above.
        unsafe { bytes::packed(row, format, amount) }
    }
}

compile_again!(Avx2, "avx2");
