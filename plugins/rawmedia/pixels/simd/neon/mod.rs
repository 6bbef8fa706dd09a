//! 64-bit ARM.

mod rgb;

use super::compile_again;
use crate::{Amount, Packed, RgbLayout};

/// Proof that the processor has NEON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neon(());

impl Neon {
    pub(crate) fn new() -> Option<Self> {
        crate::Level::Neon.is_available().then_some(Self(()))
    }

    pub(crate) fn rgb(self, row: &mut [u8], layout: RgbLayout, amount: Amount) {
        // SAFETY: the token exists, so the processor has NEON.
        unsafe { rgb::rgb(row, layout, amount) }
    }
}

compile_again!(Neon, "neon");
compile_again! { Neon, "neon":
    rgb_planar8(r: &mut [u8], g: &mut [u8], b: &mut [u8], amount: Amount);
    chroma8(row: &mut [u8], amount: Amount);
    packed(row: &mut [u8], format: Packed, amount: Amount);
}
