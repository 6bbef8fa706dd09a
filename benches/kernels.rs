//! Compares every kernel with memcpy and memset of the same bytes, on the rows of a 1920×1080
//! frame.

use acscall_pixels::{
    Amount, Chroma, Depth, Kernels, Level, Packed, Rgb10, RgbLayout, Subsampling, Weights,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;

const WIDTH: usize = 1920;
const HEIGHT: usize = 1080;

/// A plane. That of RGB is much larger than the caches of a core.
struct Plane {
    bytes: Vec<u8>,
    row: usize,
}

impl Plane {
    fn new(row: usize, rows: usize) -> Self {
        // Any picture will do, since no kernel's time depends on it. The bits below 10-bit samples
        // are 0.
        let bytes = (0..row * rows).map(|i| (i.wrapping_mul(0x9e37_79b1) >> 13) as u8 & 0xc0);
        Self {
            bytes: bytes.collect(),
            row,
        }
    }

    fn rows(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.bytes.chunks_exact_mut(self.row)
    }
}

/// Benchmarks `frame` at every level, and memcpy and memset of its planes as the lower bound.
fn bench<const N: usize>(
    criterion: &mut Criterion,
    name: &str,
    planes: [(usize, usize); N],
    frame: impl Fn(&Kernels, &mut [Plane; N]),
) {
    let mut group = criterion.benchmark_group(name);
    let mut planes = planes.map(|(row, rows)| Plane::new(row, rows));
    let bytes = planes.iter().map(|plane| plane.bytes.len()).sum::<usize>();
    group.throughput(Throughput::Bytes(bytes as u64));
    for level in Level::available() {
        let Some(kernels) = Kernels::new(level) else {
            continue;
        };
        group.bench_function(format!("{level:?}"), |bencher| {
            bencher.iter(|| frame(black_box(&kernels), black_box(&mut planes)));
        });
    }
    let source: Vec<u8> = planes
        .iter()
        .flat_map(|plane| &plane.bytes)
        .copied()
        .collect();
    let mut target = source.clone();
    group.bench_function("memcpy", |bencher| {
        bencher.iter(|| black_box(&mut target[..]).copy_from_slice(black_box(&source)));
    });
    group.bench_function("memset", |bencher| {
        bencher.iter(|| black_box(&mut target[..]).fill(black_box(128)));
    });
    group.finish();
}

fn amounts() -> [(Amount, &'static str); 2] {
    [(Amount::FULL, "1"), (Amount::new(0.5), "0.5")]
}

fn rgb(criterion: &mut Criterion) {
    for (amount, name) in amounts() {
        for (layout, format) in [(RgbLayout::RGBX, "RGBx"), (RgbLayout::RGB, "RGB")] {
            let planes = [(WIDTH * layout.size(), HEIGHT)];
            bench(
                criterion,
                &format!("{format} amount={name}"),
                planes,
                |kernels, [plane]| {
                    plane
                        .rows()
                        .for_each(|row| kernels.rgb(row, layout, amount));
                },
            );
        }
        let planes = [(WIDTH, HEIGHT); 3];
        bench(
            criterion,
            &format!("GBR amount={name}"),
            planes,
            |kernels, [g, b, r]| {
                for ((r, g), b) in r.rows().zip(g.rows()).zip(b.rows()) {
                    kernels.rgb_planar8(r, g, b, amount);
                }
            },
        );
        let planes = [(WIDTH * 2, HEIGHT); 3];
        bench(
            criterion,
            &format!("GBR_10LE amount={name}"),
            planes,
            |kernels, [g, b, r]| {
                for ((r, g), b) in r.rows().zip(g.rows()).zip(b.rows()) {
                    kernels.rgb_planar16(r, g, b, Depth::LOW_10, amount);
                }
            },
        );
        for (format, name10) in [(Rgb10::Rgb10a2Le, "RGB10A2_LE"), (Rgb10::R210, "r210")] {
            let planes = [(WIDTH * 4, HEIGHT)];
            bench(
                criterion,
                &format!("{name10} amount={name}"),
                planes,
                |kernels, [plane]| {
                    plane
                        .rows()
                        .for_each(|row| kernels.rgb10(row, format, amount));
                },
            );
        }
    }
}

fn chroma(criterion: &mut Criterion) {
    for (amount, name) in amounts() {
        let planes = [(WIDTH / 2, HEIGHT / 2); 2];
        bench(
            criterion,
            &format!("I420 chroma amount={name}"),
            planes,
            |kernels, planes| {
                for plane in planes {
                    plane.rows().for_each(|row| kernels.chroma8(row, amount));
                }
            },
        );
        let planes = [(WIDTH, HEIGHT / 2)];
        bench(
            criterion,
            &format!("NV12 chroma amount={name}"),
            planes,
            |kernels, [plane]| {
                plane.rows().for_each(|row| kernels.chroma8(row, amount));
            },
        );
        for (depth, format) in [(Depth::LOW_10, "I420_10LE"), (Depth::HIGH_10, "P010_10LE")] {
            let planes = [(WIDTH * 2, HEIGHT / 2)];
            bench(
                criterion,
                &format!("{format} chroma amount={name}"),
                planes,
                |kernels, [plane]| {
                    plane
                        .rows()
                        .for_each(|row| kernels.chroma16(row, depth, amount));
                },
            );
        }
    }
}

const PACKED: [(Packed, &str, usize); 6] = [
    (Packed::Yuy2, "YUY2", WIDTH * 2),
    (Packed::Uyvy, "UYVY", WIDTH * 2),
    (Packed::Ayuv, "AYUV", WIDTH * 4),
    (Packed::V308, "v308", WIDTH * 3),
    (Packed::Y210, "Y210", WIDTH * 4),
    (Packed::Y410, "Y410", WIDTH * 4),
];

fn packed(criterion: &mut Criterion) {
    for (format, name, row) in PACKED {
        for (amount, value) in amounts() {
            let planes = [(row, HEIGHT)];
            bench(
                criterion,
                &format!("{name} amount={value}"),
                planes,
                |kernels, [plane]| {
                    plane
                        .rows()
                        .for_each(|row| kernels.packed(row, format, amount));
                },
            );
        }
        bench(
            criterion,
            &format!("{name} bt709"),
            [(row, HEIGHT)],
            |kernels, [plane]| {
                let (weights, amount) = (bt601(), Amount::FULL);
                plane
                    .rows()
                    .for_each(|row| kernels.packed_luma(row, format, weights, amount));
            },
        );
    }
}

/// The colour space of most cameras.
fn bt601() -> Weights {
    Weights::new(0.299, 0.114, false)
}

fn luma(criterion: &mut Criterion) {
    let (weights, amount, two) = (bt601(), Amount::FULL, Subsampling::Two);

    let planes = [
        (WIDTH, HEIGHT),
        (WIDTH / 2, HEIGHT / 2),
        (WIDTH / 2, HEIGHT / 2),
    ];
    bench(criterion, "I420 bt709", planes, |kernels, [y, u, v]| {
        let mut deltas = [0; WIDTH / 2];
        let mut luma = y.rows();
        for (u, v) in u.rows().zip(v.rows()) {
            kernels.luma_deltas8(Chroma::Planar { u, v }, weights, amount, &mut deltas);
            luma.by_ref()
                .take(2)
                .for_each(|y| kernels.luma8(y, &deltas, two));
            kernels.chroma8(u, amount);
            kernels.chroma8(v, amount);
        }
    });

    let planes = [(WIDTH, HEIGHT), (WIDTH, HEIGHT / 2)];
    bench(criterion, "NV12 bt709", planes, |kernels, [y, uv]| {
        let mut deltas = [0; WIDTH / 2];
        let mut luma = y.rows();
        for uv in uv.rows() {
            kernels.luma_deltas8(Chroma::Uv(uv), weights, amount, &mut deltas);
            luma.by_ref()
                .take(2)
                .for_each(|y| kernels.luma8(y, &deltas, two));
            kernels.chroma8(uv, amount);
        }
    });

    bench(
        criterion,
        "Y444 bt709",
        [(WIDTH, HEIGHT); 3],
        |kernels, [y, u, v]| {
            let mut deltas = [0; WIDTH];
            for ((y, u), v) in y.rows().zip(u.rows()).zip(v.rows()) {
                kernels.luma_deltas8(Chroma::Planar { u, v }, weights, amount, &mut deltas);
                kernels.luma8(y, &deltas, Subsampling::One);
                kernels.chroma8(u, amount);
                kernels.chroma8(v, amount);
            }
        },
    );

    let planes = [(WIDTH * 2, HEIGHT), (WIDTH * 2, HEIGHT / 2)];
    bench(criterion, "P010_10LE bt709", planes, |kernels, [y, uv]| {
        let (mut deltas, depth) = ([0; WIDTH / 2], Depth::HIGH_10);
        let mut luma = y.rows();
        for uv in uv.rows() {
            kernels.luma_deltas16(Chroma::Uv(uv), depth, weights, amount, &mut deltas);
            luma.by_ref()
                .take(2)
                .for_each(|y| kernels.luma16(y, depth, &deltas, two));
            kernels.chroma16(uv, depth, amount);
        }
    });
}

fn configuration() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
}

criterion_group! {
    name = kernels;
    config = configuration();
    targets = rgb, chroma, packed, luma
}
criterion_main!(kernels);
