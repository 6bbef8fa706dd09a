//! Requesting and releasing taps, state changes and leaks.

use gst::prelude::*;

use crate::rig::{Gate, Recorder, Rig, TapSettings, all_settings, init, stat, stats};

#[test]
fn a_thousand_requests_and_releases_while_data_flows_neither_disturb_nor_leak() {
    let mut rig = Rig::started();
    let element = rig.element.clone();
    let (freed, all_freed) = std::sync::mpsc::channel();
    let requests = std::thread::spawn(move || {
        let end = Recorder::new();
        let all = all_settings();
        for n in 0..1000 {
            let pad = element.request_pad_simple("tap_%u").unwrap();
            pad.set_property("policy", all[n % all.len()].policy);
            pad.set_property("max-rate", all[n % all.len()].max_rate);
            let freed = freed.clone();
            pad.add_weak_ref_notify(move || freed.send(()).unwrap());
            if n % 3 != 0 {
                pad.link(&end.pad).unwrap();
            }
            if n % 2 == 0 {
                // Reading the stats varies the moment of the release.
                let _ = stats(&pad);
            }
            element.release_request_pad(&pad);
        }
    });
    let mut n = 0;
    while !requests.is_finished() {
        rig.push(n * 40);
        n += 1;
    }
    requests.join().unwrap();
    rig.assert_main_is_undisturbed();
    for _ in 0..1000 {
        all_freed
            .recv_timeout(crate::rig::LONG)
            .expect("a pad is leaked");
    }
    assert_eq!(rig.element.num_src_pads(), 1);
}

#[test]
fn a_stuck_tap_can_be_released_and_another_one_works() {
    for settings in all_settings() {
        let mut rig = Rig::started();
        let pad = rig.tap_into(settings, &rig.gate.recorder().pad);
        rig.push(0);
        rig.gate.wait_until_somebody_is_stuck();
        let (freed, is_freed) = std::sync::mpsc::channel();
        pad.add_weak_ref_notify(move || freed.send(()).unwrap());
        rig.element.release_request_pad(&pad);
        drop(pad);
        let end = Recorder::new();
        let _other = rig.tap_into(settings, &end.pad);
        rig.push(1000);
        end.wait_for_buffer(gst::ClockTime::SECOND);
        rig.assert_main_is_undisturbed();
        rig.gate.open();
        is_freed
            .recv_timeout(crate::rig::LONG)
            .expect("the pad is leaked");
    }
}

#[test]
fn a_tap_can_be_released_from_its_own_thread() {
    let mut rig = Rig::started();
    let element = rig.element.clone();
    let released = Gate::default();
    let branch = gst::Pad::builder_from_template(&crate::rig::template(gst::PadDirection::Sink))
        .chain_function({
            let released = released.clone();
            move |pad, _, _| {
                let tap = pad.peer().unwrap();
                element.release_request_pad(&tap);
                released.open();
                Ok(gst::FlowSuccess::Ok)
            }
        })
        .build();
    branch.set_active(true).unwrap();
    let pad = rig.tap_into(TapSettings::default(), &branch);
    let (freed, is_freed) = std::sync::mpsc::channel();
    pad.add_weak_ref_notify(move || freed.send(()).unwrap());
    drop(pad);
    rig.push(0);
    released.pass();
    is_freed
        .recv_timeout(crate::rig::LONG)
        .expect("the pad is leaked");
    rig.push(1);
    rig.assert_main_is_undisturbed();
}

#[test]
fn pads_have_the_names_they_were_asked_for_and_are_children() {
    let rig = Rig::started();
    let name = |wanted: &str| {
        rig.element
            .request_pad_simple(wanted)
            .map(|pad| pad.name().to_string())
    };
    assert_eq!(name("tap_%u").unwrap(), "tap_0");
    assert_eq!(name("tap_7").unwrap(), "tap_7");
    assert_eq!(name("tap_%u").unwrap(), "tap_8");
    let proxy = rig.element.dynamic_cast_ref::<gst::ChildProxy>().unwrap();
    assert_eq!(proxy.children_count(), 3);
    rig.element.set_property_from_str("name", "t");
    proxy.set_child_property("tap_7::max-rate", 2.5f64);
    let rate = proxy.child_property::<f64>("tap_7::max-rate");
    assert_eq!(rate, 2.5);
}

#[test]
fn the_last_reference_frees_the_element_and_its_taps() {
    init();
    let element = gst::ElementFactory::make("rawtap").build().unwrap();
    let pad = element.request_pad_simple("tap_%u").unwrap();
    element.set_state(gst::State::Playing).unwrap();
    element.set_state(gst::State::Null).unwrap();
    let (weak_element, weak_pad) = (element.downgrade(), pad.downgrade());
    drop(pad);
    drop(element);
    assert!(weak_element.upgrade().is_none());
    assert!(weak_pad.upgrade().is_none());
}

#[test]
fn a_tap_works_again_after_the_element_is_restarted() {
    for settings in all_settings() {
        let mut rig = Rig::started();
        let end = Recorder::new();
        let pad = rig.tap_into(settings, &end.pad);
        rig.push(0);
        end.wait_for_buffer(gst::ClockTime::ZERO);
        rig.element.set_state(gst::State::Ready).unwrap();
        rig.element.set_state(gst::State::Playing).unwrap();
        rig.source.set_active(false).unwrap();
        rig.source.set_active(true).unwrap();
        rig.start();
        rig.push(5000);
        end.wait_for_buffer(gst::ClockTime::from_seconds(5));
        assert_eq!(stat(&pad, "in"), 2);
    }
}

#[test]
fn a_launch_line_sets_the_properties_of_a_tap_that_it_requests_later() {
    init();
    let line = "videotestsrc num-buffers=90 ! rawtap name=t tap_0::max-rate=2 ! fakesink \
                t.tap_0 ! videoconvert ! jpegenc ! fakesink async=false";
    let pipeline = gst::parse::launch(line).unwrap();
    let pad = pipeline
        .downcast_ref::<gst::Bin>()
        .unwrap()
        .by_name("t")
        .unwrap()
        .static_pad("tap_0")
        .unwrap();
    assert_eq!(pad.property::<f64>("max-rate"), 2.0);
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    let timeout = gst::ClockTime::from_seconds(crate::rig::LONG.as_secs());
    let message = bus
        .timed_pop_filtered(timeout, &[gst::MessageType::Eos, gst::MessageType::Error])
        .unwrap();
    assert_eq!(message.type_(), gst::MessageType::Eos, "{message:?}");
    // Three seconds at two per second.
    assert_eq!(stat(&pad, "in"), 90);
    assert_eq!(stat(&pad, "out") + stat(&pad, "dropped"), 90);
    assert!(stat(&pad, "out") <= 6);
    pipeline.set_state(gst::State::Null).unwrap();
}
