//! Upstream events and queries of branches, and of the element.

use std::sync::{Arc, Mutex};

use gst::prelude::*;

use crate::rig::{Recorder, Rig, TapSettings, caps};

/// Records the types of the events that reach upstream.
fn listen(rig: &Rig) -> Arc<Mutex<Vec<gst::EventType>>> {
    let seen: Arc<Mutex<Vec<_>>> = Arc::default();
    let heard = seen.clone();
    rig.source
        .add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            heard.lock().unwrap().push(info.event().unwrap().type_());
            gst::PadProbeReturn::Ok
        });
    seen
}

fn upstream_events() -> Vec<gst::Event> {
    let none = gst::ClockTime::NONE;
    vec![
        gst::event::Qos::new(gst::QOSType::Underflow, 2.0, 5, none),
        gst::event::Seek::new(
            1.0,
            gst::SeekFlags::FLUSH,
            gst::SeekType::Set,
            gst::ClockTime::ZERO,
            gst::SeekType::None,
            none,
        ),
        gst::event::Reconfigure::new(),
        gst::event::Latency::new(gst::ClockTime::SECOND),
        gst::event::Navigation::new(gst::Structure::new_empty("application/x-gst-navigation")),
        gst::event::CustomUpstream::new(gst::Structure::new_empty("custom")),
    ]
}

#[test]
fn upstream_events_end_at_a_tap_and_count_as_handled() {
    let mut rig = Rig::started();
    let end = Recorder::new();
    let _pad = rig.tap_into(TapSettings::default(), &end.pad);
    let heard = listen(&rig);
    for event in upstream_events() {
        assert!(end.pad.push_event(event));
    }
    assert!(heard.lock().unwrap().is_empty());
    rig.push(0);
    rig.assert_main_is_undisturbed();
}

#[test]
fn upstream_events_of_src_go_upstream() {
    let rig = Rig::started();
    let heard = listen(&rig);
    for event in upstream_events() {
        rig.main.pad.push_event(event);
    }
    assert_eq!(heard.lock().unwrap().len(), upstream_events().len());
}

#[test]
fn an_event_sent_to_the_element_goes_through_it_and_not_to_one_tap() {
    let mut rig = Rig::started();
    let end = Recorder::new();
    let _pad = rig.tap_into(TapSettings::default(), &end.pad);
    rig.push(0);
    assert!(rig.element.send_event(gst::event::Eos::new()));
    end.wait_for_event(gst::EventType::Eos);
    assert!(rig.main.event_types().contains(&gst::EventType::Eos));
}

#[test]
fn latency_is_answered_as_not_live_on_a_tap_and_by_upstream_on_src() {
    let rig = Rig::started();
    let end = Recorder::new();
    let _pad = rig.tap_into(TapSettings::default(), &end.pad);
    rig.source
        .add_probe(gst::PadProbeType::QUERY_UPSTREAM, |_, info| {
            if let Some(query) = info.query_mut()
                && let gst::QueryViewMut::Latency(latency) = query.view_mut()
            {
                latency.set(true, gst::ClockTime::SECOND, gst::ClockTime::SECOND);
                return gst::PadProbeReturn::Handled;
            }
            gst::PadProbeReturn::Ok
        });
    let mut query = gst::query::Latency::new();
    assert!(end.pad.peer_query(&mut query));
    assert_eq!(query.result(), (false, gst::ClockTime::ZERO, None));
    let mut query = gst::query::Latency::new();
    assert!(rig.main.pad.peer_query(&mut query));
    assert_eq!(
        query.result(),
        (true, gst::ClockTime::SECOND, Some(gst::ClockTime::SECOND))
    );
    let mut query = gst::query::Latency::new();
    assert!(rig.element.query(&mut query));
    assert!(query.result().0);
}

#[test]
fn a_tap_offers_the_current_caps_and_before_that_those_of_upstream() {
    let mut rig = Rig::new();
    let end = Recorder::new();
    let pad = rig.tap_into(TapSettings::default(), &end.pad);
    rig.source
        .add_probe(gst::PadProbeType::QUERY_UPSTREAM, |_, info| {
            if let Some(query) = info.query_mut()
                && let gst::QueryViewMut::Caps(query) = query.view_mut()
            {
                query.set_result(&caps("possible"));
                return gst::PadProbeReturn::Handled;
            }
            gst::PadProbeReturn::Ok
        });
    assert_eq!(pad.query_caps(None), caps("possible"));
    rig.start();
    end.wait_for_event(gst::EventType::Caps);
    assert_eq!(pad.query_caps(None), caps("one"));
    assert!(pad.query_caps(Some(&caps("other"))).is_empty());
}

#[test]
fn queries_from_upstream_never_reach_a_branch() {
    let mut rig = Rig::started();
    let asked: Arc<Mutex<Vec<gst::QueryType>>> = Arc::default();
    let answers = asked.clone();
    let end = Recorder::with_query(
        || Ok(gst::FlowSuccess::Ok),
        move |pad, parent, query| {
            answers.lock().unwrap().push(query.type_());
            gst::Pad::query_default(pad, parent, query)
        },
    );
    let _pad = rig.tap_into(TapSettings::default(), &end.pad);
    // Ignores the queries that linking and the caps caused. A tap that sent its caps before it was
    // linked sends them again with the next data.
    rig.drain(&end);
    asked.lock().unwrap().clear();
    assert_eq!(rig.source.peer_query_caps(None), gst::Caps::new_any());
    assert!(rig.source.peer_query_accept_caps(&caps("any")));
    rig.source.peer_query(&mut gst::query::Drain::new());
    let video = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 320, 240)
        .build()
        .unwrap();
    let caps = video.to_caps().unwrap();
    rig.source
        .peer_query(&mut gst::query::Allocation::new(Some(&caps), true));
    assert_eq!(*asked.lock().unwrap(), []);
}

#[test]
fn sink_and_src_are_internally_linked_and_taps_are_not() {
    let rig = Rig::started();
    let pad = rig.tap(TapSettings::default());
    let sink = rig.element.static_pad("sink").unwrap();
    let src = rig.element.static_pad("src").unwrap();
    let links = |pad: &gst::Pad| {
        pad.iterate_internal_links()
            .into_iter()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
    };
    assert_eq!(links(&sink), std::slice::from_ref(&src));
    assert_eq!(links(&src), [sink]);
    assert!(links(pad.upcast_ref()).is_empty());
}

#[test]
fn a_seek_on_a_pipeline_works_with_sinks_on_taps() {
    crate::rig::init();
    let line = "videotestsrc num-buffers=500 ! video/x-raw,framerate=25/1 ! rawtap name=t \
        ! fakesink t.tap_0 ! fakesink async=false sync=false t.tap_1 ! fakesink";
    let pipeline = gst::parse::launch(line).unwrap();
    let wait = || {
        let timeout = gst::ClockTime::from_seconds(crate::rig::LONG.as_secs());
        let (result, state, _) = pipeline.state(timeout);
        assert_eq!(
            (result, state),
            (Ok(gst::StateChangeSuccess::Success), gst::State::Paused)
        );
    };
    pipeline.set_state(gst::State::Paused).unwrap();
    wait();
    for seconds in [10, 5] {
        let position = gst::ClockTime::from_seconds(seconds);
        pipeline
            .seek_simple(gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE, position)
            .unwrap();
        wait();
        assert_eq!(pipeline.query_position::<gst::ClockTime>(), Some(position));
    }
    pipeline.set_state(gst::State::Null).unwrap();
}
