//! Compares every format with the oracle.

use gst_video::{VideoFormat, VideoInfo};

use crate::oracle::{Asked, assert_close, gray};
use crate::picture::{Picture, Places};
use crate::rig::{buffer, bytes, formats, info, placed, rig, set, split};

const AMOUNTS: [f64; 4] = [1.0, 0.5, 0.25, 0.0];
/// Rows longer than any vector, and odd sizes.
const SIZES: [(u32, u32); 5] = [(134, 6), (67, 5), (33, 4), (2, 1), (1, 1)];

/// Products of 16-bit samples and 15-bit weights lose the lowest bits.
fn tolerance(format: VideoFormat) -> f64 {
    match gst_video::VideoFormatInfo::from_format(format).depth()[0] {
        16 => 2.5,
        _ => 1.0,
    }
}

/// The element with a format, a size, a downstream and the expected effect.
struct Case<'a> {
    harness: &'a mut gst_check::Harness,
    info: &'a VideoInfo,
    picture: &'a Picture,
    takes_meta: bool,
    asked: Asked,
    what: &'a str,
}

impl Case<'_> {
    fn through(&mut self, input: gst::Buffer) -> gst::Buffer {
        self.harness.push_and_pull(input).unwrap()
    }
}

fn each(mut check: impl FnMut(Case<'_>)) {
    let formats = formats();
    let sizes = |format| SIZES.map(|(width, height)| info(format, width, height));
    for info in formats.into_iter().flat_map(sizes) {
        let picture = Picture::noise(&info, 7);
        for takes_meta in [true, false] {
            let mut harness = rig(&info, takes_meta);
            for (amount, bt709) in AMOUNTS.into_iter().flat_map(|a| [(a, false), (a, true)]) {
                set(&harness, amount, bt709);
                let asked = Asked {
                    amount,
                    bt709,
                    interlaced: false,
                };
                let size = (info.width(), info.height());
                check(Case {
                    harness: &mut harness,
                    info: &info,
                    picture: &picture,
                    takes_meta,
                    asked,
                    what: &format!("{} {size:?} {asked:?}", info.name()),
                });
            }
        }
    }
}

#[test]
fn every_format_matches_the_definition() {
    each(|mut case| {
        let exact = gray(case.picture, case.info, case.asked);
        let output = case.through(buffer(case.picture, case.info));
        let tolerance = tolerance(case.info.format());
        let seen = Picture::of(&output, case.info);
        assert_close(&seen, &exact, tolerance, case.what);
        assert!(output.size() >= case.info.size(), "{}", case.what);
    });
}

#[test]
fn a_shared_buffer_has_the_same_result_and_does_not_change() {
    each(|mut case| {
        let alone = case.through(buffer(case.picture, case.info));
        let input = buffer(case.picture, case.info);
        let before = bytes(&input);
        let output = case.through(input.clone());
        assert!(bytes(&input) == before, "{}", case.what);
        let shared = Picture::of(&output, case.info);
        assert!(Picture::of(&alone, case.info) == shared, "{}", case.what);
    });
}

#[test]
fn padded_strides_and_separate_planes_have_the_same_result() {
    each(|mut case| {
        let (picture, info, what) = (case.picture, case.info, case.what);
        let default = Places::of(info);
        let plain = case.through(buffer(picture, info));
        let plain = Picture::of(&plain, info);
        let padded = Places::padded(info, 48);
        for input in [placed(picture, info, &padded), split(picture, info)] {
            let before = bytes(&input);
            let shared = case.through(input.clone());
            assert!(bytes(&input) == before, "{what}");
            let alone = case.through(input);
            for output in [shared, alone] {
                if !case.takes_meta {
                    let places = Places::in_buffer(&output, info);
                    assert_eq!(places.strides, default.strides, "{what}");
                    assert_eq!(places.offsets, default.offsets, "{what}");
                }
                assert!(Picture::of(&output, info) == plain, "{what}");
            }
        }
    });
}
