//! RGB in all layouts.

use crate::oracle::{self, assert_near, grayscale, row_of_depth, samples};
use crate::{amount, row, run_all};
use acscall_pixels::{Amount, Depth, Rgb10, RgbLayout};
use proptest::prelude::*;

/// One rounding, and the error before it: with 8 bits, three products rounded to 1/256 each; with
/// more bits, three weights rounded to Q15.
fn bound(max: f64) -> f64 {
    0.5 + if max == 255.0 {
        0.02
    } else {
        max * 1.5 / 32768.0
    }
}

/// Asserts that `is` is `grayscale(amount)` of `was`, in integers up to `max`.
#[track_caller]
fn assert_gray<T: Into<f64> + Copy>(is: [T; 3], was: [T; 3], amount: Amount, max: f64) {
    let exact = grayscale(was.map(Into::into), oracle::amount(amount));
    for (is, exact) in is.into_iter().zip(exact) {
        assert_near(is, exact, bound(max));
        if max < 10_000.0 {
            // As a browser shows it.
            assert_near(is, exact.round(), 1.0);
        }
    }
    let [r, g, b] = is.map(Into::into);
    if amount == Amount::FULL {
        assert!(r == g && g == b, "some colour is left");
    }
    if amount == Amount::NONE {
        assert_eq!([r, g, b], was.map(Into::into));
    }
}

/// All orders of the components in pixels of 3 and 4 bytes.
fn layouts() -> impl Strategy<Value = (usize, [usize; 3])> {
    let all: Vec<_> = [3, 4]
        .into_iter()
        .flat_map(|size: usize| {
            (0..size.pow(3)).map(move |n| (size, [n / size / size, n / size % size, n % size]))
        })
        .filter(|&(size, [r, g, b])| RgbLayout::new(size, r, g, b).is_some())
        .collect();
    assert_eq!(all.len(), 6 + 24);
    prop::sample::select(all)
}

proptest! {
    #[test]
    fn interleaved_rgb_becomes_gray_in_every_layout(
        row in row(), (size, at) in layouts(), amount in amount()
    ) {
        let layout = RgbLayout::new(size, at[0], at[1], at[2]).unwrap();
        let [gray] = run_all([&row], |kernels, [row]| kernels.rgb(row, layout, amount));
        let (was, is) = (row.chunks_exact(size), gray.chunks_exact(size));
        assert_eq!(was.remainder(), is.remainder());
        for (was, is) in was.zip(is) {
            assert_gray(at.map(|at| is[at]), at.map(|at| was[at]), amount, 255.0);
            for byte in (0..size).filter(|byte| !at.contains(byte)) {
                assert_eq!(is[byte], was[byte], "alpha has changed");
            }
        }
    }

    #[test]
    fn planar_rgb_becomes_gray(r in row(), g in row(), b in row(), amount in amount()) {
        let is = run_all([&r, &g, &b], |kernels, [r, g, b]| kernels.rgb_planar8(r, g, b, amount));
        let whole = r.len().min(g.len()).min(b.len());
        for i in 0..whole {
            assert_gray([is[0][i], is[1][i], is[2][i]], [r[i], g[i], b[i]], amount, 255.0);
        }
        for (is, was) in is.iter().zip([r, g, b]) {
            assert_eq!(is[whole..], was[whole..]);
        }
    }

    #[test]
    fn planar_rgb_of_more_bits_becomes_gray(
        bytes in [row(), row(), row()],
        depth in prop::sample::select(vec![
            Depth::LOW_10, Depth::HIGH_10, Depth::LOW_12, Depth::HIGH_12, Depth::FULL_16,
        ]),
        amount in amount(),
    ) {
        let rows = bytes.each_ref().map(|bytes| row_of_depth(bytes, depth));
        let is = run_all([&rows[0], &rows[1], &rows[2]], |kernels, [r, g, b]| {
            kernels.rgb_planar16(r, g, b, depth, amount);
        });
        let max = f64::from(u16::MAX >> (16 - depth.bits()));
        let whole = rows.iter().map(|row| row.len() / 2).min().unwrap();
        let [was_samples, is_samples] =
            [&rows, &is].map(|rows| rows.each_ref().map(|row| samples(row, depth)));
        for i in 0..whole {
            let at = |rows: &[Vec<u16>; 3]| rows.each_ref().map(|row| row[i]);
            assert_gray(at(&is_samples), at(&was_samples), amount, max);
        }
        for (is, was) in is.iter().zip(&rows) {
            assert_eq!(is[whole * 2..], was[whole * 2..]);
            let below = (1_u16 << depth.shift()) - 1;
            assert!(is.chunks_exact(2).all(|b| u16::from_le_bytes([b[0], b[1]]) & below == 0));
        }
    }

    #[test]
    fn samples_beyond_their_depth_give_the_same_on_every_level(
        bytes in [row(), row(), row()], amount in amount()
    ) {
        let [r, g, b] = bytes.each_ref().map(|row| &row[..]);
        run_all([r, g, b], |kernels, [r, g, b]| {
            kernels.rgb_planar16(r, g, b, Depth::LOW_10, amount);
        });
    }

    #[test]
    fn rgb_of_ten_bits_becomes_gray(
        row in row(),
        format in prop::sample::select(vec![Rgb10::Rgb10a2Le, Rgb10::Bgr10a2Le, Rgb10::R210]),
        amount in amount(),
    ) {
        let [gray] = run_all([&row], |kernels, [row]| kernels.rgb10(row, format, amount));
        let (was, is) = (row.chunks_exact(4), gray.chunks_exact(4));
        assert_eq!(was.remainder(), is.remainder());
        for (was, is) in was.zip(is) {
            let [was, is] = [was, is].map(|bytes| {
                let bytes = bytes.try_into().unwrap();
                let word = match format {
                    Rgb10::R210 => u32::from_be_bytes(bytes),
                    _ => u32::from_le_bytes(bytes),
                };
                ([0, 10, 20].map(|bit| (word >> bit) & 0x3ff), word >> 30)
            });
            assert_eq!(was.1, is.1, "alpha has changed");
            let rgb = |[low, middle, high]: [u32; 3]| match format {
                Rgb10::Rgb10a2Le => [low, middle, high],
                _ => [high, middle, low],
            };
            assert_gray(rgb(is.0), rgb(was.0), amount, 1023.0);
        }
    }
}

#[test]
fn every_colour_of_a_coarse_cube_is_within_one_level_of_the_browser() {
    let steps = || (0..=255_u8).step_by(15);
    let cube: Vec<u8> = steps()
        .flat_map(|r| steps().flat_map(move |g| steps().flat_map(move |b| [r, g, b])))
        .collect();
    for amount in [0.0, 0.25, 0.5, 0.75, 1.0].map(Amount::new) {
        let [gray] = run_all([&cube], |kernels, [row]| {
            kernels.rgb(row, RgbLayout::RGB, amount)
        });
        for (is, was) in gray.as_chunks::<3>().0.iter().zip(cube.as_chunks::<3>().0) {
            assert_gray(*is, *was, amount, 255.0);
        }
    }
}

#[test]
fn a_layout_whose_bytes_coincide_or_lie_outside_is_refused() {
    for (size, r, g, b) in [
        (3, 0, 1, 3),
        (4, 0, 0, 1),
        (5, 0, 1, 2),
        (2, 0, 1, 1),
        (4, 4, 1, 2),
    ] {
        assert_eq!(RgbLayout::new(size, r, g, b), None);
    }
    assert_eq!(RgbLayout::new(4, 1, 2, 3), Some(RgbLayout::XRGB));
}
