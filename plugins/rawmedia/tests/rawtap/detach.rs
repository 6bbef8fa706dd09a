//! A branch that fails is detached and reported to the application, and retried when it may work.

use gst::prelude::*;
use gstrawmedia::rawtap::RawTapPad;
use std::sync::{Arc, Mutex};

use crate::rig::{Recorder, Rig, TapSettings, all_settings, caps, keeping_all, stat};

/// Creates a branch whose flow return a test can change.
fn switchable(
    first: Result<gst::FlowSuccess, gst::FlowError>,
) -> (
    Recorder,
    Arc<Mutex<Result<gst::FlowSuccess, gst::FlowError>>>,
) {
    let answer = Arc::new(Mutex::new(first));
    let recorder = Recorder::answering({
        let answer = answer.clone();
        move || *answer.lock().unwrap()
    });
    (recorder, answer)
}

/// Creates a branch that has failed and now works.
fn repaired(rig: &mut Rig, settings: TapSettings) -> (RawTapPad, Recorder) {
    let (end, answer) = switchable(Err(gst::FlowError::Error));
    let pad = rig.tap_into(settings, &end.pad);
    rig.push(0);
    rig.detached();
    *answer.lock().unwrap() = Ok(gst::FlowSuccess::Ok);
    // It stays detached.
    rig.push(1000);
    rig.drain(&end);
    assert_eq!(end.buffers().len(), 1);
    assert_eq!(stat(&pad, "dropped"), 2);
    (pad, end)
}

#[test]
fn each_failure_is_reported_with_its_cause_and_remedy() {
    for (error, name, hint) in [
        (gst::FlowError::Error, "error", "repair"),
        (
            gst::FlowError::NotNegotiated,
            "not-negotiated",
            "videoconvert",
        ),
        (gst::FlowError::NotSupported, "not-supported", "converts"),
        (gst::FlowError::Eos, "eos", "ended"),
        (gst::FlowError::CustomError, "custom-error", "repair"),
    ] {
        for settings in all_settings() {
            let mut rig = Rig::started();
            let end = Recorder::answering(move || Err(error));
            let pad = rig.tap_into(settings, &end.pad);
            rig.push(0);
            let message = rig.detached();
            assert_eq!(message.get::<gst::Pad>("pad").unwrap(), pad);
            assert_eq!(message.get::<String>("tap").unwrap(), "tap_0");
            assert_eq!(message.get::<String>("result").unwrap(), name);
            assert!(message.get::<String>("text").unwrap().contains(hint));
        }
    }
}

#[test]
fn a_failed_branch_is_retried_when_it_is_linked_again() {
    for settings in all_settings() {
        let mut rig = Rig::started();
        let (pad, end) = repaired(&mut rig, settings);
        pad.unlink(&end.pad).unwrap();
        pad.link(&end.pad).unwrap();
        rig.push(2000);
        end.wait_for_buffer(gst::ClockTime::from_seconds(2));
        rig.assert_main_is_undisturbed();
    }
}

#[test]
fn a_failed_branch_is_retried_when_it_asks_to_be_reconfigured() {
    for settings in all_settings() {
        let mut rig = Rig::started();
        let (_pad, end) = repaired(&mut rig, settings);
        end.pad.push_event(gst::event::Reconfigure::new());
        rig.push(2000);
        end.wait_for_buffer(gst::ClockTime::from_seconds(2));
        rig.assert_main_is_undisturbed();
    }
}

#[test]
fn a_failed_branch_is_retried_after_a_flush_with_new_caps_and_with_a_new_stream() {
    for settings in all_settings() {
        for way in 0..3 {
            let mut rig = Rig::started();
            let (_pad, end) = repaired(&mut rig, settings);
            match way {
                0 => {
                    rig.send(gst::event::FlushStart::new());
                    rig.send(gst::event::FlushStop::new(true));
                    rig.send(crate::rig::segment());
                }
                1 => rig.send(gst::event::Caps::new(&caps("two"))),
                _ => rig.send(gst::event::StreamStart::new("two")),
            }
            rig.push(2000);
            end.wait_for_buffer(gst::ClockTime::from_seconds(2));
            rig.assert_main_is_undisturbed();
        }
    }
}

fn video(format: gst_video::VideoFormat) -> gst_video::VideoInfo {
    gst_video::VideoInfo::builder(format, 32, 16)
        .build()
        .unwrap()
}

/// Plays I420 into a tap whose branch accepts only RGB.
fn wants_rgb(converters: &[&str]) -> (Rig, gst::Element, Recorder) {
    let mut rig = Rig::new();
    let bin = gst::Bin::new();
    let filter = gst::ElementFactory::make("capsfilter")
        .property(
            "caps",
            gst::Caps::builder("video/x-raw")
                .field("format", "RGB")
                .build(),
        )
        .build()
        .unwrap();
    let elements: Vec<_> = converters
        .iter()
        .map(|name| gst::ElementFactory::make(name).build().unwrap())
        .chain([filter])
        .collect();
    bin.add_many(&elements).unwrap();
    gst::Element::link_many(&elements).unwrap();
    let end = Recorder::new();
    elements
        .last()
        .unwrap()
        .static_pad("src")
        .unwrap()
        .link(&end.pad)
        .unwrap();
    bin.set_state(gst::State::Playing).unwrap();
    let first = elements[0].static_pad("sink").unwrap();
    let pad = rig.tap(keeping_all());
    pad.link_full(&first, gst::PadLinkCheck::empty()).unwrap();
    let info = video(gst_video::VideoFormat::I420);
    rig.send(gst::event::StreamStart::new("video"));
    rig.send(gst::event::Caps::new(&info.to_caps().unwrap()));
    rig.send(crate::rig::segment());
    let mut frame = gst::Buffer::with_size(info.size()).unwrap();
    frame.get_mut().unwrap().set_pts(gst::ClockTime::ZERO);
    assert_eq!(rig.source.push(frame), Ok(gst::FlowSuccess::Ok));
    (rig, bin.upcast(), end)
}

#[test]
fn a_branch_that_needs_another_format_is_reported_and_a_converter_fixes_it() {
    let (rig, bin, _end) = wants_rgb(&[]);
    assert_eq!(
        rig.detached().get::<String>("result").unwrap(),
        "not-negotiated"
    );
    assert_eq!(rig.main.buffers().len(), 1);
    bin.set_state(gst::State::Null).unwrap();

    let (rig, bin, end) = wants_rgb(&["videoconvert"]);
    end.wait_for_buffer(gst::ClockTime::ZERO);
    assert_eq!(
        end.buffers()[0].size(),
        video(gst_video::VideoFormat::Rgb).size()
    );
    assert_eq!(rig.main.buffers().len(), 1);
    bin.set_state(gst::State::Null).unwrap();
}
