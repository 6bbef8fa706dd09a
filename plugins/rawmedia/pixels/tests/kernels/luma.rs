//! The browser's luma in planar and semi-planar YUV.

use crate::oracle::{self, Space, assert_near, row_of_depth, samples};
use crate::{amount, of, row, run_all};
use acscall_pixels::{Amount, Chroma, Depth, Kernels, Level, Subsampling, Weights};
use proptest::prelude::*;

/// One rounding, and that of the weights: half a step of Q15 each for U and V.
pub(crate) fn bound(bits: u32) -> f64 {
    0.5 + f64::from(1_u32 << (bits - 1)) / 32768.0 + 1e-6
}

/// bt601, bt709, bt2020, smpte240m, fcc.
pub(crate) fn space() -> impl Strategy<Value = Space> {
    let all = [
        (0.299, 0.114),
        (0.2126, 0.0722),
        (0.2627, 0.0593),
        (0.212, 0.087),
        (0.30, 0.11),
    ];
    (prop::sample::select(all.to_vec()), any::<bool>()).prop_map(|((kr, kb), full_range)| Space {
        kr,
        kb,
        full_range,
    })
}

pub(crate) fn weights(space: Space) -> Weights {
    Weights::new(space.kr, space.kb, space.full_range)
}

#[derive(Clone, Copy, Debug)]
enum Order {
    Planar,
    Uv,
    Vu,
}

fn order() -> impl Strategy<Value = Order> {
    prop::sample::select(vec![Order::Planar, Order::Uv, Order::Vu])
}

fn subsampling() -> impl Strategy<Value = (Subsampling, usize)> {
    prop::sample::select(vec![
        (Subsampling::One, 1),
        (Subsampling::Two, 2),
        (Subsampling::Four, 4),
    ])
}

/// Arranges U and V, of samples of `size` bytes, in rows of this order: two rows, or one and an
/// empty one.
fn arrange(order: Order, size: usize, u: &[u8], v: &[u8]) -> [Vec<u8>; 2] {
    let turns = |a: &[u8], b: &[u8]| -> Vec<u8> {
        a.chunks(size)
            .zip(b.chunks(size))
            .flat_map(|(a, b)| [a, b].concat())
            .collect()
    };
    match order {
        Order::Planar => [u.to_vec(), v.to_vec()],
        Order::Uv => [turns(u, v), Vec::new()],
        Order::Vu => [turns(v, u), Vec::new()],
    }
}

fn chroma<'a>(order: Order, rows: &'a [Box<[u8]>; 2]) -> Chroma<'a> {
    match order {
        Order::Planar => Chroma::Planar {
            u: &rows[0],
            v: &rows[1],
        },
        Order::Uv => Chroma::Uv(&rows[0]),
        Order::Vu => Chroma::Vu(&rows[0]),
    }
}

/// Returns the `count` deltas of `kernel`, after checking that every level computes the same and
/// does not write beyond the colours.
fn deltas(count: usize, colours: usize, kernel: impl Fn(&Kernels, &mut [i16])) -> Vec<i16> {
    const UNTOUCHED: i16 = 0x5a5a;
    let made = |level| {
        let mut deltas = vec![UNTOUCHED; count].into_boxed_slice();
        kernel(&of(level), &mut deltas);
        deltas
    };
    let scalar = made(Level::Scalar);
    for level in Level::available() {
        assert_eq!(made(level), scalar, "{level:?}");
    }
    assert!(scalar.iter().skip(colours).all(|&delta| delta == UNTOUCHED));
    let mut scalar = scalar.into_vec();
    scalar.truncate(colours);
    scalar
}

proptest! {
    #[test]
    fn luma_becomes_the_browsers(
        y in row(),
        uv in prop::collection::vec(any::<[u8; 2]>(), 0..1300),
        order in order(),
        (subsampling, n) in subsampling(),
        space in space(),
        amount in amount(),
        extra in 0_usize..3,
    ) {
        let (u, v): (Vec<u8>, Vec<u8>) = uv.iter().map(|&[u, v]| (u, v)).unzip();
        let rows = arrange(order, 1, &u, &v).map(Vec::into_boxed_slice);
        let deltas = deltas(u.len() + extra, u.len(), |kernels, deltas| {
            kernels.luma_deltas8(chroma(order, &rows), weights(space), amount, deltas);
        });
        let [is] = run_all([&y], |kernels, [y]| kernels.luma8(y, &deltas, subsampling));
        for (i, (is, was)) in is.into_iter().zip(y).enumerate() {
            let Some(&[u, v]) = uv.get(i / n) else {
                assert_eq!(is, was, "luma without chroma has changed");
                continue;
            };
            let colour = [f64::from(was), f64::from(u) - 128.0, f64::from(v) - 128.0];
            let [y, ..] = space.grayscale(colour, oracle::amount(amount));
            assert_near(is, y.clamp(0.0, 255.0), bound(8));
        }
    }

    #[test]
    fn luma_of_more_bits_becomes_the_browsers(
        y in row(),
        uv in prop::collection::vec(any::<[[u8; 2]; 2]>(), 0..700),
        order in order(),
        depth in prop::sample::select(vec![
            Depth::LOW_10, Depth::HIGH_10, Depth::LOW_12, Depth::HIGH_12, Depth::FULL_16,
        ]),
        (subsampling, n) in subsampling(),
        space in space(),
        amount in amount(),
    ) {
        let part = |i: usize| -> Vec<u8> { uv.iter().flat_map(|uv| uv[i]).collect() };
        let [y, u, v] = [y, part(0), part(1)].map(|bytes| row_of_depth(&bytes, depth));
        let rows = arrange(order, 2, &u, &v).map(Vec::into_boxed_slice);
        let deltas = deltas(uv.len(), uv.len(), |kernels, deltas| {
            kernels.luma_deltas16(chroma(order, &rows), depth, weights(space), amount, deltas);
        });
        let [is] = run_all([&y], |kernels, [y]| kernels.luma16(y, depth, &deltas, subsampling));
        assert_eq!(is[is.len() / 2 * 2..], y[y.len() / 2 * 2..]);
        let neutral = f64::from(1_u32 << (depth.bits() - 1));
        let max = f64::from(u16::MAX >> (16 - depth.bits()));
        let colours: Vec<_> = samples(&u, depth).into_iter().zip(samples(&v, depth)).collect();
        for (i, (is, was)) in samples(&is, depth).into_iter().zip(samples(&y, depth)).enumerate() {
            let Some(&(u, v)) = colours.get(i / n) else {
                assert_eq!(is, was, "luma without chroma has changed");
                continue;
            };
            let colour = [f64::from(was), f64::from(u) - neutral, f64::from(v) - neutral];
            let [y, ..] = space.grayscale(colour, oracle::amount(amount));
            assert_near(is, y.clamp(0.0, max), bound(depth.bits()));
        }
    }

    #[test]
    fn deltas_of_any_size_give_the_same_on_every_level(
        y in row(),
        deltas in prop::collection::vec(any::<i16>(), 0..700),
        (subsampling, _) in subsampling(),
    ) {
        let deltas = deltas.into_boxed_slice();
        run_all([&y], |kernels, [y]| kernels.luma8(y, &deltas, subsampling));
        run_all([&y], |kernels, [y]| kernels.luma16(y, Depth::LOW_10, &deltas, subsampling));
        run_all([&y], |kernels, [y]| kernels.luma16(y, Depth::FULL_16, &deltas, subsampling));
    }
}

#[test]
fn a_last_odd_sample_of_luma_uses_the_last_chroma() {
    let (y, uv) = ([100; 5], [128, 128, 128, 128, 255, 0]);
    for level in Level::available() {
        let (kernels, mut deltas, mut y) = (of(level), [0; 3], y);
        let weights = Weights::new(0.299, 0.114, true);
        kernels.luma_deltas8(Chroma::Uv(&uv), weights, Amount::FULL, &mut deltas);
        kernels.luma8(&mut y, &deltas, Subsampling::Two);
        // 100 − 0.1182·127 + 0.2127·128
        assert_eq!(y, [100, 100, 100, 100, 112], "{level:?}");
    }
}
