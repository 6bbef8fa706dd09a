//! Interlaced, cropped and split frames.

use gst_video::prelude::*;
use gst_video::{VideoFormat, VideoInfo, VideoInterlaceMode};

use crate::oracle::{Asked, assert_close, gray};
use crate::picture::{Picture, Places};
use crate::rig::{buffer, bytes, formats, info, interlaced, rig, set};

const SUBSAMPLED: [VideoFormat; 7] = [
    VideoFormat::I420,
    VideoFormat::Nv12,
    VideoFormat::I42010le,
    VideoFormat::P01010le,
    VideoFormat::Y42b,
    VideoFormat::Yuy2,
    VideoFormat::Yuv9,
];

fn bt709(amount: f64, interlaced: bool) -> Asked {
    Asked {
        amount,
        bt709: true,
        interlaced,
    }
}

fn check(info: &VideoInfo, asked: Asked, flags: gst_video::VideoBufferFlags) {
    let what = format!("{} {asked:?}", info.name());
    let picture = Picture::noise(info, 21);
    let exact = gray(&picture, info, asked);
    for shared in [false, true] {
        let mut harness = rig(info, true);
        set(&harness, asked.amount, asked.bt709);
        let mut input = buffer(&picture, info);
        input.get_mut().unwrap().set_video_flags(flags);
        let other = shared.then(|| input.clone());
        let output = harness.push_and_pull(input).unwrap();
        assert_close(&Picture::of(&output, info), &exact, 1.0, &what);
        assert_eq!(output.video_flags() & flags, flags, "{what}");
        drop(other);
    }
}

#[test]
fn chroma_of_interlaced_frames_belongs_to_the_rows_of_its_field() {
    let both = gst_video::VideoBufferFlags::INTERLACED | gst_video::VideoBufferFlags::TFF;
    let none = gst_video::VideoBufferFlags::empty();
    for format in SUBSAMPLED {
        for (width, height) in [(34, 24), (33, 22), (16, 9), (8, 2), (8, 1)] {
            let mode = |mode| interlaced(format, width, height, mode);
            for amount in [1.0, 0.5] {
                let interleaved = mode(VideoInterlaceMode::Interleaved);
                check(&interleaved, bt709(amount, true), none);
                let mixed = mode(VideoInterlaceMode::Mixed);
                check(&mixed, bt709(amount, true), both);
                check(&mixed, bt709(amount, false), none);
                // Each buffer has a field, with half of the rows.
                let alternate = mode(VideoInterlaceMode::Alternate);
                check(&alternate, bt709(amount, false), none);
            }
        }
    }
}

#[test]
fn every_colour_space_has_its_own_weights() {
    let formats = [
        VideoFormat::I420,
        VideoFormat::Nv21,
        VideoFormat::Y444,
        VideoFormat::Ayuv,
        VideoFormat::Uyvy,
        VideoFormat::P01010le,
        VideoFormat::Y410,
    ];
    // Range, matrix, transfer function and primaries as numbers.
    for matrix in [2, 3, 4, 5, 6] {
        for range in [1, 2] {
            for format in formats {
                let caps = format!(
                    "video/x-raw, format={format}, width=40, height=6, framerate=30/1, \
                     colorimetry={range}:{matrix}:0:0"
                );
                crate::rig::init();
                let caps = caps.parse::<gst::Caps>().unwrap();
                let info = VideoInfo::from_caps(&caps).unwrap();
                let found = info.colorimetry().to_string();
                for amount in [1.0, 0.4] {
                    let picture = Picture::noise(&info, matrix * 2 + range);
                    let mut harness = rig(&info, true);
                    set(&harness, amount, true);
                    let output = harness.push_and_pull(buffer(&picture, &info)).unwrap();
                    let exact = gray(&picture, &info, bt709(amount, false));
                    let what = format!("{format} {found} {amount}");
                    assert_close(&Picture::of(&output, &info), &exact, 1.0, &what);
                }
            }
        }
    }
}

/// A 40x20 frame for caps of 32x16, cropped at 3,2.
fn larger(format: VideoFormat) -> (VideoInfo, VideoInfo, Picture, gst::Buffer) {
    let (caps, frame) = (info(format, 32, 16), info(format, 40, 20));
    let picture = Picture::noise(&frame, 31);
    let mut input = crate::rig::placed(&picture, &frame, &Places::of(&frame));
    let new = input.get_mut().unwrap();
    gst_video::VideoCropMeta::add(new, (3, 2, 32, 16));
    (caps, frame, picture, input)
}

#[test]
fn a_frame_larger_than_its_caps_keeps_its_size_and_crop() {
    for format in formats() {
        let (caps, frame, picture, input) = larger(format);
        for takes_meta in [true, false] {
            for amount in [1.0, 0.5] {
                for shared in [false, true] {
                    let what = format!("{format} {amount} {takes_meta} {shared}");
                    let input = input.copy_deep().unwrap();
                    let mut harness = rig(&caps, takes_meta);
                    set(&harness, amount, false);
                    let other = shared.then(|| input.clone());
                    let output = harness.push_and_pull(input).unwrap();
                    let asked = Asked {
                        amount,
                        bt709: false,
                        interlaced: false,
                    };
                    let exact = gray(&picture, &frame, asked);
                    assert_close(&Picture::of(&output, &frame), &exact, 1.0, &what);
                    let meta = output.meta::<gst_video::VideoMeta>().unwrap();
                    assert_eq!((meta.width(), meta.height()), (40, 20), "{what}");
                    let crop = output.meta::<gst_video::VideoCropMeta>().unwrap();
                    assert_eq!(crop.rect(), (3, 2, 32, 16), "{what}");
                    drop(other);
                }
            }
        }
    }
}

#[test]
fn the_last_row_may_be_shorter_than_the_stride() {
    for format in formats() {
        let info = info(format, 22, 10);
        let picture = Picture::noise(&info, 41);
        // Two pictures side by side, of which this is the right one.
        let row = Places::of(&info).strides[0] as usize;
        let mut places = Places::padded(&info, row);
        places.offsets.iter_mut().for_each(|at| *at += row / 2);
        places.size = picture_end(&info, &places);
        for takes_meta in [true, false] {
            for shared in [true, false] {
                let input = crate::rig::placed(&picture, &info, &places);
                let other = shared.then(|| input.clone());
                let before = bytes(&input);
                let mut harness = rig(&info, takes_meta);
                let output = harness.push_and_pull(input).unwrap();
                let exact = gray(&picture, &info, crate::free::ALL);
                let seen = Picture::of(&output, &info);
                assert_close(&seen, &exact, 1.0, &format.to_string());
                assert!(other.is_none_or(|other| bytes(&other) == before));
            }
        }
    }
}

/// Returns the offset after the last pixel of the last plane.
fn picture_end(info: &VideoInfo, places: &Places) -> usize {
    let (plane, &offset) = places
        .offsets
        .iter()
        .enumerate()
        .max_by_key(|&(_, offset)| offset)
        .unwrap();
    let rows = crate::picture::plane_rows(info, plane);
    // The default stride: the bytes that `places` adds to a row are not part of the picture.
    let pixels = info.stride()[plane] as usize;
    offset + (rows - 1) * places.strides[plane] as usize + pixels
}

#[test]
fn a_plane_may_span_two_memories() {
    for format in formats() {
        let info = info(format, 64, 33);
        let picture = Picture::noise(&info, 51);
        let bytes = picture.bytes(&info, &Places::of(&info));
        for takes_meta in [true, false] {
            let mut input = gst::Buffer::new();
            for piece in bytes.chunks(1000) {
                let memory = gst::Memory::from_mut_slice(piece.to_vec());
                input.get_mut().unwrap().append_memory(memory);
            }
            let mut harness = rig(&info, takes_meta);
            let output = harness.push_and_pull(input).unwrap();
            let exact = gray(&picture, &info, crate::free::ALL);
            let seen = Picture::of(&output, &info);
            assert_close(&seen, &exact, 1.0, &format.to_string());
        }
    }
}
