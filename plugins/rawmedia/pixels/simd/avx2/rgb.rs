//! Interleaved RGB.
//!
//! For the gray, the bytes of a pixel become red, green, blue, green: the weights of `PAIRS` then are
//! two instructions, one for pairs of bytes and one for the two pairs. Where something of the colours
//! is kept, their even and odd bytes are the lower and upper halves of words, as in `bytes`.

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

/// What is the same for all pixels of 4 bytes.
#[derive(Clone, Copy)]
struct Pixel {
    /// To red, green, blue, green.
    arrange: __m256i,
    /// From Q16 in 32 bits to Q8 in both words.
    to_words: __m256i,
    inner: __m256i,
    outer: __m256i,
    keep: __m256i,
    take: __m256i,
}

impl Pixel {
    /// For pixels of 4 bytes in all.
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

    /// The gray of 8 pixels, from bytes less 128 arranged, in Q16 in 32 bits.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn gray(self, arranged: __m256i) -> __m256i {
        _mm256_madd_epi16(_mm256_maddubs_epi16(self.inner, arranged), self.outer)
    }

    /// What words of gray add to the colours, with [`CENTRE`].
    #[target_feature(enable = "avx2")]
    #[inline]
    fn take(self, gray: __m256i) -> __m256i {
        let take = _mm256_mulhrs_epi16(gray, self.take);
        _mm256_add_epi16(take, _mm256_set1_epi16(CENTRE))
    }

    /// What is kept of bytes less 128, and what is added to the even and to the odd ones.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn keep(self, centred: __m256i, to_even: __m256i, to_odd: __m256i) -> __m256i {
        let even = _mm256_slli_epi16::<8>(centred);
        let odd = _mm256_and_si256(centred, _mm256_set1_epi16(UPPER));
        let even = _mm256_add_epi16(_mm256_mulhrs_epi16(even, self.keep), to_even);
        let odd = _mm256_add_epi16(_mm256_mulhrs_epi16(odd, self.keep), to_odd);
        _mm256_blendv_epi8(_mm256_srli_epi16::<8>(even), odd, _mm256_set1_epi16(UPPER))
    }

    /// 8 pixels with what is kept; the fourth byte becomes anything.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn mix(self, centred: __m256i) -> __m256i {
        let gray = self.gray(_mm256_shuffle_epi8(centred, self.arrange));
        let take = self.take(_mm256_shuffle_epi8(gray, self.to_words));
        self.keep(centred, take, take)
    }

    /// 8 pixels' gray in the third byte of each.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn full(self, arranged: __m256i) -> __m256i {
        _mm256_add_epi32(
            self.gray(arranged),
            _mm256_set1_epi32((CENTRE as u16 as i32) << 8),
        )
    }
}

/// Less 128.
#[target_feature(enable = "avx2")]
#[inline]
fn centred(bytes: __m256i) -> __m256i {
    _mm256_xor_si256(bytes, _mm256_set1_epi8(i8::MIN))
}

/// Four bytes for each pixel, larger by `step` with every pixel of 16 bytes.
#[target_feature(enable = "avx2")]
#[inline]
fn quadruples(bytes: [i8; 4], step: i8) -> __m256i {
    let mut all = [0; 16];
    for (i, byte) in all.iter_mut().enumerate() {
        *byte = bytes[i % 4].wrapping_add(i as i8 / 4 * step);
    }
    lanes(all)
}

/// The same 16 bytes in both halves.
#[target_feature(enable = "avx2")]
#[inline]
fn lanes(bytes: [i8; 16]) -> __m256i {
    // A compiler that knew the bytes would make several simpler shuffles of one.
    let bytes = black_box(bytes);
    // SAFETY: reads the 16 bytes of the array; no alignment is needed.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

/// Pixels of 4 bytes; returns what fills no register.
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

/// Pixels of 3 bytes as gray; returns what fills no block of 32 pixels.
///
/// A register holds 8 pixels of 4 bytes, 4 in each half. The halves are 48 bytes apart in memory, so
/// that 4 registers' 12 bytes can be put together without crossing halves.
#[target_feature(enable = "avx2")]
fn full24(row: &mut [u8], layout: RgbLayout, mix: Mix) -> &mut [u8] {
    let pixel = Pixel::new(layout.offsets(), mix);
    let arrange = quarters24(pixel.arrange);
    // The four times 12 bytes of a half are three times 16: a and the first 4 of b, the rest of b and
    // the first 8 of c, the rest of c and d.
    let [a_rest, b_rest, c_rest] = [gray_from(0), gray_from(4), gray_from(8)];
    let [b_first, c_first, d_first] = [gray_from(-12), gray_from(-8), gray_from(-4)];
    let (blocks, rest) = row.as_chunks_mut::<96>();
    for block in blocks {
        let mut parts = quarters(block);
        // A loop, because compilers put a function that is called in one place where it is called.
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

/// Pixels of 3 bytes with what is kept of them; returns what fills no block of 32 pixels.
///
/// Only the gray is computed from pixels of 4 bytes, as in [`full24`]. The bytes stay where they are:
/// it is what the gray adds that goes to the words of the even and of the odd bytes.
#[target_feature(enable = "avx2")]
fn mix24(row: &mut [u8], layout: RgbLayout, mix: Mix) -> &mut [u8] {
    let pixel = Pixel::new(layout.offsets(), mix);
    let arrange = quarters24(pixel.arrange);
    // The pixel of each even and each odd byte, counted from the first of the 8 in a register's half.
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

/// Shuffles words of 8 pixels, of which the first is pixel `first` of a half's 16, to where the
/// half's byte `byte` and every second one after it are.
#[target_feature(enable = "avx2")]
fn word_of_pixel(byte: i8, first: i8) -> __m256i {
    let mut all = [0; 16];
    for (i, at) in all.iter_mut().enumerate() {
        let (word, part) = (i as i8 / 2, i as i8 % 2);
        *at = ((byte + 2 * word) / 3 - first) * 2 + part;
    }
    lanes(all)
}

/// `arrange` for pixels of 3 bytes, in the parts that [`quarters`] gives.
#[target_feature(enable = "avx2")]
fn quarters24(arrange: __m256i) -> [__m256i; 4] {
    let widen = lanes([0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11]);
    let arrange_first = _mm256_shuffle_epi8(widen, arrange);
    let arrange_last = _mm256_add_epi8(arrange_first, _mm256_set1_epi8(4));
    [arrange_first, arrange_first, arrange_first, arrange_last]
}

/// The four times 12 bytes of both halves of a block, each at the beginning of a register's half; the
/// last at the end, so that no byte after the block is read.
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

/// Shuffles the gray of 4 pixels, in their third bytes, to 12 bytes, and of these takes 16 from `first`
/// on; before and after the 12 there are zeros.
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

/// 16 bytes from `AT` and 16 from 48 later.
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
