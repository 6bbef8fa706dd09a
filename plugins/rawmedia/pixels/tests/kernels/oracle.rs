//! The expected results, in floating point and without regard to speed.

use acscall_pixels::{Amount, Depth};

pub(crate) fn amount(amount: Amount) -> f64 {
    f64::from(amount.q15()) / 32768.0
}

/// CSS `grayscale(amount)` as Filter Effects defines it, without clamping.
pub(crate) fn grayscale([r, g, b]: [f64; 3], amount: f64) -> [f64; 3] {
    let gray = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [r, g, b].map(|c| (1.0 - amount) * c + amount * gray)
}

/// A YUV colour space by its luma weights and range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Space {
    pub(crate) kr: f64,
    pub(crate) kb: f64,
    pub(crate) full_range: bool,
}

impl Space {
    /// Returns the steps of 8-bit luma and chroma.
    fn steps(self) -> (f64, f64) {
        if self.full_range {
            (255.0, 255.0)
        } else {
            (219.0, 224.0)
        }
    }

    /// Computes `grayscale(amount)` through RGB, of a colour whose luma starts at 0 and whose
    /// chroma is around 0.
    pub(crate) fn grayscale(self, [y, u, v]: [f64; 3], amount: f64) -> [f64; 3] {
        let Self { kr, kb, .. } = self;
        let kg = 1.0 - kr - kb;
        let (luma, chroma) = self.steps();
        let (y, u, v) = (y / luma, u / chroma, v / chroma);
        let r = y + 2.0 * (1.0 - kr) * v;
        let b = y + 2.0 * (1.0 - kb) * u;
        let g = (y - kr * r - kb * b) / kg;
        let [r, g, b] = grayscale([r, g, b], amount);
        let y = kr * r + kg * g + kb * b;
        let (u, v) = ((b - y) / (2.0 * (1.0 - kb)), (r - y) / (2.0 * (1.0 - kr)));
        [y * luma, u * chroma, v * chroma]
    }
}

/// Returns the samples of a 16-bit row, without the shift.
pub(crate) fn samples(row: &[u8], depth: Depth) -> Vec<u16> {
    row.chunks_exact(2)
        .map(|b| u16::from_le_bytes([b[0], b[1]]) >> depth.shift())
        .collect()
}

/// Makes a row of samples within the depth from random bytes.
pub(crate) fn row_of_depth(bytes: &[u8], depth: Depth) -> Vec<u8> {
    let max = u16::MAX >> (16 - depth.bits());
    let chunks = bytes.chunks_exact(2);
    let rest = chunks.remainder().to_vec();
    chunks
        .flat_map(|b| ((u16::from_le_bytes([b[0], b[1]]) & max) << depth.shift()).to_le_bytes())
        .chain(rest)
        .collect()
}

/// Asserts that `is` differs from the exact value by at most `bound`.
#[track_caller]
pub(crate) fn assert_near(is: impl Into<f64>, exact: f64, bound: f64) {
    let is = is.into();
    assert!(
        (is - exact).abs() <= bound,
        "{is} is more than {bound} from {exact}"
    );
}
