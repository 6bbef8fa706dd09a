//! YUV with all components in one row.

use crate::luma::{bound, space, weights};
use crate::oracle::{self, Space, assert_near};
use crate::{amount, chroma, row, run_all};
use acscall_pixels::{Amount, Packed, Weights};
use proptest::prelude::*;

/// The positions of the components in a group of samples.
#[derive(Debug)]
struct Places {
    format: Packed,
    /// The bytes of a group.
    size: usize,
    bits: u32,
    /// The luma samples, which share U and V.
    y: &'static [usize],
    u: usize,
    v: usize,
}

const fn places(format: Packed, size: usize, y: &'static [usize], u: usize, v: usize) -> Places {
    Places {
        format,
        size,
        bits: 8,
        y,
        u,
        v,
    }
}

const FORMATS: [Places; 10] = [
    places(Packed::Yuy2, 4, &[0, 2], 1, 3),
    places(Packed::Yvyu, 4, &[0, 2], 3, 1),
    places(Packed::Uyvy, 4, &[1, 3], 0, 2),
    places(Packed::Vyuy, 4, &[1, 3], 2, 0),
    places(Packed::Ayuv, 4, &[1], 2, 3),
    places(Packed::Vuya, 4, &[2], 1, 0),
    places(Packed::V308, 3, &[0], 1, 2),
    places(Packed::Iyu2, 3, &[1], 0, 2),
    Places {
        format: Packed::Y210,
        size: 8,
        bits: 10,
        y: &[0, 2],
        u: 1,
        v: 3,
    },
    Places {
        format: Packed::Y410,
        size: 4,
        bits: 10,
        y: &[1],
        u: 0,
        v: 2,
    },
];

impl Places {
    /// Returns the samples of a group of bytes.
    fn samples(&self, group: &[u8]) -> Vec<u16> {
        match self.format {
            Packed::Y210 => group
                .chunks_exact(2)
                .map(|b| u16::from_le_bytes([b[0], b[1]]))
                .inspect(|sample| assert_eq!(sample & 63, 0))
                .map(|sample| sample >> 6)
                .collect(),
            Packed::Y410 => {
                let word = u32::from_le_bytes(group.try_into().expect("a group of 4 bytes"));
                [word, word >> 10, word >> 20]
                    .iter()
                    .map(|w| (w & 0x3ff) as u16)
                    .chain([(word >> 30) as u16])
                    .collect()
            }
            _ => group.iter().map(|&byte| byte.into()).collect(),
        }
    }

    fn row(&self, bytes: &[u8]) -> Vec<u8> {
        match self.format {
            Packed::Y210 => oracle::row_of_depth(bytes, acscall_pixels::Depth::HIGH_10),
            _ => bytes.to_vec(),
        }
    }
}

fn format() -> impl Strategy<Value = &'static Places> {
    (0..FORMATS.len()).prop_map(|i| &FORMATS[i])
}

/// Compares each sample with the oracle's; without a space, luma must not change.
fn assert_row(places: &Places, is: &[u8], was: &[u8], space: Option<Space>, amount: Amount) {
    let whole = was.len() - was.len() % places.size;
    assert_eq!(is[whole..], was[whole..], "an incomplete group has changed");
    let neutral = f64::from(1_u32 << (places.bits - 1));
    let max = f64::from((1_u32 << places.bits) - 1);
    for (is, was) in is
        .chunks_exact(places.size)
        .zip(was.chunks_exact(places.size))
    {
        let (is, was) = (
            places.samples(is),
            places.samples(was).into_iter().map(f64::from),
        );
        let was: Vec<f64> = was.collect();
        for sample in 0..is.len() {
            if places.y.contains(&sample) {
                let Some(space) = space else {
                    assert_near(is[sample], was[sample], 0.0);
                    continue;
                };
                let colour = [
                    was[sample],
                    was[places.u] - neutral,
                    was[places.v] - neutral,
                ];
                let [y, ..] = space.grayscale(colour, oracle::amount(amount));
                assert_near(is[sample], y.clamp(0.0, max), bound(places.bits));
            } else if sample == places.u || sample == places.v {
                let exact = was[sample] + oracle::amount(amount) * (neutral - was[sample]);
                assert_near(is[sample], exact, chroma::BOUND);
            } else {
                assert_near(is[sample], was[sample], 0.0);
            }
        }
    }
}

proptest! {
    #[test]
    fn packed_chroma_moves_toward_neutral_and_nothing_else(
        places in format(), bytes in row(), amount in amount()
    ) {
        let row = places.row(&bytes);
        let [is] = run_all([&row], |kernels, [row]| kernels.packed(row, places.format, amount));
        assert_row(places, &is, &row, None, amount);
    }

    #[test]
    fn packed_luma_becomes_the_browsers(
        places in format(), bytes in row(), space in space(), amount in amount()
    ) {
        let row = places.row(&bytes);
        let weights = weights(space);
        let [is] = run_all([&row], |kernels, [row]| {
            kernels.packed_luma(row, places.format, weights, amount);
        });
        assert_row(places, &is, &row, Some(space), amount);
    }

    #[test]
    fn without_weights_both_packed_kernels_do_the_same(
        places in format(), bytes in row(), amount in amount()
    ) {
        let row = places.row(&bytes);
        let as_is = run_all([&row], |kernels, [row]| kernels.packed(row, places.format, amount));
        let luma = run_all([&row], |kernels, [row]| {
            kernels.packed_luma(row, places.format, Weights::NONE, amount);
        });
        assert_eq!(as_is, luma);
    }
}
