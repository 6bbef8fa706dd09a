//! The browser's luma in planar and semi-planar YUV, in two steps: compute luma differences from
//! the chroma rows, then add them to each luma row that shares the chroma.

use crate::{Amount, Chroma, Depth, Subsampling, Weights};

#[inline(always)]
pub(crate) fn luma_deltas8(
    chroma: Chroma<'_>,
    weights: Weights,
    amount: Amount,
    deltas: &mut [i16],
) {
    let (wu, wv) = weights.scaled(amount);
    let delta8 = |u: u8, v: u8| delta(i16::from(u) - 128, i16::from(v) - 128, wu, wv);
    match chroma {
        Chroma::Planar { u, v } => {
            for ((d, &u), &v) in deltas.iter_mut().zip(u).zip(v) {
                *d = delta8(u, v);
            }
        }
        Chroma::Uv(row) => {
            for (d, &[u, v]) in deltas.iter_mut().zip(row.as_chunks().0) {
                *d = delta8(u, v);
            }
        }
        Chroma::Vu(row) => {
            for (d, &[v, u]) in deltas.iter_mut().zip(row.as_chunks().0) {
                *d = delta8(u, v);
            }
        }
    }
}

#[inline(always)]
pub(crate) fn luma_deltas16(
    chroma: Chroma<'_>,
    depth: Depth,
    weights: Weights,
    amount: Amount,
    deltas: &mut [i16],
) {
    let (wu, wv) = weights.scaled(amount);
    let delta16 =
        |u: [u8; 2], v: [u8; 2]| delta(difference16(u, depth), difference16(v, depth), wu, wv);
    match chroma {
        Chroma::Planar { u, v } => {
            let samples = u.as_chunks().0.iter().zip(v.as_chunks().0);
            for (d, (&u, &v)) in deltas.iter_mut().zip(samples) {
                *d = delta16(u, v);
            }
        }
        Chroma::Uv(row) => {
            for (d, &[u0, u1, v0, v1]) in deltas.iter_mut().zip(row.as_chunks().0) {
                *d = delta16([u0, u1], [v0, v1]);
            }
        }
        Chroma::Vu(row) => {
            for (d, &[v0, v1, u0, u1]) in deltas.iter_mut().zip(row.as_chunks().0) {
                *d = delta16([u0, u1], [v0, v1]);
            }
        }
    }
}

#[inline(always)]
pub(crate) fn luma8(row: &mut [u8], deltas: &[i16], subsampling: Subsampling) {
    match subsampling {
        Subsampling::One => add8::<1>(row, deltas),
        Subsampling::Two => add8::<2>(row, deltas),
        Subsampling::Four => add8::<4>(row, deltas),
    }
}

#[inline(always)]
fn add8<const N: usize>(row: &mut [u8], deltas: &[i16]) {
    let (groups, rest) = row.as_chunks_mut::<N>();
    let last = deltas.get(groups.len()).copied().unwrap_or(0);
    for (group, &delta) in groups.iter_mut().zip(deltas) {
        for byte in group {
            *byte = plus8(*byte, delta);
        }
    }
    for byte in rest {
        *byte = plus8(*byte, last);
    }
}

#[inline(always)]
pub(crate) fn luma16(row: &mut [u8], depth: Depth, deltas: &[i16], subsampling: Subsampling) {
    match subsampling {
        Subsampling::One => add16::<1>(row, depth, deltas),
        Subsampling::Two => add16::<2>(row, depth, deltas),
        Subsampling::Four => add16::<4>(row, depth, deltas),
    }
}

#[inline(always)]
fn add16<const N: usize>(row: &mut [u8], depth: Depth, deltas: &[i16]) {
    let (groups, rest) = row.as_chunks_mut::<2>().0.as_chunks_mut::<N>();
    let last = deltas.get(groups.len()).copied().unwrap_or(0);
    for (group, &delta) in groups.iter_mut().zip(deltas) {
        for sample in group {
            *sample = plus16(*sample, depth, delta);
        }
    }
    for sample in rest {
        *sample = plus16(*sample, depth, last);
    }
}

/// Returns the difference that a colour adds to luma. U and V are relative to neutral, the weights
/// are in Q15.
#[inline(always)]
pub(super) fn delta(u: i16, v: i16, wu: i16, wv: i16) -> i16 {
    // With weights within ±32767 the sum fits into an i32, even for 16-bit samples.
    let sum = i32::from(u) * i32::from(wu) + i32::from(v) * i32::from(wv) + (1 << 14);
    (sum >> 15).clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

#[inline(always)]
pub(super) fn difference16(sample: [u8; 2], depth: Depth) -> i16 {
    (u16::from_le_bytes(sample) >> depth.shift())
        .wrapping_sub(depth.neutral())
        .cast_signed()
}

#[inline(always)]
pub(super) fn plus8(byte: u8, delta: i16) -> u8 {
    i16::from(byte).saturating_add(delta).clamp(0, 255) as u8
}

#[inline(always)]
pub(super) fn plus16(sample: [u8; 2], depth: Depth, delta: i16) -> [u8; 2] {
    let c = u16::from_le_bytes(sample) >> depth.shift();
    (c.saturating_add_signed(delta).min(depth.max()) << depth.shift()).to_le_bytes()
}
