//! The amount of the effect.
#![forbid(unsafe_code)]

/// The amount of `grayscale(amount)`: 0 changes nothing, 1 removes all colour.
///
/// Stored in Q15, as 0..=32768.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(u16);

impl Amount {
    /// Nothing changes.
    pub const NONE: Self = Self(0);
    /// No colour is left.
    pub const FULL: Self = Self(1 << 15);

    /// Returns the nearest amount. Values outside 0..=1 are clamped, NaN becomes 0.
    pub fn new(amount: f64) -> Self {
        // A NaN is cast to 0.
        Self((amount.clamp(0.0, 1.0) * 32768.0).round() as u16)
    }

    /// Returns the value in Q15: 0..=32768 for 0..=1.
    pub const fn q15(self) -> u16 {
        self.0
    }

    /// Returns −amount as a factor for [`mul_q15`], because −1 fits into an `i16` and 1 does not.
    pub(crate) const fn negated(self) -> i16 {
        self.0.wrapping_neg().cast_signed()
    }
}

/// Multiplies two numbers in Q15 and rounds to nearest: one instruction of AVX2 (`pmulhrsw`).
#[inline(always)]
pub(crate) const fn mul_q15(x: i16, y: i16) -> i16 {
    // The formula is that of the instruction, so that the compiler recognises it.
    ((((x as i32 * y as i32) >> 14) + 1) >> 1) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_outside_its_range_is_clamped() {
        for (amount, q15) in [(-1.0, 0), (0.5, 16384), (1.0, 32768), (7.0, 32768)] {
            assert_eq!(Amount::new(amount).q15(), q15, "{amount}");
        }
        assert_eq!(Amount::new(f64::NAN), Amount::NONE);
        assert_eq!(Amount::new(f64::INFINITY), Amount::FULL);
    }

    #[test]
    fn the_factor_is_minus_the_amount_at_both_ends() {
        assert_eq!(Amount::NONE.negated(), 0);
        assert_eq!(Amount::FULL.negated(), -32768);
        assert_eq!(mul_q15(255, Amount::FULL.negated()), -255);
        assert_eq!(mul_q15(-255, Amount::FULL.negated()), 255);
    }
}
