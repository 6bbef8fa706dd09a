//! Moves chroma toward neutral, in rows with only chroma.

use super::mix::{CENTRE, Mix, centred, component};
use crate::amount::mul_q15;
use crate::{Amount, Depth};

#[inline(always)]
pub(crate) fn chroma8(row: &mut [u8], amount: Amount) {
    let Some(mix) = Mix::new(amount) else { return };
    if mix.is_full() {
        return row.fill(128);
    }
    for byte in row {
        *byte = toward_neutral8(*byte, mix.keep);
    }
}

#[inline(always)]
pub(crate) fn chroma16(row: &mut [u8], depth: Depth, amount: Amount) {
    let samples = row.as_chunks_mut().0;
    if amount == Amount::FULL {
        return samples.fill((depth.neutral() << depth.shift()).to_le_bytes());
    }
    for sample in samples {
        *sample =
            toward_neutral16(u16::from_le_bytes(*sample), depth, amount.negated()).to_le_bytes();
    }
}

/// Moves an 8-bit component toward 128; `keep` is that of [`Mix`].
#[inline(always)]
pub(crate) const fn toward_neutral8(byte: u8, keep: i16) -> u8 {
    component(mul_q15(centred(byte), keep).wrapping_add(CENTRE))
}

/// Moves a sample toward neutral; `factor` is −amount.
#[inline(always)]
pub(super) fn toward_neutral16(sample: u16, depth: Depth, factor: i16) -> u16 {
    let c = sample >> depth.shift();
    let difference = c.wrapping_sub(depth.neutral()).cast_signed();
    // Samples outside the depth wrap, which is not an error here.
    c.wrapping_add_signed(mul_q15(difference, factor)) << depth.shift()
}
