//! Flushes from upstream: `src` gets them at once, a stuck branch as soon as it can.

use gst::EventType;
use gst::prelude::*;

use crate::rig::{Recorder, Rig, TapSettings, all_settings, segment, stat};

fn flush(rig: &mut Rig) {
    rig.send(gst::event::FlushStart::new());
    rig.send(gst::event::FlushStop::new(true));
    rig.send(segment());
}

#[test]
fn buffers_after_a_flush_follow_it_on_a_tap_too() {
    for settings in all_settings() {
        let mut rig = Rig::started();
        let end = Recorder::new();
        let _pad = rig.tap_into(settings, &end.pad);
        for n in 0..50 {
            rig.push(n);
            flush(&mut rig);
        }
        rig.push(70_000);
        end.wait_for_buffer(gst::ClockTime::from_seconds(70));
        let mut is_flushing = false;
        let mut has_segment = false;
        for seen in end.seen() {
            match seen.event_type() {
                Some(EventType::FlushStart) => is_flushing = true,
                Some(EventType::FlushStop) => (is_flushing, has_segment) = (false, false),
                Some(EventType::Segment) => has_segment = true,
                Some(_) => {}
                None => assert!(!is_flushing && has_segment, "{:?}", end.seen()),
            }
        }
        rig.assert_main_is_undisturbed();
    }
}

#[test]
fn a_stuck_branch_does_not_hold_up_flushes_of_the_main_flow() {
    for settings in all_settings() {
        let mut rig = Rig::started();
        let end = rig.gate.recorder();
        let pad = rig.tap_into(settings, &end.pad);
        rig.push(0);
        rig.gate.wait_until_somebody_is_stuck();
        for n in 0..20 {
            flush(&mut rig);
            rig.push(n);
        }
        rig.push(70_000);
        rig.assert_main_is_undisturbed();
        assert!(stat(&pad, "queued") >= 1);
        // It continues when it is no longer stuck.
        rig.gate.open();
        end.wait_for_buffer(gst::ClockTime::from_seconds(70));
        // Flushes that had not begun are merged with the last one.
        let stops = end
            .event_types()
            .into_iter()
            .filter(|type_| *type_ == EventType::FlushStop);
        assert!(stops.count() <= 2);
    }
}

#[test]
fn a_branch_stuck_in_an_event_does_not_hold_up_flushes_of_the_main_flow() {
    let mut rig = Rig::new();
    let gate = rig.gate.clone();
    let pad = gst::Pad::builder_from_template(&crate::rig::template(gst::PadDirection::Sink))
        .event_function(move |_, _, _| {
            gate.pass();
            true
        })
        // At the end of the test the branch is released.
        .chain_function(|_, _, _| Ok(gst::FlowSuccess::Ok))
        .build();
    pad.set_active(true).unwrap();
    let _tap = rig.tap_into(TapSettings::default(), &pad);
    rig.start();
    rig.gate.wait_until_somebody_is_stuck();
    for _ in 0..3 {
        flush(&mut rig);
        rig.push(0);
    }
    rig.assert_main_is_undisturbed();
}

#[test]
fn a_flush_unblocks_a_branch_that_waits_for_its_clock() {
    let mut rig = Rig::started();
    let sink = gst::ElementFactory::make("fakesink").build().unwrap();
    let _pad = rig.tap_into(TapSettings::default(), &sink.static_pad("sink").unwrap());
    let handed = std::sync::mpsc::channel();
    sink.set_property("signal-handoffs", true);
    sink.connect("preroll-handoff", false, move |values| {
        let buffer = values[1].get::<gst::Buffer>().unwrap();
        handed.0.send(buffer.pts()).unwrap();
        None
    });
    // It holds its first buffer in PAUSED until it is flushed.
    sink.set_state(gst::State::Paused).unwrap();
    rig.push(1);
    let prerolled = || handed.1.recv_timeout(crate::rig::LONG).unwrap();
    assert_eq!(prerolled(), Some(gst::ClockTime::from_mseconds(1)));
    flush(&mut rig);
    rig.push(2);
    assert_eq!(prerolled(), Some(gst::ClockTime::from_mseconds(2)));
    sink.set_state(gst::State::Null).unwrap();
}

#[test]
fn out_of_band_events_bypass_a_stuck_branch_and_are_bounded() {
    let mut rig = Rig::started();
    let end = rig.gate.recorder();
    let _pad = rig.tap_into(TapSettings::default(), &end.pad);
    rig.push(0);
    rig.gate.wait_until_somebody_is_stuck();
    let event =
        |name: String| gst::event::CustomDownstreamOob::new(gst::Structure::new_empty(name));
    rig.send(event("hello".into()));
    end.wait_for_event(EventType::CustomDownstreamOob);
    rig.assert_main_is_undisturbed();
}

#[test]
fn a_seek_through_src_succeeds_with_a_stuck_branch() {
    let mut rig = Rig::started();
    let end = rig.gate.recorder();
    let _pad = rig.tap_into(TapSettings::default(), &end.pad);
    rig.push(0);
    rig.gate.wait_until_somebody_is_stuck();
    rig.source
        .add_probe(gst::PadProbeType::EVENT_UPSTREAM, |source, _| {
            source.push_event(gst::event::FlushStart::new());
            source.push_event(gst::event::FlushStop::new(true));
            gst::PadProbeReturn::Handled
        });
    let seek = gst::event::Seek::new(
        1.0,
        gst::SeekFlags::FLUSH,
        gst::SeekType::Set,
        gst::ClockTime::ZERO,
        gst::SeekType::None,
        gst::ClockTime::NONE,
    );
    assert!(rig.main.pad.push_event(seek));
    assert!(rig.main.event_types().contains(&EventType::FlushStop));
    assert!(!end.event_types().contains(&EventType::FlushStop));
}

#[test]
fn a_buffer_in_transit_before_a_flush_does_not_arrive_after_it() {
    let mut rig = Rig::started();
    let end = Recorder::new();
    let pad = rig.tap_into(TapSettings::default(), &end.pad);
    // The tap's thread has dequeued the buffer, but the branch has not received it.
    let gate = rig.gate.clone();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        gate.pass();
        gst::PadProbeReturn::Ok
    });
    rig.push(0);
    rig.gate.wait_until_somebody_is_stuck();
    flush(&mut rig);
    end.wait_for_event(EventType::FlushStart);
    rig.gate.open();
    rig.push(70_000);
    end.wait_for_buffer(gst::ClockTime::from_seconds(70));
    assert_eq!(end.buffers().len(), 1);
    rig.assert_main_is_undisturbed();
}
