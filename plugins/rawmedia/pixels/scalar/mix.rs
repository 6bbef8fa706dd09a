//! The arithmetic of RGB, and of components of 8 bits.
//!
//! A component of 8 bits is taken as its difference from 128 and in Q8: so it fills an `i16`, the product with
//! a factor in Q15 is one instruction ([`mul_q15`]), and the upper byte of a sum is the result. Each
//! product is rounded to 1/256 of a level, and the sum to a level.

use crate::Amount;
use crate::amount::mul_q15;

/// The browser's weights for interleaved RGB in Q16. Their sum is 1, so that gray stays as it is, and
/// red and blue each share a factor with a part of green ([`PAIRS`]); they are off by at most 1.5e-5.
pub(crate) const RED: i32 = 13932;
/// See [`RED`].
pub(crate) const GREEN: i32 = 46872;
/// See [`RED`].
pub(crate) const BLUE: i32 = 4732;

/// `(outer, colour, green)`: `outer·(colour·c + green·g)` for red and for blue add up to the gray.
/// The inner factors fit into bytes and their sums times a component into 16 bits, which processors
/// that multiply bytes in pairs use.
pub(crate) const PAIRS: [(u8, u8, u8); 2] = [(108, 129, 96), (169, 28, 216)];

// The half of green is a factor too.
const _: () = assert!(GREEN % 2 == 0);

const _: () = {
    let [red, blue] = PAIRS;
    assert!(RED == red.0 as i32 * red.1 as i32);
    assert!(BLUE == blue.0 as i32 * blue.1 as i32);
    assert!(GREEN == red.0 as i32 * red.2 as i32 + blue.0 as i32 * blue.2 as i32);
    assert!(RED + GREEN + BLUE == 1 << 16);
    assert!(red.1 as u16 + red.2 as u16 <= 256 && blue.1 as u16 + blue.2 as u16 <= 256);
};

/// What makes the upper byte of a sum the component again: 128, and one half to round it.
pub(crate) const CENTRE: i16 = 0x8080_u16.cast_signed();

/// A byte as its difference from 128 in Q8.
#[inline(always)]
pub(crate) const fn centred(byte: u8) -> i16 {
    // Subtracting 128 is flipping the highest bit.
    (((byte ^ 0x80) as u16) << 8).cast_signed()
}

/// The component of a sum that [`CENTRE`] is part of.
#[inline(always)]
pub(crate) const fn component(sum: i16) -> u8 {
    (sum.cast_unsigned() >> 8) as u8
}

/// The gray of a pixel, as [`centred`] is.
#[inline(always)]
pub(crate) const fn gray([r, g, b]: [u8; 3]) -> i16 {
    let sum = (r as i32 - 128) * RED + (g as i32 - 128) * GREEN + (b as i32 - 128) * BLUE;
    (sum >> 8) as i16
}

/// The factors of a component and of its aim, in Q15.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    pub(crate) keep: i16,
    /// Of no use for [`Amount::FULL`], which it cannot hold: nothing of the component is kept there.
    pub(crate) take: i16,
}

impl Mix {
    /// `None` for amount 0, where nothing changes and no `i16` holds what is kept.
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

/// The factors in Q15 of what red, green and blue add to each of them, where they are multiplied one by
/// one. They add up to the amount.
#[inline(always)]
pub(crate) fn shares(amount: Amount) -> [i16; 3] {
    let part = |weight: f64| (f64::from(amount.q15()) * weight).round() as u16;
    let (red, blue) = (part(0.2126), part(0.0722));
    // No weight of an amount up to 1 is above 0.72.
    [red, amount.q15() - red - blue, blue].map(u16::cast_signed)
}

/// What red, green and blue, [`centred`], add to each of them, with [`CENTRE`].
#[inline(always)]
pub(crate) const fn share([r, g, b]: [i16; 3], [red, green, blue]: [i16; 3]) -> i16 {
    mul_q15(r, red)
        .wrapping_add(mul_q15(g, green))
        .wrapping_add(mul_q15(b, blue))
        .wrapping_add(CENTRE)
}

/// The factors of components of up to 16 bits, which are multiplied in 32 bits and rounded once. Fifteen
/// bits for the compiler to see, because small products are faster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wide {
    keep: u32,
    shares: [u32; 3],
}

impl Wide {
    /// `None` for amount 0.
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

    /// What red, green and blue add to each of them.
    #[inline(always)]
    pub(crate) const fn share(self, [r, g, b]: [u32; 3]) -> u32 {
        // With what is kept at most 65535·2¹⁵ + 2¹⁴.
        r * self.shares[0] + g * self.shares[1] + b * self.shares[2] + (1 << 14)
    }

    /// The component that comes of `c` and the sum.
    #[inline(always)]
    pub(crate) const fn component<const FULL: bool>(self, c: u32, share: u32) -> u32 {
        if FULL {
            share >> 15
        } else {
            (c * self.keep + share) >> 15
        }
    }
}
