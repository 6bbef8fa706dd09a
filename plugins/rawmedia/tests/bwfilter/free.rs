//! Frames whose chroma is replaced without touching a pixel.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::{VideoFormat, VideoInfo};

use crate::oracle::{Asked, assert_close, gray};
use crate::picture::{Picture, Places};
use crate::rig::{
    address, buffer, bytes, describe, formats, info, interlaced, placed, rig, set, split,
};

pub(crate) const ALL: Asked = Asked {
    amount: 1.0,
    bt709: false,
    interlaced: false,
};

/// Planar and semi-planar YUV.
fn free_formats() -> Vec<VideoFormat> {
    let formats = formats().into_iter();
    formats
        .filter(|&format| {
            let info = gst_video::VideoFormatInfo::from_format(format);
            info.is_yuv() && info.n_planes() > 1
        })
        .collect()
}

fn alpha_plane(info: &VideoInfo) -> Option<usize> {
    (info.n_components() > 3).then(|| info.format_info().plane()[3] as usize)
}

fn each_free(mut check: impl FnMut(&VideoInfo, &Picture, &str)) {
    let formats = free_formats();
    assert!(formats.len() > 20);
    for format in formats {
        for (width, height) in [(320, 240), (67, 35), (1, 1)] {
            let info = info(format, width, height);
            let picture = Picture::noise(&info, 11);
            check(&info, &picture, &format!("{format} {width}x{height}"));
        }
    }
}

#[test]
fn the_luma_of_the_output_is_the_memory_of_the_input() {
    each_free(|info, picture, what| {
        let mut harness = rig(info, true);
        let exact = gray(picture, info, ALL);
        for input in [
            buffer(picture, info),
            placed(picture, info, &Places::padded(info, 32)),
            split(picture, info),
        ] {
            for shared in [true, false] {
                let other = shared.then(|| input.clone());
                let luma = address(&input, info, 0);
                let alpha = alpha_plane(info).map(|plane| address(&input, info, plane));
                let output = harness.push_and_pull(input.copy()).unwrap();
                assert_eq!(address(&output, info, 0), luma, "{what}");
                let found = alpha_plane(info).map(|plane| address(&output, info, plane));
                assert_eq!(found, alpha, "{what}");
                assert_close(&Picture::of(&output, info), &exact, 0.0, what);
                if let Some(other) = other {
                    let places = Places::in_buffer(&other, info);
                    let before = picture.bytes(info, &places);
                    assert!(bytes(&other) == before, "{what}");
                }
            }
        }
    });
}

#[test]
fn all_frames_of_a_stream_share_one_chroma_memory() {
    each_free(|info, picture, what| {
        let mut harness = rig(info, true);
        let one = harness.push_and_pull(buffer(picture, info)).unwrap();
        let two = harness.push_and_pull(buffer(picture, info)).unwrap();
        for plane in 1..info.n_planes() as usize {
            if Some(plane) != alpha_plane(info) {
                let (one, two) = (address(&one, info, plane), address(&two, info, plane));
                assert_eq!(one, two, "{what}");
            }
        }
    });
}

#[test]
fn a_reader_that_ignores_the_meta_and_maps_the_buffer_sees_the_default_layout() {
    each_free(|info, picture, what| {
        let exact = gray(picture, info, ALL);
        let mut harness = rig(info, true);
        let output = harness.push_and_pull(buffer(picture, info)).unwrap();
        let whole = bytes(&output);
        assert_eq!(whole.len(), info.size(), "{what}");
        let seen = Picture::read(info, &Places::of(info), &whole);
        assert_close(&seen, &exact, 0.0, what);
    });
}

#[test]
fn drawing_into_a_frame_draws_into_a_copy() {
    each_free(|info, picture, what| {
        let exact = gray(picture, info, ALL);
        let mut harness = rig(info, true);
        let input = buffer(picture, info);
        let before = bytes(&input);
        let mut painted = harness.push_and_pull(input.clone()).unwrap();
        {
            let painted = painted.make_mut();
            let mut map = painted.map_writable().unwrap();
            map.fill(0x11);
        }
        assert!(bytes(&painted).iter().all(|&byte| byte == 0x11), "{what}");
        assert!(bytes(&input) == before, "{what}");
        let next = harness.push_and_pull(input).unwrap();
        assert_close(&Picture::of(&next, info), &exact, 0.0, what);
    });
}

#[test]
fn without_video_meta_downstream_the_input_itself_is_filled() {
    each_free(|info, picture, what| {
        let exact = gray(picture, info, ALL);
        let mut harness = rig(info, false);
        let input = buffer(picture, info);
        let (pointer, planes) = (input.as_ptr(), address(&input, info, 1));
        let output = harness.push_and_pull(input).unwrap();
        assert_eq!(output.as_ptr(), pointer, "{what}");
        assert_eq!(address(&output, info, 1), planes, "{what}");
        assert_close(&Picture::of(&output, info), &exact, 0.0, what);
    });
}

#[test]
fn the_browsers_luma_is_free_if_it_is_that_of_the_matrix() {
    crate::rig::init();
    let caps = "video/x-raw, format=I420, width=64, height=48, framerate=30/1, colorimetry=bt709";
    let info = VideoInfo::from_caps(&caps.parse::<gst::Caps>().unwrap()).unwrap();
    let picture = Picture::noise(&info, 5);
    let mut harness = rig(&info, true);
    set(&harness, 1.0, true);
    let input = buffer(&picture, &info);
    let luma = address(&input, &info, 0);
    let output = harness.push_and_pull(input).unwrap();
    assert_eq!(address(&output, &info, 0), luma);
}

#[test]
fn fields_in_separate_buffers_are_free_too() {
    let mode = gst_video::VideoInterlaceMode::Alternate;
    for format in free_formats() {
        let info = interlaced(format, 34, 23, mode);
        let picture = Picture::noise(&info, 5);
        let mut harness = rig(&info, true);
        let input = buffer(&picture, &info);
        let luma = address(&input, &info, 0);
        let output = harness.push_and_pull(input).unwrap();
        assert_eq!(address(&output, &info, 0), luma, "{format}");
        let exact = gray(&picture, &info, ALL);
        let what = format.to_string();
        assert_close(&Picture::of(&output, &info), &exact, 0.0, &what);
    }
}

#[test]
fn everything_but_the_pixels_is_kept() {
    let info = info(VideoFormat::I420, 64, 48);
    let picture = Picture::noise(&info, 5);
    for (takes_meta, amount, shared) in [
        (true, 1.0, false),
        (true, 0.5, true),
        (false, 1.0, false),
        (false, 1.0, true),
        (false, 0.0, true),
    ] {
        let mut input = placed(&picture, &info, &Places::padded(&info, 16));
        {
            let input = input.get_mut().unwrap();
            input.set_pts(gst::ClockTime::from_mseconds(40));
            input.set_dts(gst::ClockTime::from_mseconds(30));
            input.set_duration(gst::ClockTime::from_mseconds(20));
            input.set_offset(7);
            input.set_offset_end(8);
            input.set_flags(gst::BufferFlags::MARKER | gst::BufferFlags::DELTA_UNIT);
            gst_video::VideoCropMeta::add(input, (2, 4, 32, 24));
            gst_video::VideoRegionOfInterestMeta::add(input, "face", (1, 2, 3, 4));
            let caps = gst::Caps::new_empty_simple("timestamp/x-test");
            let time = gst::ClockTime::from_seconds(9);
            gst::ReferenceTimestampMeta::add(input, &caps, time, None);
        }
        let other = shared.then(|| input.clone());
        let mut harness = rig(&info, takes_meta);
        set(&harness, amount, false);
        let output = harness.push_and_pull(input).unwrap();
        assert_eq!(output.pts(), Some(gst::ClockTime::from_mseconds(40)));
        assert_eq!(output.dts(), Some(gst::ClockTime::from_mseconds(30)));
        assert_eq!(output.duration(), Some(gst::ClockTime::from_mseconds(20)));
        assert_eq!((output.offset(), output.offset_end()), (7, 8));
        let flags = gst::BufferFlags::MARKER | gst::BufferFlags::DELTA_UNIT;
        assert!(output.flags().contains(flags));
        let crop = output.meta::<gst_video::VideoCropMeta>().unwrap();
        assert_eq!(crop.rect(), (2, 4, 32, 24));
        let region = output.meta::<gst_video::VideoRegionOfInterestMeta>();
        assert_eq!(region.unwrap().rect(), (1, 2, 3, 4));
        let time = output.meta::<gst::ReferenceTimestampMeta>().unwrap();
        assert_eq!(time.timestamp(), gst::ClockTime::from_seconds(9));
        assert!(output.iter_meta::<gst_video::VideoMeta>().count() <= 1);
        drop(other);
    }
}

#[test]
fn read_only_memory_is_copied_if_pixels_change() {
    for format in formats() {
        let info = info(format, 66, 34);
        let picture = Picture::noise(&info, 17);
        let read_only = || gst::Buffer::from_slice(picture.bytes(&info, &Places::of(&info)));
        for takes_meta in [true, false] {
            for amount in [1.0, 0.5] {
                let mut harness = rig(&info, takes_meta);
                set(&harness, amount, false);
                let exact = gray(&picture, &info, Asked { amount, ..ALL });
                let output = harness.push_and_pull(read_only()).unwrap();
                let what = format!("{format} {takes_meta} {amount}");
                assert_close(&Picture::of(&output, &info), &exact, 1.0, &what);
            }
        }
    }
}

#[test]
fn a_frame_without_chroma_passes_through_another_filter() {
    each_free(|info, picture, what| {
        let exact = gray(picture, info, ALL);
        let mut first = rig(info, true);
        for (amount, bt709) in [(1.0, false), (0.5, false), (1.0, true), (0.5, true)] {
            let mut second = rig(info, true);
            set(&second, amount, bt709);
            let between = first.push_and_pull(buffer(picture, info)).unwrap();
            let output = second.push_and_pull(between).unwrap();
            assert_close(&Picture::of(&output, info), &exact, 0.0, what);
        }
    });
}

/// Memory that sets a flag when it is dropped.
struct DropFlag(Vec<u8>, Arc<AtomicBool>);

impl AsMut<[u8]> for DropFlag {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for DropFlag {
    fn drop(&mut self) {
        self.1.store(true, Ordering::SeqCst);
    }
}

#[test]
fn the_input_lives_as_long_as_the_output_and_no_longer() {
    let info = info(VideoFormat::A420, 64, 48);
    let mut harness = rig(&info, true);
    let gone = Arc::new(AtomicBool::new(false));
    let input = gst::Buffer::from_mut_slice(DropFlag(vec![0; info.size()], gone.clone()));
    let output = harness.push_and_pull(input).unwrap();
    assert!(!gone.load(Ordering::SeqCst));
    drop(output);
    assert!(gone.load(Ordering::SeqCst));
}

mod counting {
    use super::*;

    #[derive(Debug, Default)]
    pub(crate) struct Pool {
        pub(super) allocated: AtomicUsize,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Pool {
        const NAME: &'static str = "BwFilterTestPool";
        type Type = super::CountingPool;
        type ParentType = gst::BufferPool;
    }

    impl ObjectImpl for Pool {}
    impl GstObjectImpl for Pool {}

    impl BufferPoolImpl for Pool {
        fn alloc_buffer(
            &self,
            params: Option<&gst::BufferPoolAcquireParams>,
        ) -> Result<gst::Buffer, gst::FlowError> {
            self.allocated.fetch_add(1, Ordering::SeqCst);
            self.parent_alloc_buffer(params)
        }
    }
}

glib::wrapper! {
    /// A pool that counts its allocations.
    pub(crate) struct CountingPool(ObjectSubclass<counting::Pool>) @extends gst::BufferPool, gst::Object;
}

impl CountingPool {
    pub(crate) fn allocated(&self) -> usize {
        self.imp().allocated.load(Ordering::SeqCst)
    }
}

#[test]
fn inputs_return_to_their_pool_and_are_reused() {
    let info = info(VideoFormat::I420, 64, 48);
    let mut harness = rig(&info, true);
    let pool = glib::Object::new::<CountingPool>();
    let mut config = pool.config();
    config.set_params(Some(&info.to_caps().unwrap()), info.size() as u32, 2, 0);
    pool.set_config(config).unwrap();
    pool.set_active(true).unwrap();
    for round in 0..50 {
        let mut input = pool.acquire_buffer(None).unwrap();
        let places = Places::of(&info);
        describe(input.get_mut().unwrap(), &info, &places);
        let shared = (round % 2 == 0).then(|| input.clone());
        let output = harness.push_and_pull(input).unwrap();
        drop(shared);
        drop(output);
    }
    assert_eq!(pool.allocated(), 2);
    pool.set_active(false).unwrap();
}
