//! The times at which buffers leave `src`, on a test clock, and the rates of taps.

use gst::prelude::*;

use crate::rig::{
    LONG, Recorder, Rig, TapSettings, all_settings, buffer, init, keeping_all, segment, stat,
    template,
};

const FRAME: gst::ClockTime = gst::ClockTime::from_mseconds(40);

/// Returns the clock times at which a sink behind `src` renders ten frames.
fn times(tap: Option<TapSettings>) -> Vec<gst::ClockTime> {
    init();
    let pipeline = gst::Pipeline::new();
    let clock = gst_check::TestClock::new();
    pipeline.use_clock(Some(&clock));
    let element = gst::ElementFactory::make("rawtap").build().unwrap();
    let sink = gst::ElementFactory::make("fakesink")
        .property("sync", true)
        .property("async", false)
        .property("signal-handoffs", true)
        .build()
        .unwrap();
    let (shown, times) = std::sync::mpsc::channel();
    let at = clock.clone();
    sink.connect("handoff", false, move |_| {
        shown.send(at.time()).unwrap();
        None
    });
    pipeline.add_many([&element, &sink]).unwrap();
    element.link_pads(Some("src"), &sink, None).unwrap();
    let gate = crate::rig::Gate::default();
    let end = gate.recorder();
    if let Some(settings) = tap {
        let pad = element.request_pad_simple("tap_%u").unwrap();
        pad.set_property("policy", settings.policy);
        pad.set_property("max-rate", settings.max_rate);
        pad.link_full(&end.pad, gst::PadLinkCheck::empty()).unwrap();
    }
    let source = gst::Pad::builder_from_template(&template(gst::PadDirection::Src)).build();
    source
        .link_full(
            &element.static_pad("sink").unwrap(),
            gst::PadLinkCheck::empty(),
        )
        .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    source.set_active(true).unwrap();
    let pusher = std::thread::spawn(move || {
        assert!(source.push_event(gst::event::StreamStart::new("test")));
        assert!(source.push_event(segment()));
        for n in 1..=10 {
            assert_eq!(
                source.push(buffer(n * FRAME.mseconds())),
                Ok(gst::FlowSuccess::Ok)
            );
        }
    });
    let seen = (0..10)
        .map(|_| {
            clock.wait_for_next_pending_id();
            assert!(clock.crank());
            times.recv_timeout(LONG).unwrap()
        })
        .collect();
    pusher.join().unwrap();
    gate.open();
    pipeline.set_state(gst::State::Null).unwrap();
    seen
}

#[test]
fn a_sink_behind_src_shows_every_frame_at_the_same_time_with_a_frozen_tap() {
    let undisturbed = times(None);
    assert_eq!(undisturbed, (1..=10).map(|n| FRAME * n).collect::<Vec<_>>());
    for settings in all_settings() {
        assert_eq!(times(Some(settings)), undisturbed, "{settings:?}");
    }
}

#[test]
fn a_tap_does_not_wait_for_a_main_branch_that_waits() {
    let gate = crate::rig::Gate::default();
    let rig = Rig::with_main(gate.recorder());
    let end = Recorder::new();
    let _pad = rig.tap_into(TapSettings::default(), &end.pad);
    let source = rig.source.clone();
    let pusher = std::thread::spawn(move || {
        assert!(source.push_event(gst::event::StreamStart::new("test")));
        assert!(source.push_event(segment()));
        source.push(buffer(1))
    });
    gate.wait_until_somebody_is_stuck();
    end.wait_for_buffer(gst::ClockTime::from_mseconds(1));
    gate.open();
    assert_eq!(pusher.join().unwrap(), Ok(gst::FlowSuccess::Ok));
}

#[test]
fn max_rate_is_by_running_time_and_not_by_the_clock() {
    let mut rig = Rig::new();
    rig.send(gst::event::StreamStart::new("test"));
    let mut doubled = gst::FormattedSegment::<gst::ClockTime>::new();
    doubled.set_rate(2.0);
    rig.send(gst::event::Segment::new(&doubled));
    let end = Recorder::new();
    let pad = rig.tap_into(
        TapSettings {
            max_rate: 1.0,
            ..keeping_all()
        },
        &end.pad,
    );
    for n in 0..100 {
        rig.push(n * 100);
        rig.drain(&end);
    }
    let times: Vec<_> = end
        .buffers()
        .iter()
        .map(|buffer| buffer.pts().unwrap().mseconds())
        .collect();
    // At double speed one second of running time is two seconds of the stream.
    assert_eq!(times, [0, 2000, 4000, 6000, 8000]);
    assert_eq!(stat(&pad, "dropped"), 95);
    rig.assert_main_is_undisturbed();
}

#[test]
fn max_rate_passes_everything_without_timestamps_and_a_clock() {
    let rig = Rig::started();
    let end = Recorder::new();
    let pad = rig.tap_into(
        TapSettings {
            max_rate: 1.0,
            ..keeping_all()
        },
        &end.pad,
    );
    for _ in 0..5 {
        let untimed = gst::Buffer::from_slice([0; 4]);
        assert_eq!(rig.source.push(untimed), Ok(gst::FlowSuccess::Ok));
        end.wait_for("one more buffer", |_| true);
    }
    assert_eq!(stat(&pad, "in"), 5);
}
