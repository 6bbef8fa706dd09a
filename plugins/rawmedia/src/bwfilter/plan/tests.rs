//! Compares the table with GStreamer's.

use gst_video::VideoFormatInfo;

use super::*;

/// Returns the plane, the offset and the step of a component in GStreamer's table.
fn component(info: &VideoFormatInfo, component: usize) -> (usize, usize, usize) {
    let plane = info.plane()[component] as usize;
    let step = info.pixel_stride()[component] as usize;
    (plane, info.poffset()[component] as usize, step)
}

fn depth_of(info: &VideoFormatInfo) -> Depth {
    Depth::new(info.depth()[0], info.shift()[0]).unwrap()
}

fn check_sample(info: &VideoFormatInfo, sample: Sample) {
    match sample {
        Sample::Byte => assert_eq!((info.depth()[0], info.shift()[0]), (8, 0)),
        Sample::Word(depth) => {
            assert_eq!(depth, depth_of(info));
            assert!(info.is_le());
        }
    }
}

fn check_planes(info: &VideoFormatInfo, planes: Planes) {
    check_sample(info, planes.sample);
    let width = match planes.sample {
        Sample::Byte => 1,
        Sample::Word(_) => 2,
    };
    assert_eq!(component(info, 0), (0, 0, width));
    match planes.chroma {
        ChromaPlanes::Apart { u, v } => {
            assert_eq!(component(info, 1), (u, 0, width));
            assert_eq!(component(info, 2), (v, 0, width));
        }
        ChromaPlanes::Uv => {
            assert_eq!(component(info, 1), (1, 0, 2 * width));
            // In 1.22 this table has V of P010 at byte 1, but the code reads it from byte 2.
            let (plane, offset, step) = component(info, 2);
            assert_eq!((plane, step), (1, 2 * width));
            assert!(offset == width || width == 2);
        }
        ChromaPlanes::Vu => {
            assert_eq!(component(info, 1), (1, width, 2 * width));
            assert_eq!(component(info, 2), (1, 0, 2 * width));
        }
    }
    let columns = match planes.columns {
        Subsampling::One => 0,
        Subsampling::Two => 1,
        Subsampling::Four => 2,
    };
    for chroma in [1, 2] {
        assert_eq!(info.w_sub()[chroma], columns);
        assert_eq!(info.h_sub()[chroma], planes.rows_shift);
    }
    // 1.22 has no alpha flag for AV12, only the position.
    let alpha = (info.n_components() > 3).then(|| info.plane()[3] as usize);
    assert_eq!(planes.alpha, alpha);
}

fn check_packed(info: &VideoFormatInfo, packed: Packed) {
    let places: Vec<_> = (0..info.n_components() as usize)
        .map(|c| component(info, c))
        .collect();
    let expected = match packed {
        Packed::Yuy2 => vec![(0, 0, 2), (0, 1, 4), (0, 3, 4)],
        Packed::Yvyu => vec![(0, 0, 2), (0, 3, 4), (0, 1, 4)],
        Packed::Uyvy => vec![(0, 1, 2), (0, 0, 4), (0, 2, 4)],
        // In 1.22 this table has U first, but the code reads V first.
        Packed::Vyuy => vec![(0, 1, 2), (0, 0, 4), (0, 2, 4)],
        Packed::Ayuv => vec![(0, 1, 4), (0, 2, 4), (0, 3, 4), (0, 0, 4)],
        Packed::Vuya => vec![(0, 2, 4), (0, 1, 4), (0, 0, 4), (0, 3, 4)],
        Packed::V308 => vec![(0, 0, 3), (0, 1, 3), (0, 2, 3)],
        Packed::Iyu2 => vec![(0, 1, 3), (0, 0, 3), (0, 2, 3)],
        // 1.22 has no bit positions for them; the tests of the element check them.
        Packed::Y210 | Packed::Y410 => return assert_eq!(info.depth()[..3], [10; 3]),
    };
    assert_eq!(places, expected);
}

fn check_rgb(info: &VideoFormatInfo, layout: RgbLayout) {
    let places: Vec<_> = (0..3).map(|c| component(info, c)).collect();
    let size = places[0].2;
    let made = RgbLayout::new(size, places[0].1, places[1].1, places[2].1);
    assert_eq!(made, Some(layout));
}

#[test]
fn the_table_agrees_with_gstreamer() {
    gst::init().unwrap();
    for &format in FORMATS {
        let info = VideoFormatInfo::from_format(format);
        let plan = Plan::of(format).unwrap_or_else(|| panic!("{format} has no plan"));
        match plan {
            Plan::Gray => assert!(info.is_gray()),
            Plan::Planes(planes) => {
                assert!(info.is_yuv());
                check_planes(&info, planes);
            }
            Plan::Packed(packed) => {
                assert!(info.is_yuv());
                check_packed(&info, packed);
            }
            Plan::Rgb(layout) => {
                assert!(info.is_rgb());
                check_rgb(&info, layout);
            }
            Plan::Rgb10(_) => {
                assert!(info.is_rgb());
                assert_eq!(info.depth()[..3], [10; 3]);
            }
            Plan::RgbPlanes { planes, sample } => {
                assert!(info.is_rgb());
                check_sample(&info, sample);
                for (component, plane) in planes.into_iter().enumerate() {
                    assert_eq!(info.plane()[component] as usize, plane);
                }
            }
        }
    }
}

#[test]
fn formats_outside_the_list_have_no_plan() {
    gst::init().unwrap();
    for format in VideoFormat::iter_raw() {
        assert_eq!(
            Plan::of(format).is_some(),
            FORMATS.contains(&format),
            "{format}"
        );
    }
}

#[test]
fn only_planes_of_chroma_can_be_dropped() {
    let bt601 = Weights::new(0.299, 0.114, false);
    let bt709 = Weights::new(0.2126, 0.0722, false);
    let work = |format, amount, luma, weights| {
        Plan::of(format).map(|plan| plan.work(amount, luma, weights))
    };
    let (as_is, browser) = (BwFilterLuma::AsIs, BwFilterLuma::Bt709);
    for weights in [bt601, bt709] {
        let planar = work(VideoFormat::I420, 1.0, as_is, weights);
        assert_eq!(planar, Some(Work::DropChroma));
        let gray = work(VideoFormat::Gray8, 1.0, browser, weights);
        assert_eq!(gray, Some(Work::Nothing));
        let none = work(VideoFormat::Rgb, 0.0, browser, weights);
        assert_eq!(none, Some(Work::Nothing));
    }
    let same = work(VideoFormat::Nv12, 1.0, browser, bt709);
    assert_eq!(same, Some(Work::DropChroma));
    let mixed = Work::Mix {
        amount: Amount::FULL,
        weights: bt601,
    };
    assert_eq!(work(VideoFormat::Nv12, 1.0, browser, bt601), Some(mixed));
    let packed = Work::Mix {
        amount: Amount::FULL,
        weights: Weights::NONE,
    };
    assert_eq!(work(VideoFormat::Yuy2, 1.0, as_is, bt601), Some(packed));
}
