//! Interleaved RGB.
//!
//! To compute the gray, the bytes of a pixel are arranged as red, green, blue, green. The weights
//! of `PAIRS` then take two instructions, one for pairs of bytes and one for the two pairs. If a
//! part of the colours is kept, their even and odd bytes are the lower and upper halves of words,
//! as in `bytes`.

use super::bytes::{UPPER, load, store};
use crate::scalar::mix::{CENTRE, Mix, PAIRS};
use crate::{Amount, RgbLayout, scalar};
use std::arch::x86_64::*;
use std::hint::black_box;

#[target_feature(enable = "avx2")]
pub(super) fn rgb(row: &mut [u8], layout: RgbLayout, amount: Amount) {
    let Some(mix) = Mix::new(amount) else { return };
    if layout.size() == 3 {
        let rest = match mix.is_full() {
            true => full24(row, layout, mix),
            false => mix24(row, layout, mix),
        };
        scalar::pixels::<3>(rest, layout, mix);
    } else {
        let rest = match mix.is_full() {
            true => rows32::<true>(row, layout, mix),
            false => rows32::<false>(row, layout, mix),
        };
        scalar::pixels::<4>(rest, layout, mix);
    }
}

/// The constants for pixels of 4 bytes.
#[derive(Clone, Copy)]
struct Pixel {
    /// Shuffles to red, green, blue, green.
    arrange: __m256i,
    /// Shuffles from Q16 in 32 bits to Q8 in both words.
    to_words: __m256i,
    inner: __m256i,
    outer: __m256i,
    keep: __m256i,
    take: __m256i,
}

impl Pixel {
    #[target_feature(enable = "avx2")]
    fn new([r, g, b]: [usize; 3], mix: Mix) -> Self {
        let [red, blue] = PAIRS;
        let inner = [red.1, red.2, blue.1, blue.2].map(u8::cast_signed);
        Self {
            arrange: quadruples([r, g, b, g].map(|at| at as i8), 4),
            to_words: quadruples([1, 2, 1, 2], 4),
            inner: quadruples(inner, 0),
            outer: quadruples([red.0, 0, blue.0, 0].map(u8::cast_signed), 0),
            keep: _mm256_set1_epi16(mix.keep),
            take: _mm256_set1_epi16(mix.take),
        }
    }

    /// Returns the gray of 8 pixels in Q16 in 32 bits, from arranged bytes less 128.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn gray(self, arranged: __m256i) -> __m256i {
        _mm256_madd_epi16(_mm256_maddubs_epi16(self.inner, arranged), self.outer)
    }

    /// Returns the share of words of gray in the result, including [`CENTRE`].
    #[target_feature(enable = "avx2")]
    #[inline]
    fn take(self, gray: __m256i) -> __m256i {
        let take = _mm256_mulhrs_epi16(gray, self.take);
        _mm256_add_epi16(take, _mm256_set1_epi16(CENTRE))
    }

    /// Returns the kept part of bytes less 128, plus the given words for the even and the odd
    /// bytes.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn keep(self, centred: __m256i, to_even: __m256i, to_odd: __m256i) -> __m256i {
        let even = _mm256_slli_epi16::<8>(centred);
        let odd = _mm256_and_si256(centred, _mm256_set1_epi16(UPPER));
        let even = _mm256_add_epi16(_mm256_mulhrs_epi16(even, self.keep), to_even);
        let odd = _mm256_add_epi16(_mm256_mulhrs_epi16(odd, self.keep), to_odd);
        _mm256_blendv_epi8(_mm256_srli_epi16::<8>(even), odd, _mm256_set1_epi16(UPPER))
    }

    /// Returns 8 pixels partly gray; the fourth bytes are undefined.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn mix(self, centred: __m256i) -> __m256i {
        let gray = self.gray(_mm256_shuffle_epi8(centred, self.arrange));
        let take = self.take(_mm256_shuffle_epi8(gray, self.to_words));
        self.keep(centred, take, take)
    }

    /// Returns the gray of 8 pixels, in the third byte of each.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn full(self, arranged: __m256i) -> __m256i {
        _mm256_add_epi32(
            self.gray(arranged),
            _mm256_set1_epi32((CENTRE as u16 as i32) << 8),
        )
    }
}

/// Subtracts 128.
#[target_feature(enable = "avx2")]
#[inline]
fn centred(bytes: __m256i) -> __m256i {
    _mm256_xor_si256(bytes, _mm256_set1_epi8(i8::MIN))
}

/// Repeats four bytes for each pixel, adding `step` for every pixel within 16 bytes.
#[target_feature(enable = "avx2")]
#[inline]
fn quadruples(bytes: [i8; 4], step: i8) -> __m256i {
    let mut all = [0; 16];
    for (i, byte) in all.iter_mut().enumerate() {
        *byte = bytes[i % 4].wrapping_add(i as i8 / 4 * step);
    }
    lanes(all)
}

/// Loads the same 16 bytes into both halves.
#[target_feature(enable = "avx2")]
#[inline]
fn lanes(bytes: [i8; 16]) -> __m256i {
    // Without this, compilers replace one shuffle by several simpler ones.
    let bytes = black_box(bytes);
    // SAFETY: reads the 16 bytes of the array; no alignment is needed.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

/// Processes pixels of 4 bytes. Returns the rest, which does not fill a register.
#[target_feature(enable = "avx2")]
fn rows32<const FULL: bool>(row: &mut [u8], layout: RgbLayout, mix: Mix) -> &mut [u8] {
    let pixel = Pixel::new(layout.offsets(), mix);
    let mut other = [-1; 4];
    for at in layout.offsets() {
        other[at] = 0;
    }
    let other = quadruples(other, 0);
    let spread = quadruples([2; 4], 4);
    let (blocks, rest) = row.as_chunks_mut();
    for block in blocks {
        let pixels = load(block);
        let mixed = if FULL {
            let arranged = _mm256_shuffle_epi8(centred(pixels), pixel.arrange);
            _mm256_shuffle_epi8(pixel.full(arranged), spread)
        } else {
            pixel.mix(centred(pixels))
        };
        store(block, _mm256_blendv_epi8(mixed, pixels, other));
    }
    rest
}

/// Makes pixels of 3 bytes fully gray. Returns the rest, which does not fill a block of 32 pixels.
///
/// A register holds 8 pixels of 4 bytes, 4 in each half. The halves are 48 bytes apart in memory,
/// so that the 12 bytes of 4 registers can be joined without crossing halves.
#[target_feature(enable = "avx2")]
fn full24(row: &mut [u8], layout: RgbLayout, mix: Mix) -> &mut [u8] {
    let pixel = Pixel::new(layout.offsets(), mix);
    let arrange = quarters24(pixel.arrange);
    // Four times 12 bytes of a half form three times 16: a and the first 4 bytes of b, the rest of
    // b and the first 8 of c, the rest of c and d.
    let [a_rest, b_rest, c_rest] = [gray_from(0), gray_from(4), gray_from(8)];
    let [b_first, c_first, d_first] = [gray_from(-12), gray_from(-8), gray_from(-4)];
    let (blocks, rest) = row.as_chunks_mut::<96>();
    for block in blocks {
        let mut parts = quarters(block);
        // A loop, so that the function is called in one place and inlined.
        for (part, arrange) in parts.iter_mut().zip(arrange) {
            *part = pixel.full(_mm256_shuffle_epi8(centred(*part), arrange));
        }
        let [a, b, c, d] = parts;
        let gray = [
            (a, a_rest, b, b_first),
            (b, b_rest, c, c_first),
            (c, c_rest, d, d_first),
        ];
        let mut sixteens = [a; 3];
        for (bytes, (low, to_low, high, to_high)) in sixteens.iter_mut().zip(gray) {
            let (low, high) = (
                _mm256_shuffle_epi8(low, to_low),
                _mm256_shuffle_epi8(high, to_high),
            );
            *bytes = _mm256_or_si256(low, high);
        }
        store_halves::<0>(block, sixteens[0]);
        store_halves::<16>(block, sixteens[1]);
        store_halves::<32>(block, sixteens[2]);
    }
    rest
}

/// Makes pixels of 3 bytes partly gray. Returns the rest, which does not fill a block of 32 pixels.
///
/// Only the gray is computed from pixels of 4 bytes, as in [`full24`]. The bytes stay in place; the
/// share of the gray is shuffled to the words of the even and the odd bytes.
#[target_feature(enable = "avx2")]
fn mix24(row: &mut [u8], layout: RgbLayout, mix: Mix) -> &mut [u8] {
    let pixel = Pixel::new(layout.offsets(), mix);
    let arrange = quarters24(pixel.arrange);
    // The pixel of each even and each odd byte, counted from the first of 8 pixels in half a
    // register.
    let [even0, odd0] = [word_of_pixel(0, 0), word_of_pixel(1, 0)];
    let [even1, odd1] = [word_of_pixel(16, 4), word_of_pixel(17, 4)];
    let [even2, odd2] = [word_of_pixel(32, 8), word_of_pixel(33, 8)];
    let (blocks, rest) = row.as_chunks_mut::<96>();
    for block in blocks {
        let bytes = [
            centred(load_halves::<0>(block)),
            centred(load_halves::<16>(block)),
            centred(load_halves::<32>(block)),
        ];
        let mut parts = quarters(block);
        for (part, arrange) in parts.iter_mut().zip(arrange) {
            let gray = pixel.gray(_mm256_shuffle_epi8(centred(*part), arrange));
            *part = _mm256_srai_epi32::<8>(gray);
        }
        let [a, b, c, d] = parts;
        let first = pixel.take(_mm256_packs_epi32(a, b));
        let last = pixel.take(_mm256_packs_epi32(c, d));
        let middle = _mm256_alignr_epi8::<8>(last, first);
        let spread = [
            (first, even0, odd0),
            (middle, even1, odd1),
            (last, even2, odd2),
        ];
        let mut kept = bytes;
        for (bytes, (take, even, odd)) in kept.iter_mut().zip(spread) {
            let (to_even, to_odd) = (
                _mm256_shuffle_epi8(take, even),
                _mm256_shuffle_epi8(take, odd),
            );
            *bytes = pixel.keep(*bytes, to_even, to_odd);
        }
        store_halves::<0>(block, kept[0]);
        store_halves::<16>(block, kept[1]);
        store_halves::<32>(block, kept[2]);
    }
    rest
}

/// Returns the shuffle of 8 words, one per pixel, to byte `byte` of a half and every second byte
/// after it. The first word is that of pixel `first` of the 16 pixels of the half.
#[target_feature(enable = "avx2")]
fn word_of_pixel(byte: i8, first: i8) -> __m256i {
    let mut all = [0; 16];
    for (i, at) in all.iter_mut().enumerate() {
        let (word, part) = (i as i8 / 2, i as i8 % 2);
        *at = ((byte + 2 * word) / 3 - first) * 2 + part;
    }
    lanes(all)
}

/// Returns `arrange` for pixels of 3 bytes, for the parts from [`quarters`].
#[target_feature(enable = "avx2")]
fn quarters24(arrange: __m256i) -> [__m256i; 4] {
    let widen = lanes([0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11]);
    let arrange_first = _mm256_shuffle_epi8(widen, arrange);
    let arrange_last = _mm256_add_epi8(arrange_first, _mm256_set1_epi8(4));
    [arrange_first, arrange_first, arrange_first, arrange_last]
}

/// Loads four times 12 bytes of both halves of a block, each to the start of half a register; the
/// last ones to its end, so that no byte after the block is read.
#[target_feature(enable = "avx2")]
#[inline]
fn quarters(block: &[u8; 96]) -> [__m256i; 4] {
    [
        load_halves::<0>(block),
        load_halves::<12>(block),
        load_halves::<24>(block),
        load_halves::<32>(block),
    ]
}

/// Returns the shuffle mask that spreads the gray of 4 pixels, which is in their third bytes, over
/// 12 bytes. The mask gives the 16 bytes from `first` on; those outside of the 12 are zero.
#[target_feature(enable = "avx2")]
fn gray_from(first: i8) -> __m256i {
    let mut all = [-1; 16];
    for (i, at) in (first..).zip(&mut all) {
        if (0..12).contains(&i) {
            *at = i / 3 * 4 + 2;
        }
    }
    lanes(all)
}

/// Loads 16 bytes at `AT` and 16 bytes at `AT + 48`.
#[target_feature(enable = "avx2")]
#[inline]
fn load_halves<const AT: usize>(block: &[u8; 96]) -> __m256i {
    const { assert!(AT + 48 + 16 <= 96) };
    // SAFETY: all bytes are within the block, as asserted; no alignment is needed.
    unsafe {
        let low = block.as_ptr().add(AT);
        _mm256_loadu2_m128i(low.add(48).cast(), low.cast())
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn store_halves<const AT: usize>(block: &mut [u8; 96], halves: __m256i) {
    const { assert!(AT + 48 + 16 <= 96) };
    // SAFETY: all bytes are within the block, as asserted; no alignment is needed.
    unsafe {
        let low = block.as_mut_ptr().add(AT);
        _mm256_storeu2_m128i(low.add(48).cast(), low.cast(), halves);
    }
}
