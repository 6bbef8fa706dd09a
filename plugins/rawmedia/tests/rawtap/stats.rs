//! in = out + dropped + queued, at every moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gst::prelude::*;

use crate::rig::{Recorder, Rig, all_settings, keeping_all, stat, stats};

fn assert_adds_up(stats: &gst::Structure) {
    let get = |name: &str| stats.get::<u64>(name).unwrap();
    assert_eq!(
        get("in"),
        get("out") + get("dropped") + get("queued"),
        "{stats}"
    );
}

#[test]
fn the_sum_is_right_at_every_moment_while_running() {
    let results = [
        Ok(gst::FlowSuccess::Ok),
        Err(gst::FlowError::NotLinked),
        Err(gst::FlowError::Error),
    ];
    for result in results {
        for settings in all_settings() {
            let mut rig = Rig::started();
            let end = Recorder::answering(move || result);
            let pad = rig.tap_into(settings, &end.pad);
            let is_over = Arc::new(AtomicBool::new(false));
            let looker = std::thread::spawn({
                let (pad, is_over) = (pad.clone(), is_over.clone());
                move || {
                    let mut looks = 0;
                    while !is_over.load(Ordering::SeqCst) || looks == 0 {
                        assert_adds_up(&stats(&pad));
                        looks += 1;
                    }
                }
            });
            for _ in 0..5 {
                rig.play(|_, _| {});
            }
            is_over.store(true, Ordering::SeqCst);
            looker.join().unwrap();
            // 4 rounds of 10 buffers and a list of 2.
            assert_eq!(stat(&pad, "in"), 5 * 4 * 12);
        }
    }
}

#[test]
fn a_buffer_in_a_stuck_branch_counts_as_queued() {
    for settings in all_settings() {
        let mut rig = Rig::started();
        let pad = rig.tap_into(settings, &rig.gate.recorder().pad);
        rig.push(0);
        rig.gate.wait_until_somebody_is_stuck();
        for n in 1..20 {
            rig.push(n * 1000);
            assert_adds_up(&stats(&pad));
        }
        assert_eq!(stat(&pad, "out"), 0);
        let capacity = match settings.policy {
            gstrawmedia::rawtap::RawTapPolicy::Latest => 1,
            _ => 3,
        };
        assert_eq!(stat(&pad, "queued"), capacity + 1);
        rig.assert_main_is_undisturbed();
    }
}

#[test]
fn queued_buffers_count_as_dropped_when_the_tap_is_released() {
    let mut rig = Rig::started();
    let pad = rig.tap_into(keeping_all(), &rig.gate.recorder().pad);
    rig.push(0);
    rig.gate.wait_until_somebody_is_stuck();
    rig.push(1);
    rig.push(2);
    rig.element.release_request_pad(&pad);
    assert_adds_up(&stats(&pad));
    assert_eq!(stat(&pad, "dropped"), 2);
}

#[test]
fn last_running_time_is_that_of_the_last_pushed_buffer() {
    let mut rig = Rig::new();
    rig.send(gst::event::StreamStart::new("test"));
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_start(gst::ClockTime::from_mseconds(100));
    segment.set_base(gst::ClockTime::from_mseconds(1000));
    rig.send(gst::event::Segment::new(&segment));
    let end = Recorder::new();
    let pad = rig.tap_into(keeping_all(), &end.pad);
    rig.push(140);
    end.wait_for_buffer(gst::ClockTime::from_mseconds(140));
    // The push has returned once the next event has arrived.
    rig.send(gst::event::Eos::new());
    end.wait_for_event(gst::EventType::Eos);
    assert_eq!(
        stats(&pad)
            .get::<gst::ClockTime>("last-running-time")
            .unwrap(),
        gst::ClockTime::from_mseconds(1040)
    );
}
