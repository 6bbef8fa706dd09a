//! The weights of chroma in the browser's luma.
#![forbid(unsafe_code)]

use crate::Amount;

/// The weights of U and V that convert the Y of a colour space to the browser's gray.
///
/// If the luma weights of the space are not those of bt709, `0.2126 R + 0.7152 G + 0.0722 B` of a
/// colour is `Y + wu·U + wv·V` instead of Y, with U and V relative to neutral.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    u: f64,
    v: f64,
}

impl Weights {
    /// Luma does not change: the weights for bt709.
    pub const NONE: Self = Self { u: 0.0, v: 0.0 };

    /// Returns the weights for the space whose luma is `kr·R + (1−kr−kb)·G + kb·B`.
    ///
    /// Y has 219 steps for 224 of U and V in limited range, and as many in full range. Invalid
    /// numbers (not finite, or without green) result in [`Self::NONE`].
    pub fn new(kr: f64, kb: f64, full_range: bool) -> Self {
        let kg = 1.0 - kr - kb;
        // R = Y + 2(1−kr)·V, B = Y + 2(1−kb)·U, and G is the remainder of Y.
        let scale = if full_range { 1.0 } else { 219.0 / 224.0 };
        let u = 2.0 * (1.0 - kb) * (0.0722 - 0.7152 * kb / kg) * scale;
        let v = 2.0 * (1.0 - kr) * (0.2126 - 0.7152 * kr / kg) * scale;
        if u.is_finite() && v.is_finite() {
            Self { u, v }
        } else {
            Self::NONE
        }
    }

    /// Returns the weight of U.
    pub const fn u(self) -> f64 {
        self.u
    }

    /// Returns the weight of V.
    pub const fn v(self) -> f64 {
        self.v
    }

    /// Whether luma does not change, to a hundredth of a step of 10-bit samples.
    pub fn is_none(self) -> bool {
        self.u.abs().max(self.v.abs()) * 512.0 < 0.01
    }

    /// Returns both weights times `amount` in Q15, within ±1 exclusive. No space in use exceeds
    /// ±0.5.
    pub(crate) fn scaled(self, amount: Amount) -> (i16, i16) {
        let scaled = |weight: f64| {
            (weight * f64::from(amount.q15()))
                .round()
                .clamp(-32767.0, 32767.0) as i16
        };
        (scaled(self.u), scaled(self.v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bt709_keeps_its_luma() {
        for full_range in [false, true] {
            assert!(Weights::new(0.2126, 0.0722, full_range).is_none());
        }
        assert!(!Weights::new(0.299, 0.114, false).is_none());
    }

    #[test]
    fn the_weights_are_those_of_a_conversion_to_rgb_and_back() {
        for (kr, kb) in [
            (0.299, 0.114),
            (0.2627, 0.0593),
            (0.212, 0.087),
            (0.30, 0.11),
        ] {
            for (r, g, b) in [
                (1.0, 0.0, 0.0),
                (0.0, 1.0, 0.0),
                (0.0, 0.0, 1.0),
                (0.3, 0.9, 0.5),
            ] {
                let y = kr * r + (1.0 - kr - kb) * g + kb * b;
                let (u, v) = ((b - y) / (2.0 * (1.0 - kb)), (r - y) / (2.0 * (1.0 - kr)));
                let gray = 0.2126 * r + 0.7152 * g + 0.0722 * b;
                let full = Weights::new(kr, kb, true);
                assert!((y + full.u() * u + full.v() * v - gray).abs() < 1e-9);
                let limited = Weights::new(kr, kb, false);
                let luma = 219.0 * y + limited.u() * 224.0 * u + limited.v() * 224.0 * v;
                assert!((luma - 219.0 * gray).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn an_invalid_space_has_no_weights() {
        assert_eq!(Weights::new(0.5, 0.5, false), Weights::NONE);
        assert_eq!(Weights::new(f64::NAN, 0.1, true), Weights::NONE);
    }
}
