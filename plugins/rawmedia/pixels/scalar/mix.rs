//! The arithmetic of RGB, and of 8-bit components.
//!
//! An 8-bit component is represented by its difference from 128 in Q8. It fills an `i16`, its
//! product with a factor in Q15 is one instruction ([`mul_q15`]), and the upper byte of a sum is
//! the result. Each product is rounded to 1/256 of a level, and the sum to a level.

use crate::Amount;
use crate::amount::mul_q15;

/// The browser's weights for interleaved RGB in Q16. Their sum is 1, so that gray does not change.
/// Red and blue each share a factor with a part of green ([`PAIRS`]). The error is at most 1.5e-5.
pub(crate) const RED: i32 = 13932;
/// See [`RED`].
pub(crate) const GREEN: i32 = 46872;
/// See [`RED`].
pub(crate) const BLUE: i32 = 4732;

/// `(outer, colour, green)`: the sum of `outer·(colour·c + green·g)` for red and for blue is the
/// gray. The inner factors fit into bytes, and their sums times a component into 16 bits, for
/// instructions that multiply pairs of bytes.
pub(crate) const PAIRS: [(u8, u8, u8); 2] = [(108, 129, 96), (169, 28, 216)];

// Half of green is also used as a factor.
const _: () = assert!(GREEN % 2 == 0);

const _: () = {
    let [red, blue] = PAIRS;
    assert!(RED == red.0 as i32 * red.1 as i32);
    assert!(BLUE == blue.0 as i32 * blue.1 as i32);
    assert!(GREEN == red.0 as i32 * red.2 as i32 + blue.0 as i32 * blue.2 as i32);
    assert!(RED + GREEN + BLUE == 1 << 16);
    assert!(red.1 as u16 + red.2 as u16 <= 256 && blue.1 as u16 + blue.2 as u16 <= 256);
};

/// The offset that makes the upper byte of a sum the component: 128, and one half for rounding.
pub(crate) const CENTRE: i16 = 0x8080_u16.cast_signed();

/// Returns the difference of a byte from 128 in Q8.
#[inline(always)]
pub(crate) const fn centred(byte: u8) -> i16 {
    // Flipping the highest bit subtracts 128.
    (((byte ^ 0x80) as u16) << 8).cast_signed()
}

/// Returns the component from a sum that includes [`CENTRE`].
#[inline(always)]
pub(crate) const fn component(sum: i16) -> u8 {
    (sum.cast_unsigned() >> 8) as u8
}

/// Returns the gray of a pixel, as its difference from 128 in Q8.
#[inline(always)]
pub(crate) const fn gray([r, g, b]: [u8; 3]) -> i16 {
    let sum = (r as i32 - 128) * RED + (g as i32 - 128) * GREEN + (b as i32 - 128) * BLUE;
    (sum >> 8) as i16
}

/// The factors of a component and of its target, in Q15.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    pub(crate) keep: i16,
    /// Not used for [`Amount::FULL`], which does not fit: the target then replaces the component.
    pub(crate) take: i16,
}

impl Mix {
    /// Returns `None` for amount 0, which changes nothing and whose `keep` does not fit into an
    /// `i16`.
    #[inline(always)]
    pub(crate) fn new(amount: Amount) -> Option<Self> {
        let keep = i16::try_from(Amount::FULL.q15() - amount.q15()).ok()?;
        Some(Self {
            keep,
            take: i16::try_from(amount.q15()).unwrap_or(i16::MAX),
        })
    }

    #[inline(always)]
    pub(crate) fn is_full(self) -> bool {
        self.keep == 0
    }
}

/// Returns the factors of red, green and blue in the gray, in Q15, for separate products. Their sum
/// is the amount.
#[inline(always)]
pub(crate) fn shares(amount: Amount) -> [i16; 3] {
    let part = |weight: f64| (f64::from(amount.q15()) * weight).round() as u16;
    let (red, blue) = (part(0.2126), part(0.0722));
    // No factor exceeds 0.72.
    [red, amount.q15() - red - blue, blue].map(u16::cast_signed)
}

/// Returns the share of the gray that is added to each component, from [`centred`] values and
/// including [`CENTRE`].
#[inline(always)]
pub(crate) const fn share([r, g, b]: [i16; 3], [red, green, blue]: [i16; 3]) -> i16 {
    mul_q15(r, red)
        .wrapping_add(mul_q15(g, green))
        .wrapping_add(mul_q15(b, blue))
        .wrapping_add(CENTRE)
}

/// The factors of components of up to 16 bits, which are multiplied in 32 bits and rounded once.
/// They are masked to 15 bits, so that the compiler can use faster, smaller products.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wide {
    keep: u32,
    shares: [u32; 3],
}

impl Wide {
    /// Returns `None` for amount 0.
    #[inline(always)]
    pub(crate) fn new(amount: Amount) -> Option<Self> {
        let fifteen = |factor: i16| u32::from(factor.cast_unsigned() & 0x7fff);
        let mix = Mix::new(amount)?;
        Some(Self {
            keep: fifteen(mix.keep),
            shares: shares(amount).map(fifteen),
        })
    }

    #[inline(always)]
    pub(crate) const fn is_full(self) -> bool {
        self.keep == 0
    }

    /// Returns the share of the gray that is added to each component.
    #[inline(always)]
    pub(crate) const fn share(self, [r, g, b]: [u32; 3]) -> u32 {
        // With the kept part, the sum is at most 65535·2¹⁵ + 2¹⁴.
        r * self.shares[0] + g * self.shares[1] + b * self.shares[2] + (1 << 14)
    }

    /// Returns the component from `c` and the share.
    #[inline(always)]
    pub(crate) const fn component<const FULL: bool>(self, c: u32, share: u32) -> u32 {
        if FULL {
            share >> 15
        } else {
            (c * self.keep + share) >> 15
        }
    }
}
