//! Computes the expected picture, in floating point and pixel by pixel, from the definitions of CSS
//! `grayscale()` and the colour spaces.

use gst_video::{VideoColorMatrix, VideoColorRange, VideoInfo};

use crate::picture::Picture;

/// Exact samples by component.
pub(crate) type Exact = Vec<Vec<f64>>;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) amount: f64,
    pub bt709: bool,
    pub(crate) interlaced: bool,
}

pub(crate) fn gray(picture: &Picture, info: &VideoInfo, asked: Asked) -> Exact {
    if info.is_rgb() {
        rgb(picture, asked.amount)
    } else if info.is_yuv() {
        yuv(picture, info, asked)
    } else {
        as_they_are(picture)
    }
}

/// Asserts that each sample differs from the exact one by at most `tolerance`.
pub(crate) fn assert_close(picture: &Picture, exact: &Exact, tolerance: f64, what: &str) {
    for (index, (component, exact)) in picture.components.iter().zip(exact).enumerate() {
        assert_eq!(component.samples.len(), exact.len(), "{what}");
        for (at, (&sample, &exact)) in component.samples.iter().zip(exact).enumerate() {
            let (x, y) = (at % component.width, at / component.width);
            assert!(
                (f64::from(sample) - exact).abs() <= tolerance,
                "{what}: component {index} at {x},{y} is {sample}, expected {exact}"
            );
        }
    }
}

fn as_they_are(picture: &Picture) -> Exact {
    let components = picture.components.iter();
    components
        .map(|component| component.samples.iter().copied().map(f64::from).collect())
        .collect()
}

fn luminance(r: f64, g: f64, b: f64) -> f64 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn rgb(picture: &Picture, amount: f64) -> Exact {
    let mut exact = as_they_are(picture);
    for at in 0..exact[0].len() {
        let gray = luminance(exact[0][at], exact[1][at], exact[2][at]);
        for component in &mut exact[..3] {
            component[at] += amount * (gray - component[at]);
        }
    }
    exact
}

fn yuv(picture: &Picture, info: &VideoInfo, asked: Asked) -> Exact {
    let mut exact = as_they_are(picture);
    let neutral = f64::from(1u32 << (picture.components[1].depth - 1));
    if asked.bt709 {
        let luma = &picture.components[0];
        let (horizontal, _) = subsampling(info);
        let rows = chroma_rows(info, luma.height, picture.components[1].height, asked);
        for (y, &chroma_y) in rows.iter().enumerate() {
            for x in 0..luma.width {
                let chroma = |component: usize| {
                    let sample = picture.components[component].at(x >> horizontal, chroma_y);
                    f64::from(sample) - neutral
                };
                let at = y * luma.width + x;
                let shift = luma_shift(info, chroma(1), chroma(2));
                let sum = exact[0][at] + asked.amount * shift;
                exact[0][at] = sum.clamp(0.0, f64::from(luma.max()));
            }
        }
    }
    for component in &mut exact[1..3] {
        for sample in component {
            *sample = neutral + (1.0 - asked.amount) * (*sample - neutral);
        }
    }
    exact
}

fn subsampling(info: &VideoInfo) -> (u32, u32) {
    let format = info.format_info();
    (format.w_sub()[1], format.h_sub()[1])
}

/// Returns the row of chroma for each row of luma. An interlaced picture consists of two pictures
/// of half the height, each with its own chroma.
fn chroma_rows(info: &VideoInfo, height: usize, chroma: usize, asked: Asked) -> Vec<usize> {
    let (_, vertical) = subsampling(info);
    if !asked.interlaced {
        return (0..height).map(|y| y >> vertical).collect();
    }
    let mut rows = vec![0; height];
    for field in 0..2 {
        let mine: Vec<_> = (field..chroma).step_by(2).collect();
        for (line, y) in (field..height).step_by(2).enumerate() {
            let last = mine.len().checked_sub(1);
            rows[y] = last.map_or(0, |last| mine[(line >> vertical).min(last)]);
        }
    }
    rows
}

/// Returns the difference between the browser's gray of a colour and its Y, in steps of Y.
fn luma_shift(info: &VideoInfo, u: f64, v: f64) -> f64 {
    let (kr, kb) = match info.colorimetry().matrix() {
        VideoColorMatrix::Bt601 => (0.299, 0.114),
        VideoColorMatrix::Bt709 => (0.2126, 0.0722),
        VideoColorMatrix::Bt2020 => (0.2627, 0.0593),
        VideoColorMatrix::Fcc => (0.30, 0.11),
        VideoColorMatrix::Smpte240m => (0.212, 0.087),
        other => panic!("no weights for {other:?}"),
    };
    // With Y = 0, since the difference does not depend on Y.
    let (luma_steps, chroma_steps) = match info.colorimetry().range() {
        VideoColorRange::Range0_255 => (255.0, 255.0),
        _ => (219.0, 224.0),
    };
    let (u, v) = (u / chroma_steps, v / chroma_steps);
    let r = 2.0 * (1.0 - kr) * v;
    let b = 2.0 * (1.0 - kb) * u;
    let g = -(kr * r + kb * b) / (1.0 - kr - kb);
    luminance(r, g, b) * luma_steps
}
