//! YUV with all components in one row.

use super::chroma::{toward_neutral8, toward_neutral16};
use super::luma::{delta, difference16, plus8, plus16};
use super::mix::Mix;
use crate::{Amount, Depth, Packed, Weights};

/// A multiple of the size of every group and of the widest registers.
pub(crate) const BLOCK: usize = 96;

#[inline(always)]
pub(crate) fn packed(row: &mut [u8], format: Packed, amount: Amount) {
    match format {
        Packed::Y210 => y210(row, Weights::NONE, amount),
        Packed::Y410 => y410(row, Weights::NONE, amount),
        _ => {
            let Some(mix) = Mix::new(amount) else { return };
            let whole = row.len() - row.len() % group(format);
            chroma_at(&mut row[..whole], mask(format), mix);
        }
    }
}

/// Returns the bytes of a group in an 8-bit format.
const fn group(format: Packed) -> usize {
    match format {
        Packed::V308 | Packed::Iyu2 => 3,
        _ => 4,
    }
}

/// Returns a mask of the chroma bytes in an 8-bit format. Unlike branches or a table of offsets, it
/// allows one loop for all formats, which vectorises.
pub(crate) const fn mask(format: Packed) -> &'static [u8; BLOCK] {
    // Constants: computing a mask for each row would take too long.
    match format {
        Packed::Yuy2 | Packed::Yvyu => const { &repeated([0, 0xff]) },
        Packed::Uyvy | Packed::Vyuy => const { &repeated([0xff, 0]) },
        Packed::Ayuv => const { &repeated([0, 0, 0xff, 0xff]) },
        Packed::Vuya => const { &repeated([0xff, 0xff, 0, 0]) },
        Packed::V308 => const { &repeated([0, 0xff, 0xff]) },
        Packed::Iyu2 => const { &repeated([0xff, 0, 0xff]) },
        Packed::Y210 | Packed::Y410 => const { &repeated([0]) },
    }
}

const fn repeated<const N: usize>(group: [u8; N]) -> [u8; BLOCK] {
    let mut all = [0; BLOCK];
    let mut i = 0;
    while i < BLOCK {
        all[i] = group[i % N];
        i += 1;
    }
    all
}

#[inline(always)]
fn chroma_at(row: &mut [u8], mask: &[u8; BLOCK], mix: Mix) {
    let (blocks, rest) = row.as_chunks_mut::<BLOCK>();
    if mix.is_full() {
        for block in blocks {
            for (byte, &mask) in block.iter_mut().zip(mask) {
                *byte = (*byte & !mask) | (128 & mask);
            }
        }
    } else {
        for block in blocks {
            for (byte, &mask) in block.iter_mut().zip(mask) {
                *byte = (*byte & !mask) | (toward_neutral8(*byte, mix.keep) & mask);
            }
        }
    }
    for (byte, &mask) in rest.iter_mut().zip(mask) {
        *byte = (*byte & !mask) | (toward_neutral8(*byte, mix.keep) & mask);
    }
}

#[inline(always)]
pub(crate) fn packed_luma(row: &mut [u8], format: Packed, weights: Weights, amount: Amount) {
    match format {
        Packed::Y210 => y210(row, weights, amount),
        Packed::Y410 => y410(row, weights, amount),
        _ => {
            let Some(mix) = Mix::new(amount) else { return };
            packed_luma8(row, format, weights.scaled(amount), mix.keep);
        }
    }
}

#[inline(always)]
fn packed_luma8(row: &mut [u8], format: Packed, weights: (i16, i16), keep: i16) {
    match format {
        Packed::Yuy2 => yuv422::<0, 1, 3>(row, weights, keep),
        Packed::Yvyu => yuv422::<0, 3, 1>(row, weights, keep),
        Packed::Uyvy => yuv422::<1, 0, 2>(row, weights, keep),
        Packed::Vyuy => yuv422::<1, 2, 0>(row, weights, keep),
        Packed::Ayuv => yuv444::<4, 1, 2, 3>(row, weights, keep),
        Packed::Vuya => yuv444::<4, 2, 1, 0>(row, weights, keep),
        Packed::V308 => yuv444::<3, 0, 1, 2>(row, weights, keep),
        Packed::Iyu2 => yuv444::<3, 1, 0, 2>(row, weights, keep),
        Packed::Y210 | Packed::Y410 => {}
    }
}

/// Processes groups of 4 bytes with Y at `Y` and `Y + 2`, U at `U`, V at `V`.
#[inline(always)]
fn yuv422<const Y: usize, const U: usize, const V: usize>(
    row: &mut [u8],
    (wu, wv): (i16, i16),
    keep: i16,
) {
    for group in row.as_chunks_mut::<4>().0 {
        let delta = delta(i16::from(group[U]) - 128, i16::from(group[V]) - 128, wu, wv);
        group[Y] = plus8(group[Y], delta);
        group[Y + 2] = plus8(group[Y + 2], delta);
        group[U] = toward_neutral8(group[U], keep);
        group[V] = toward_neutral8(group[V], keep);
    }
}

/// Processes pixels of `N` bytes with Y at `Y`, U at `U`, V at `V`.
#[inline(always)]
fn yuv444<const N: usize, const Y: usize, const U: usize, const V: usize>(
    row: &mut [u8],
    (wu, wv): (i16, i16),
    keep: i16,
) {
    for pixel in row.as_chunks_mut::<N>().0 {
        let delta = delta(i16::from(pixel[U]) - 128, i16::from(pixel[V]) - 128, wu, wv);
        pixel[Y] = plus8(pixel[Y], delta);
        pixel[U] = toward_neutral8(pixel[U], keep);
        pixel[V] = toward_neutral8(pixel[V], keep);
    }
}

#[inline(always)]
fn y210(row: &mut [u8], weights: Weights, amount: Amount) {
    const DEPTH: Depth = Depth::HIGH_10;
    let ((wu, wv), factor) = (weights.scaled(amount), amount.negated());
    for group in row.as_chunks_mut::<2>().0.as_chunks_mut::<4>().0 {
        let [y0, u, y1, v] = *group;
        let delta = delta(difference16(u, DEPTH), difference16(v, DEPTH), wu, wv);
        let chroma = |c| toward_neutral16(u16::from_le_bytes(c), DEPTH, factor).to_le_bytes();
        *group = [
            plus16(y0, DEPTH, delta),
            chroma(u),
            plus16(y1, DEPTH, delta),
            chroma(v),
        ];
    }
}

#[inline(always)]
fn y410(row: &mut [u8], weights: Weights, amount: Amount) {
    let ((wu, wv), amount) = (weights.scaled(amount), i32::from(amount.q15()));
    let (wu, wv) = (i32::from(wu), i32::from(wv));
    for bytes in row.as_chunks_mut().0 {
        // Everything stays in 32-bit lanes, like the word.
        let word = u32::from_le_bytes(*bytes);
        let at = |bit: u32| ((word >> bit) & 0x3ff) as i32;
        let (u, v) = (at(0) - 512, at(20) - 512);
        let y = (at(10) + ((u * wu + v * wv + (1 << 14)) >> 15)).clamp(0, 1023) as u32;
        let chroma = |bit: u32| (super::lerp(at(bit), 512, amount) as u32) << bit;
        *bytes = ((word & 0xc000_0000) | chroma(0) | (y << 10) | chroma(20)).to_le_bytes();
    }
}
