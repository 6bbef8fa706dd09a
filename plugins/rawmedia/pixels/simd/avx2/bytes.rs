//! Planar RGB and chroma: rows whose bytes are all processed alike.
//!
//! Written by hand, because compilers do not recognise the product of `mul_q15`, and for other
//! products move all bytes between lanes twice. Here the even and odd bytes of a register are the
//! lower and upper halves of its words, and no byte changes its lane.

use crate::scalar::mix::{CENTRE, Mix, shares};
use crate::{Amount, Packed, scalar};
use std::arch::x86_64::*;

#[target_feature(enable = "avx2")]
pub(super) fn chroma8(row: &mut [u8], amount: Amount) {
    let Some(mix) = Mix::new(amount) else { return };
    if mix.is_full() {
        return row.fill(128);
    }
    let (keep, centre) = (_mm256_set1_epi16(mix.keep), _mm256_set1_epi16(CENTRE));
    let (blocks, rest) = row.as_chunks_mut();
    for block in blocks {
        store(block, mixed(centred(load(block)), keep, [centre; 2]));
    }
    for byte in rest {
        *byte = scalar::toward_neutral8(*byte, mix.keep);
    }
}

#[target_feature(enable = "avx2")]
pub(super) fn packed(row: &mut [u8], format: Packed, amount: Amount) {
    let by_hand = !matches!(format, Packed::Y210 | Packed::Y410) && amount != Amount::FULL;
    let mix = match Mix::new(amount) {
        Some(mix) if by_hand => mix,
        // Compilers vectorise plain masks and words as well.
        _ => return scalar::packed(row, format, amount),
    };
    let (keep, centre) = (_mm256_set1_epi16(mix.keep), _mm256_set1_epi16(CENTRE));
    let mask = scalar::mask(format);
    let (blocks, rest) = row.as_chunks_mut::<{ scalar::BLOCK }>();
    for block in blocks {
        for (part, mask) in block.as_chunks_mut().0.iter_mut().zip(mask.as_chunks().0) {
            let bytes = load(part);
            let chroma = mixed(centred(bytes), keep, [centre; 2]);
            store(part, _mm256_blendv_epi8(bytes, chroma, load(mask)));
        }
    }
    scalar::packed(rest, format, amount);
}

#[target_feature(enable = "avx2")]
pub(super) fn rgb_planar8(r: &mut [u8], g: &mut [u8], b: &mut [u8], amount: Amount) {
    let Some(mix) = Mix::new(amount) else { return };
    let whole = r.len().min(g.len()).min(b.len());
    let (r, r_rest) = r[..whole].as_chunks_mut();
    let (g, g_rest) = g[..whole].as_chunks_mut();
    let (b, b_rest) = b[..whole].as_chunks_mut();
    let [red, green, blue] = shares(amount);
    let (red, green, blue) = (
        _mm256_set1_epi16(red),
        _mm256_set1_epi16(green),
        _mm256_set1_epi16(blue),
    );
    let (keep, centre) = (_mm256_set1_epi16(mix.keep), _mm256_set1_epi16(CENTRE));
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        let (c_r, c_g, c_b) = (centred(load(r)), centred(load(g)), centred(load(b)));
        let (r_products, g_products, b_products) = (
            products(c_r, red),
            products(c_g, green),
            products(c_b, blue),
        );
        let share = add(add(r_products, g_products), add(b_products, [centre; 2]));
        if mix.is_full() {
            let gray = upper_bytes(share);
            store(r, gray);
            store(g, gray);
            store(b, gray);
        } else {
            store(r, mixed(c_r, keep, share));
            store(g, mixed(c_g, keep, share));
            store(b, mixed(c_b, keep, share));
        }
    }
    scalar::rgb_planar8(r_rest, g_rest, b_rest, amount);
}

/// The even and the odd bytes of a register as words.
type Halves = [__m256i; 2];

/// The mask of the upper byte of a word.
pub(super) const UPPER: i16 = 0xff00_u16.cast_signed();

/// Returns the differences of the bytes from 128 in Q8.
#[target_feature(enable = "avx2")]
#[inline]
fn centred(bytes: __m256i) -> Halves {
    let bytes = _mm256_xor_si256(bytes, _mm256_set1_epi8(i8::MIN));
    [
        _mm256_slli_epi16::<8>(bytes),
        _mm256_and_si256(bytes, _mm256_set1_epi16(UPPER)),
    ]
}

#[target_feature(enable = "avx2")]
#[inline]
fn products([even, odd]: Halves, factor: __m256i) -> Halves {
    [
        _mm256_mulhrs_epi16(even, factor),
        _mm256_mulhrs_epi16(odd, factor),
    ]
}

#[target_feature(enable = "avx2")]
#[inline]
fn add(a: Halves, b: Halves) -> Halves {
    [_mm256_add_epi16(a[0], b[0]), _mm256_add_epi16(a[1], b[1])]
}

#[target_feature(enable = "avx2")]
#[inline]
fn upper_bytes([even, odd]: Halves) -> __m256i {
    _mm256_blendv_epi8(_mm256_srli_epi16::<8>(even), odd, _mm256_set1_epi16(UPPER))
}

/// Returns the bytes after adding `added` to the kept part.
#[target_feature(enable = "avx2")]
#[inline]
fn mixed(centred: Halves, keep: __m256i, added: Halves) -> __m256i {
    upper_bytes(add(products(centred, keep), added))
}

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn load(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: reads the 32 bytes; no alignment is needed.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn store(bytes: &mut [u8; 32], register: __m256i) {
    // SAFETY: writes the 32 bytes; no alignment is needed.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), register) };
}
