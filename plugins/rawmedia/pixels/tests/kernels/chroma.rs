//! Chroma in separate rows.

use crate::oracle::{self, assert_near, row_of_depth, samples};
use crate::{amount, row, run_all};
use acscall_pixels::{Amount, Depth};
use proptest::prelude::*;

/// One rounding; with 8 bits after another one to 1/256.
pub(crate) const BOUND: f64 = 0.5 + 0.5 / 256.0;

proptest! {
    #[test]
    fn chroma_moves_toward_neutral(row in row(), amount in amount()) {
        let [is] = run_all([&row], |kernels, [row]| kernels.chroma8(row, amount));
        for (is, was) in is.into_iter().zip(row) {
            let exact = f64::from(was) + oracle::amount(amount) * (128.0 - f64::from(was));
            assert_near(is, exact, BOUND);
        }
    }

    #[test]
    fn chroma_of_more_bits_moves_toward_neutral(
        bytes in row(),
        depth in prop::sample::select(vec![
            Depth::LOW_10, Depth::HIGH_10, Depth::LOW_12, Depth::HIGH_12, Depth::FULL_16,
        ]),
        amount in amount(),
    ) {
        let row = row_of_depth(&bytes, depth);
        let [is] = run_all([&row], |kernels, [row]| kernels.chroma16(row, depth, amount));
        let neutral = f64::from(1_u32 << (depth.bits() - 1));
        for (is, was) in samples(&is, depth).into_iter().zip(samples(&row, depth)) {
            let was = f64::from(was);
            assert_near(is, was + oracle::amount(amount) * (neutral - was), BOUND);
        }
        let below = (1_u16 << depth.shift()) - 1;
        assert!(is.chunks_exact(2).all(|b| u16::from_le_bytes([b[0], b[1]]) & below == 0));
        assert_eq!(is[is.len() / 2 * 2..], row[row.len() / 2 * 2..]);
    }

    #[test]
    fn chroma_beyond_its_depth_gives_the_same_on_every_level(
        row in row(), bits in 1_u32..=16, shift in 0_u32..=15, amount in amount()
    ) {
        if let Some(depth) = Depth::new(bits, shift) {
            run_all([&row], |kernels, [row]| kernels.chroma16(row, depth, amount));
        }
    }
}

#[test]
fn full_amount_leaves_nothing_but_neutral() {
    let row: Vec<u8> = (0..=255).collect();
    let [is] = run_all([&row], |kernels, [row]| kernels.chroma8(row, Amount::FULL));
    assert_eq!(is, [128; 256]);
    for (depth, neutral) in [
        (Depth::LOW_10, 512),
        (Depth::HIGH_10, 0x8000),
        (Depth::LOW_12, 2048),
    ] {
        let [is] = run_all([&row], |kernels, [row]| {
            kernels.chroma16(row, depth, Amount::FULL)
        });
        assert!(
            is.as_chunks()
                .0
                .iter()
                .all(|&b| u16::from_le_bytes(b) == neutral),
            "{depth:?}"
        );
    }
}

#[test]
fn a_depth_that_does_not_fit_is_refused() {
    for (bits, shift) in [(0, 0), (17, 0), (10, 7), (16, 1), (1, 16)] {
        assert_eq!(Depth::new(bits, shift), None);
    }
    assert_eq!(Depth::new(10, 6), Some(Depth::HIGH_10));
}
