//! Whatever a branch does, `src` pushes the same objects in the same order with the same results.

use std::sync::Mutex;

use gst::prelude::*;
use gstrawmedia::rawtap::RawTapPolicy;

use crate::complaints::Complaints;
use crate::rig::{Gate, Recorder, Rig, TapSettings, all_settings, stat};

/// Plays a stream with a branch, for every policy and with and without `max-rate`, and asserts that
/// `src` is undisturbed.
fn undisturbed_by(branch: impl Fn(&Rig) -> Option<gst::Pad>) {
    for settings in all_settings() {
        let mut rig = Rig::started();
        for _ in 0..2 {
            match branch(&rig) {
                Some(branch) => rig.tap_into(settings, &branch),
                None => rig.tap(settings),
            };
        }
        rig.play(|_, _| {});
        rig.send(gst::event::Eos::new());
        rig.assert_main_is_undisturbed();
    }
}

#[test]
fn a_branch_that_accepts_everything_does_not_disturb() {
    undisturbed_by(|_| Some(Recorder::new().pad));
}

#[test]
fn a_branch_that_blocks_for_ever_does_not_disturb() {
    undisturbed_by(|rig| Some(rig.gate.recorder().pad));
}

#[test]
fn a_branch_that_blocks_for_ever_in_an_event_does_not_disturb() {
    undisturbed_by(|rig| {
        let gate = rig.gate.clone();
        let pad = gst::Pad::builder_from_template(&crate::rig::template(gst::PadDirection::Sink))
            .chain_function(|_, _, _| Ok(gst::FlowSuccess::Ok))
            .event_function(move |_, _, _| {
                gate.pass();
                true
            })
            .build();
        pad.set_active(true).unwrap();
        Some(pad)
    });
}

#[test]
fn no_flow_return_of_a_branch_disturbs() {
    for result in [
        gst::FlowError::Error,
        gst::FlowError::NotNegotiated,
        gst::FlowError::NotSupported,
        gst::FlowError::Eos,
        gst::FlowError::Flushing,
        gst::FlowError::NotLinked,
        gst::FlowError::CustomError,
    ] {
        undisturbed_by(|_| Some(Recorder::answering(move || Err(result)).pad));
    }
}

#[test]
fn a_tap_that_is_not_linked_does_not_disturb() {
    undisturbed_by(|_| None);
}

#[test]
fn a_branch_that_is_not_active_does_not_disturb() {
    undisturbed_by(|_| {
        let recorder = Recorder::new();
        recorder.pad.set_active(false).unwrap();
        Some(recorder.pad)
    });
}

#[test]
fn a_branch_that_refuses_every_query_does_not_disturb() {
    undisturbed_by(|_| {
        Some(Recorder::with_query(|| Ok(gst::FlowSuccess::Ok), |_, _, _| false).pad)
    });
}

#[test]
fn a_sink_that_never_prerolls_does_not_disturb() {
    for settings in all_settings() {
        let mut rig = Rig::started();
        let sink = gst::ElementFactory::make("fakesink").build().unwrap();
        let pad = rig.tap_into(settings, &sink.static_pad("sink").unwrap());
        // It holds its first buffer in PAUSED.
        assert!(sink.set_state(gst::State::Paused).is_ok());
        rig.play(|_, _| {});
        rig.assert_main_is_undisturbed();
        sink.set_state(gst::State::Null).unwrap();
        drop(pad);
    }
}

#[test]
fn a_branch_with_a_second_of_latency_does_not_disturb() {
    for settings in all_settings() {
        let mut rig = Rig::started();
        let queue = gst::ElementFactory::make("queue")
            .property("min-threshold-time", gst::ClockTime::SECOND)
            .property("max-size-time", 2 * gst::ClockTime::SECOND)
            .build()
            .unwrap();
        let end = Recorder::new();
        queue.static_pad("src").unwrap().link(&end.pad).unwrap();
        queue.set_state(gst::State::Playing).unwrap();
        let pad = rig.tap_into(settings, &queue.static_pad("sink").unwrap());
        rig.play(|_, _| {});
        rig.send(gst::event::Eos::new());
        rig.assert_main_is_undisturbed();
        // It holds its buffers until EOS.
        end.wait_for_event(gst::EventType::Eos);
        assert!(!end.buffers().is_empty());
        queue.set_state(gst::State::Null).unwrap();
        drop(pad);
    }
}

#[test]
fn a_branch_that_goes_to_ready_and_null_and_back_does_not_disturb_and_continues() {
    let complaints = Complaints::of_gstreamer();
    for settings in all_settings() {
        let mut rig = Rig::started();
        let queue = gst::ElementFactory::make("queue").build().unwrap();
        let end = Recorder::new();
        queue.static_pad("src").unwrap().link(&end.pad).unwrap();
        queue.set_state(gst::State::Playing).unwrap();
        let pad = rig.tap_into(settings, &queue.static_pad("sink").unwrap());
        rig.play(|_, n| {
            let state = match n % 8 {
                1 => gst::State::Ready,
                3 | 7 => gst::State::Playing,
                5 => gst::State::Null,
                _ => return,
            };
            queue.set_state(state).unwrap();
        });
        queue.set_state(gst::State::Playing).unwrap();
        // Buffers pass again, whatever happened before.
        rig.drain(&end);
        rig.push(60_000);
        end.wait_for_buffer(gst::ClockTime::from_seconds(60));
        rig.assert_main_is_undisturbed();
        queue.set_state(gst::State::Null).unwrap();
        drop(pad);
    }
    // A pad that is deactivated and activated while its peer pushes has lost its sticky events:
    // gst_pad_push() checks for missing events once, and then pushes. GStreamer warns about that
    // behind any pad, and the next push sends all events.
    complaints.assert_all(|text| {
        text.contains("Sticky event misordering") || text.contains("Got data flow before")
    });
}

#[test]
fn a_branch_that_is_flushed_does_not_disturb_and_continues() {
    for settings in all_settings() {
        let mut rig = Rig::started();
        let end = Recorder::new();
        let pad = rig.tap_into(settings, &end.pad);
        // So that there is data to flush.
        rig.drain(&end);
        rig.play(|_, n| {
            match n % 4 {
                1 => end.pad.send_event(gst::event::FlushStart::new()),
                3 => {
                    // Code that flushes only a branch must send it the lost segment before other
                    // data.
                    let _stream = end.pad.stream_lock();
                    end.pad.send_event(gst::event::FlushStop::new(false))
                        && end.pad.send_event(crate::rig::segment())
                }
                _ => true,
            };
        });
        rig.drain(&end);
        rig.push(60_000);
        end.wait_for_buffer(gst::ClockTime::from_seconds(60));
        rig.assert_main_is_undisturbed();
        drop(pad);
    }
}

#[test]
fn the_flow_return_is_that_of_src_whatever_the_taps_return() {
    let results = [
        Ok(gst::FlowSuccess::Ok),
        Err(gst::FlowError::NotLinked),
        Err(gst::FlowError::Flushing),
        Err(gst::FlowError::Error),
        Err(gst::FlowError::NotNegotiated),
        Err(gst::FlowError::CustomError1),
        Err(gst::FlowError::Eos),
    ];
    for tap_result in results {
        for settings in all_settings() {
            let left = Mutex::new(results.iter().rev().copied().collect::<Vec<_>>());
            let main = Recorder::answering(move || left.lock().unwrap().pop().unwrap());
            let mut rig = Rig::with_main(main);
            rig.start();
            let end = Recorder::answering(move || tap_result);
            let _pad = rig.tap_into(settings, &end.pad);
            for (n, expected) in results.into_iter().enumerate() {
                let result = rig.source.push(crate::rig::buffer(n as u64 * 200));
                assert_eq!(result, expected, "with {tap_result:?} on the tap");
            }
        }
    }
}

#[test]
fn if_src_is_not_linked_the_flow_return_is_not_linked_and_taps_get_everything() {
    let rig = Rig::started();
    let end = Recorder::new();
    let _pad = rig.tap_into(TapSettings::default(), &end.pad);
    rig.element
        .static_pad("src")
        .unwrap()
        .unlink(&rig.main.pad)
        .unwrap();
    let result = rig.source.push(crate::rig::buffer(7));
    assert_eq!(result, Err(gst::FlowError::NotLinked));
    end.wait_for_buffer(gst::ClockTime::from_mseconds(7));
    // Without a peer, `src` does not handle EOS.
    assert!(!rig.source.push_event(gst::event::Eos::new()));
    end.wait_for_event(gst::EventType::Eos);
}

#[test]
fn properties_that_change_while_data_flows_do_not_disturb() {
    let mut rig = Rig::started();
    let pad = rig.tap_into(TapSettings::default(), &rig.gate.recorder().pad);
    rig.play(|_, n| {
        let settings = all_settings()[n % 6];
        pad.set_property("policy", settings.policy);
        pad.set_property("max-rate", settings.max_rate);
        pad.set_property("max-buffers", 1 + n as u32 % 5);
    });
    rig.assert_main_is_undisturbed();
}

#[test]
fn a_tap_gets_the_same_memory_and_the_buffers_of_a_list_one_by_one() {
    let mut rig = Rig::started();
    let end = Recorder::new();
    let pad = rig.tap_into(
        TapSettings {
            policy: RawTapPolicy::DropNewest,
            max_rate: 0.0,
        },
        &end.pad,
    );
    let buffer = rig.push(1);
    end.wait_for_buffer(gst::ClockTime::from_mseconds(1));
    assert_eq!(end.buffers()[0].as_ptr(), buffer.as_ptr());
    rig.push_list(&[2, 3]);
    end.wait_for_buffer(gst::ClockTime::from_mseconds(3));
    assert_eq!(end.buffers().len(), 3);
    rig.assert_main_is_undisturbed();
    assert_eq!(stat(&pad, "in"), 3);
}

#[test]
fn latest_gives_the_newest_to_a_branch_that_was_busy() {
    let mut rig = Rig::started();
    let gate = Gate::default();
    let end = gate.recorder();
    let _pad = rig.tap_into(TapSettings::default(), &end.pad);
    rig.push(0);
    gate.wait_until_somebody_is_stuck();
    for n in 1..=9 {
        rig.push(n);
    }
    gate.open();
    end.wait_for_buffer(gst::ClockTime::from_mseconds(9));
    let times: Vec<_> = end
        .buffers()
        .iter()
        .map(|buffer| buffer.pts().unwrap().mseconds())
        .collect();
    assert_eq!(times, [0, 9]);
}
