//! Properties that change while data flows.

use gst::prelude::*;
use gst_controller::prelude::*;
use gst_video::VideoFormat;

use crate::oracle::{Asked, assert_close, gray};
use crate::picture::Picture;
use crate::rig::{buffer, bytes, formats, info, rig, set};

#[test]
fn an_amount_of_0_passes_buffers_through_unchanged() {
    for format in formats() {
        let info = info(format, 33, 7);
        let picture = Picture::noise(&info, 3);
        for takes_meta in [true, false] {
            for bt709 in [true, false] {
                let mut harness = rig(&info, takes_meta);
                set(&harness, 0.0, bt709);
                let input = buffer(&picture, &info);
                let (pointer, before) = (input.as_ptr(), bytes(&input));
                let output = harness.push_and_pull(input).unwrap();
                assert_eq!(output.as_ptr(), pointer, "{format}");
                assert_eq!(bytes(&output), before, "{format}");
            }
        }
    }
}

#[test]
fn gray_video_passes_through() {
    for format in [
        VideoFormat::Gray8,
        VideoFormat::Gray16Le,
        VideoFormat::Gray16Be,
    ] {
        let info = info(format, 33, 7);
        let mut harness = rig(&info, true);
        let input = buffer(&Picture::noise(&info, 3), &info);
        let pointer = input.as_ptr();
        let output = harness.push_and_pull(input).unwrap();
        assert_eq!(output.as_ptr(), pointer, "{format}");
    }
}

#[test]
fn properties_set_while_playing_apply_to_the_next_buffer() {
    let info = info(VideoFormat::I420, 64, 48);
    let picture = Picture::noise(&info, 3);
    let mut harness = rig(&info, true);
    for (amount, bt709) in [
        (1.0, false),
        (0.3, true),
        (0.0, false),
        (1.0, true),
        (0.7, false),
    ] {
        set(&harness, amount, bt709);
        let output = harness.push_and_pull(buffer(&picture, &info)).unwrap();
        let asked = Asked {
            amount,
            bt709,
            interlaced: false,
        };
        let exact = gray(&picture, &info, asked);
        assert_close(
            &Picture::of(&output, &info),
            &exact,
            1.0,
            &format!("{asked:?}"),
        );
    }
}

#[test]
fn a_controller_sets_the_amount_by_stream_time() {
    let info = info(VideoFormat::Y444, 16, 16);
    let picture = Picture::noise(&info, 3);
    let mut harness = rig(&info, true);
    let element = harness.element().unwrap();
    let source = gst_controller::InterpolationControlSource::new();
    source.set_mode(gst_controller::InterpolationMode::Linear);
    assert!(source.set(gst::ClockTime::ZERO, 0.0));
    assert!(source.set(gst::ClockTime::from_seconds(1), 1.0));
    let binding = gst_controller::DirectControlBinding::new(&element, "amount", &source);
    element.add_control_binding(&binding).unwrap();
    // Stream time 0 is the start of the segment.
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_start(gst::ClockTime::from_seconds(10));
    assert!(harness.push_event(gst::event::Segment::new(&segment)));
    for tenths in 0..=10 {
        let mut input = buffer(&picture, &info);
        let pts = gst::ClockTime::from_mseconds(10_000 + 100 * tenths);
        input.get_mut().unwrap().set_pts(pts);
        let output = harness.push_and_pull(input).unwrap();
        let asked = Asked {
            amount: tenths as f64 / 10.0,
            bt709: false,
            interlaced: false,
        };
        let exact = gray(&picture, &info, asked);
        assert_close(
            &Picture::of(&output, &info),
            &exact,
            1.0,
            &format!("{asked:?}"),
        );
    }
}

#[test]
fn the_last_reference_frees_the_element() {
    let info = info(VideoFormat::I420, 64, 48);
    let mut harness = rig(&info, true);
    let weak = harness.element().unwrap().downgrade();
    let output = harness.push_and_pull(buffer(&Picture::noise(&info, 3), &info));
    drop(harness);
    assert!(weak.upgrade().is_none());
    // Its output outlives it.
    assert!(output.unwrap().map_readable().is_ok());
}
