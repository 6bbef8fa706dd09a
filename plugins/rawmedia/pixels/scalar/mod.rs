//! The specification, in safe code that compilers can vectorise.
//!
//! The functions are always inlined, so that they can be compiled again for other instruction sets
//! (see `simd`). They process the whole pixels of the shortest row.
#![forbid(unsafe_code)]

mod chroma;
mod luma;
pub(crate) mod mix;
mod packed;
mod rgb;
mod rgb10;

#[cfg(target_arch = "x86_64")]
pub(crate) use chroma::toward_neutral8;
pub(crate) use chroma::{chroma8, chroma16};
pub(crate) use luma::{luma_deltas8, luma_deltas16, luma8, luma16};
#[cfg(target_arch = "x86_64")]
pub(crate) use packed::{BLOCK, mask};
pub(crate) use packed::{packed, packed_luma};
pub(crate) use rgb::{pixels, rgb, rgb_planar8, rgb_planar16};
pub(crate) use rgb10::rgb10;

/// Returns `c + amount·(aim − c)` for components of up to 16 bits; `amount` is in Q15.
#[inline(always)]
const fn lerp(c: i32, aim: i32, amount: i32) -> i32 {
    // 65535·2¹⁵ + 2¹⁴ fits into an i32.
    c + (((aim - c) * amount + (1 << 14)) >> 15)
}
