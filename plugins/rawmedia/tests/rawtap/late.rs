//! A tap gets the events that belong to its buffers, in order and only once.

use gst::EventType;
use gst::prelude::*;

use crate::rig::{Recorder, Rig, TapSettings, all_settings, caps, keeping_all, segment};

fn tag(title: &str) -> gst::Event {
    let mut tags = gst::TagList::new();
    tags.get_mut()
        .unwrap()
        .add::<gst::tags::Title>(&title, gst::TagMergeMode::Append);
    gst::event::Tag::new(tags)
}

#[test]
fn a_late_tap_gets_sticky_events_once_and_before_its_first_buffer() {
    for settings in all_settings() {
        let mut rig = Rig::started();
        rig.send(tag("old"));
        rig.send(tag("new"));
        rig.send(gst::event::CustomDownstreamSticky::new(
            gst::Structure::new_empty("a"),
        ));
        rig.send(gst::event::CustomDownstreamSticky::new(
            gst::Structure::new_empty("b"),
        ));
        rig.push(0);
        let end = Recorder::new();
        let pad = rig.tap(settings);
        rig.push(1000);
        pad.link(&end.pad).unwrap();
        rig.drain(&end);
        rig.push(2000);
        end.wait_for_buffer(gst::ClockTime::from_seconds(2));
        let mut types = end.event_types();
        types.retain(|type_| *type_ != EventType::CustomDownstream);
        assert_eq!(
            types,
            [
                EventType::StreamStart,
                EventType::Caps,
                EventType::Segment,
                EventType::Tag,
                EventType::CustomDownstreamSticky,
                EventType::CustomDownstreamSticky
            ]
        );
        rig.assert_main_is_undisturbed();
    }
}

#[test]
fn a_tap_requested_after_eos_gets_eos() {
    let mut rig = Rig::started();
    rig.push(0);
    rig.send(gst::event::Eos::new());
    let end = Recorder::new();
    let _pad = rig.tap_into(TapSettings::default(), &end.pad);
    end.wait_for_event(EventType::Eos);
    assert_eq!(
        end.event_types(),
        [
            EventType::StreamStart,
            EventType::Caps,
            EventType::Segment,
            EventType::Eos
        ]
    );
}

#[test]
fn a_branch_linked_after_eos_gets_eos() {
    let mut rig = Rig::started();
    let pad = rig.tap(TapSettings::default());
    let (went_out, end_went_out) = std::sync::mpsc::channel();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if info
            .event()
            .is_some_and(|event| event.type_() == EventType::Eos)
        {
            went_out.send(()).unwrap();
        }
        gst::PadProbeReturn::Ok
    });
    rig.push(0);
    rig.send(gst::event::Eos::new());
    // The pad is not linked yet.
    end_went_out.recv_timeout(crate::rig::LONG).unwrap();
    let end = Recorder::new();
    pad.link(&end.pad).unwrap();
    end.wait_for_event(EventType::Eos);
}

#[test]
fn a_new_stream_after_eos_reaches_every_tap() {
    for settings in all_settings() {
        let mut rig = Rig::started();
        let end = Recorder::new();
        let _early = rig.tap_into(settings, &end.pad);
        rig.send(gst::event::Eos::new());
        let late_end = Recorder::new();
        let _late = rig.tap_into(settings, &late_end.pad);
        rig.send(gst::event::StreamStart::new("second"));
        rig.send(gst::event::Caps::new(&caps("second")));
        rig.send(segment());
        rig.push(5000);
        for end in [end, late_end] {
            end.wait_for_buffer(gst::ClockTime::from_seconds(5));
        }
        rig.assert_main_is_undisturbed();
    }
}

#[test]
fn every_buffer_arrives_with_its_own_caps_and_segment_whatever_was_dropped() {
    for settings in all_settings() {
        let mut rig = Rig::started();
        let end = rig.gate.recorder();
        let _pad = rig.tap_into(settings, &end.pad);
        for n in 0..30 {
            rig.send(gst::event::Caps::new(&caps(&format!("{}", n * 1000))));
            rig.send(segment());
            rig.push(n * 1000);
            if n == 0 {
                rig.gate.wait_until_somebody_is_stuck();
            }
        }
        rig.gate.open();
        rig.send(gst::event::Eos::new());
        end.wait_for_event(EventType::Eos);
        let mut name = String::new();
        let mut buffers = 0;
        for seen in end.seen() {
            match seen {
                crate::rig::Seen::Event(event) => {
                    if let gst::EventView::Caps(caps) = event.view() {
                        name = caps.caps().structure(0).unwrap().get("id").unwrap();
                    }
                }
                crate::rig::Seen::Buffer(buffer) => {
                    buffers += 1;
                    assert_eq!(buffer.pts().unwrap().mseconds().to_string(), name);
                }
                crate::rig::Seen::List(_) => unreachable!("taps get single buffers"),
            }
        }
        assert!(buffers > 1);
    }
}

#[test]
fn serialized_events_keep_their_place_among_the_buffers() {
    let mut rig = Rig::started();
    let end = Recorder::new();
    let _pad = rig.tap_into(keeping_all(), &end.pad);
    for n in 0..3 {
        rig.push(n);
        let name = gst::Structure::new_empty(format!("after-{n}"));
        rig.send(gst::event::CustomDownstream::new(name));
        rig.drain(&end);
    }
    let places: Vec<_> = end
        .seen()
        .into_iter()
        .filter_map(|seen| match seen {
            crate::rig::Seen::Buffer(buffer) => Some(buffer.pts()?.mseconds().to_string()),
            crate::rig::Seen::Event(event) if event.type_() == EventType::CustomDownstream => {
                Some(event.structure()?.name().to_string())
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        places,
        [
            "0", "after-0", "mark", "1", "after-1", "mark", "2", "after-2", "mark"
        ]
    );
}

#[test]
fn the_events_that_a_frozen_tap_holds_are_bounded() {
    let mut rig = Rig::started();
    let end = rig.gate.recorder();
    let _pad = rig.tap_into(TapSettings::default(), &end.pad);
    rig.push(0);
    rig.gate.wait_until_somebody_is_stuck();
    for n in 0..10_000 {
        rig.send(tag(&n.to_string()));
        rig.send(gst::event::Gap::builder(gst::ClockTime::from_mseconds(n)).build());
    }
    rig.send(tag("last"));
    rig.push(1);
    rig.gate.open();
    end.wait_for_buffer(gst::ClockTime::from_mseconds(1));
    let count = |type_| {
        end.event_types()
            .iter()
            .filter(|seen| **seen == type_)
            .count()
    };
    assert_eq!(count(EventType::Gap), 64);
    // One before each remaining gap, and the last one.
    assert!(count(EventType::Tag) <= 66, "{}", count(EventType::Tag));
}

#[test]
fn a_tap_requested_after_a_flush_does_not_get_the_eos_or_segment_before_it() {
    let mut rig = Rig::started();
    rig.send(gst::event::Eos::new());
    rig.send(gst::event::FlushStart::new());
    rig.send(gst::event::FlushStop::new(true));
    let end = Recorder::new();
    let _pad = rig.tap_into(TapSettings::default(), &end.pad);
    rig.send(segment());
    rig.push(1);
    end.wait_for_buffer(gst::ClockTime::from_mseconds(1));
    assert_eq!(
        end.event_types(),
        [EventType::StreamStart, EventType::Caps, EventType::Segment]
    );
    rig.assert_main_is_undisturbed();
}
