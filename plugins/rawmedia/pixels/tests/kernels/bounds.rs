//! Rows that fill registers and blocks exactly, or with one byte less or more: out-of-bounds
//! accesses happen there, and random widths seldom match them.

use crate::{of, run_all};
use acscall_pixels::{
    Amount, Chroma, Depth, Level, Packed, Rgb10, RgbLayout, Subsampling, Weights,
};

const DEPTHS: [Depth; 2] = [Depth::LOW_10, Depth::HIGH_10];
const SUBSAMPLINGS: [Subsampling; 3] = [Subsampling::One, Subsampling::Two, Subsampling::Four];

fn amounts() -> [Amount; 3] {
    [Amount::NONE, Amount::new(0.3), Amount::FULL]
}

/// Returns rows with lengths around all multiples of 16, up to several times the largest block of
/// 96 bytes.
fn rows() -> impl Iterator<Item = Vec<u8>> {
    (0..=25_usize)
        .flat_map(|n| [(n * 16).saturating_sub(1), n * 16, n * 16 + 1])
        .map(|length| (0..length).map(|i| (i * 37 % 251) as u8).collect())
}

#[test]
fn rgb_stays_within_its_rows() {
    for row in rows() {
        for amount in amounts() {
            for layout in [
                RgbLayout::RGB,
                RgbLayout::BGR,
                RgbLayout::RGBX,
                RgbLayout::XBGR,
            ] {
                run_all([&row], |kernels, [row]| kernels.rgb(row, layout, amount));
            }
            for format in [Rgb10::Rgb10a2Le, Rgb10::Bgr10a2Le, Rgb10::R210] {
                run_all([&row], |kernels, [row]| kernels.rgb10(row, format, amount));
            }
            run_all([&row, &row, &row], |kernels, [r, g, b]| {
                kernels.rgb_planar8(r, g, b, amount);
            });
            for depth in DEPTHS {
                run_all([&row, &row, &row], |kernels, [r, g, b]| {
                    kernels.rgb_planar16(r, g, b, depth, amount);
                });
            }
        }
    }
}

#[test]
fn yuv_stays_within_its_rows() {
    let formats = [
        Packed::Yuy2,
        Packed::Yvyu,
        Packed::Uyvy,
        Packed::Vyuy,
        Packed::Ayuv,
        Packed::Vuya,
        Packed::V308,
        Packed::Iyu2,
        Packed::Y210,
        Packed::Y410,
    ];
    let weights = Weights::new(0.299, 0.114, false);
    for row in rows() {
        for amount in amounts() {
            run_all([&row], |kernels, [row]| kernels.chroma8(row, amount));
            for depth in DEPTHS {
                run_all([&row], |kernels, [row]| {
                    kernels.chroma16(row, depth, amount)
                });
            }
            for format in formats {
                run_all([&row], |kernels, [row]| kernels.packed(row, format, amount));
                run_all([&row], |kernels, [row]| {
                    kernels.packed_luma(row, format, weights, amount);
                });
            }
        }
    }
}

#[test]
fn luma_stays_within_its_rows() {
    let (weights, amount) = (Weights::new(0.299, 0.114, false), Amount::FULL);
    for row in rows() {
        let row = row.into_boxed_slice();
        let planar = Chroma::Planar { u: &row, v: &row };
        for (chroma, pairs) in [
            (planar, row.len()),
            (Chroma::Uv(&row), row.len() / 2),
            (Chroma::Vu(&row), row.len() / 2),
        ] {
            for level in Level::available() {
                // As many deltas as colours, in an allocation that ends with the last one.
                let mut deltas = vec![0; pairs].into_boxed_slice();
                of(level).luma_deltas8(chroma, weights, amount, &mut deltas);
                let mut deltas = vec![0; pairs / 2].into_boxed_slice();
                of(level).luma_deltas16(chroma, DEPTHS[0], weights, amount, &mut deltas);
            }
        }
        for subsampling in SUBSAMPLINGS {
            for per_delta in [1, 2, 4] {
                let deltas = vec![-3; row.len().div_ceil(per_delta)].into_boxed_slice();
                run_all([&row], |kernels, [y]| {
                    kernels.luma8(y, &deltas, subsampling)
                });
                run_all([&row], |kernels, [y]| {
                    kernels.luma16(y, DEPTHS[1], &deltas, subsampling);
                });
            }
        }
    }
}
