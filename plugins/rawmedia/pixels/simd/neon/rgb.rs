//! Interleaved RGB: 16 pixels at a time, which the load and store instructions deinterleave and
//! interleave.

use crate::scalar::mix::{BLUE, CENTRE, GREEN, Mix, RED};
use crate::{Amount, RgbLayout, scalar};
use std::arch::aarch64::*;

#[target_feature(enable = "neon")]
pub(super) fn rgb(row: &mut [u8], layout: RgbLayout, amount: Amount) {
    let Some(mix) = Mix::new(amount) else { return };
    let at = layout.offsets();
    if layout.size() == 3 {
        let (blocks, rest) = row.as_chunks_mut::<48>();
        for block in blocks {
            // SAFETY: reads the 48 bytes of the block; no alignment is needed.
            let pixels = unsafe { vld3q_u8(block.as_ptr()) };
            let mut planes = [pixels.0, pixels.1, pixels.2];
            mix_planes(&mut planes, at, mix);
            let [a, b, c] = planes;
            // SAFETY: writes the 48 bytes of the block.
            unsafe { vst3q_u8(block.as_mut_ptr(), uint8x16x3_t(a, b, c)) };
        }
        scalar::pixels::<3>(rest, layout, mix);
    } else {
        let (blocks, rest) = row.as_chunks_mut::<64>();
        for block in blocks {
            // SAFETY: reads the 64 bytes of the block; no alignment is needed.
            let pixels = unsafe { vld4q_u8(block.as_ptr()) };
            let mut planes = [pixels.0, pixels.1, pixels.2, pixels.3];
            mix_planes(&mut planes, at, mix);
            let [a, b, c, d] = planes;
            // SAFETY: writes the 64 bytes of the block.
            unsafe { vst4q_u8(block.as_mut_ptr(), uint8x16x4_t(a, b, c, d)) };
        }
        scalar::pixels::<4>(rest, layout, mix);
    }
}

#[target_feature(enable = "neon")]
#[inline]
fn mix_planes<const N: usize>(planes: &mut [uint8x16_t; N], at: [usize; 3], mix: Mix) {
    let colours = [planes[at[0]], planes[at[1]], planes[at[2]]];
    let low = [
        vget_low_u8(colours[0]),
        vget_low_u8(colours[1]),
        vget_low_u8(colours[2]),
    ];
    let high = [
        vget_high_u8(colours[0]),
        vget_high_u8(colours[1]),
        vget_high_u8(colours[2]),
    ];
    let (low_take, high_take) = (take(low, mix), take(high, mix));
    if mix.is_full() {
        let gray = vcombine_u8(component(low_take), component(high_take));
        for at in at {
            planes[at] = gray;
        }
    } else {
        for (i, at) in at.into_iter().enumerate() {
            let low = vaddq_s16(vqrdmulhq_n_s16(centred(low[i]), mix.keep), low_take);
            let high = vaddq_s16(vqrdmulhq_n_s16(centred(high[i]), mix.keep), high_take);
            planes[at] = vcombine_u8(component(low), component(high));
        }
    }
}

/// Returns the share of the gray of 8 pixels in the result, including [`CENTRE`].
#[target_feature(enable = "neon")]
#[inline]
fn take([r, g, b]: [uint8x8_t; 3], mix: Mix) -> int16x8_t {
    let (r, g, b) = (difference(r), difference(g), difference(b));
    // The weight of green does not fit into an i16, but half of it does.
    let g = vaddq_s16(g, g);
    const HALF_GREEN: i16 = (GREEN / 2) as i16;
    let low = vmull_n_s16(vget_low_s16(r), RED as i16);
    let low = vmlal_n_s16(low, vget_low_s16(g), HALF_GREEN);
    let low = vmlal_n_s16(low, vget_low_s16(b), BLUE as i16);
    let high = vmull_n_s16(vget_high_s16(r), RED as i16);
    let high = vmlal_n_s16(high, vget_high_s16(g), HALF_GREEN);
    let high = vmlal_n_s16(high, vget_high_s16(b), BLUE as i16);
    let gray = vcombine_s16(vshrn_n_s32::<8>(low), vshrn_n_s32::<8>(high));
    let take = if mix.is_full() {
        gray
    } else {
        vqrdmulhq_n_s16(gray, mix.take)
    };
    vaddq_s16(take, vdupq_n_s16(CENTRE))
}

/// Subtracts 128.
#[target_feature(enable = "neon")]
#[inline]
fn difference(bytes: uint8x8_t) -> int16x8_t {
    vreinterpretq_s16_u16(vsubl_u8(bytes, vdup_n_u8(128)))
}

/// Subtracts 128 and converts to Q8.
#[target_feature(enable = "neon")]
#[inline]
fn centred(bytes: uint8x8_t) -> int16x8_t {
    vshlq_n_s16::<8>(difference(bytes))
}

/// Returns the upper bytes of sums.
#[target_feature(enable = "neon")]
#[inline]
fn component(sums: int16x8_t) -> uint8x8_t {
    vshrn_n_u16::<8>(vreinterpretq_u16_s16(sums))
}
