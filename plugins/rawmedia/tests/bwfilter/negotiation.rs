//! Caps and allocation.

use gst::glib;
use gst::prelude::*;
use gst_video::{VideoFormat, VideoInfo};

use crate::free::CountingPool;
use crate::oracle::{assert_close, gray};
use crate::picture::Picture;
use crate::rig::{buffer, info, init, rig};

#[test]
fn caps_can_change_in_mid_stream() {
    let infos = [
        info(VideoFormat::I420, 64, 48),
        info(VideoFormat::I420, 33, 17),
        info(VideoFormat::Bgra, 64, 48),
        info(VideoFormat::P01010le, 64, 48),
        info(VideoFormat::Nv12, 64, 48),
    ];
    for takes_meta in [true, false] {
        let mut harness = rig(&infos[0], takes_meta);
        for info in &infos {
            let caps = info.to_caps().unwrap();
            assert!(harness.push_event(gst::event::Caps::new(&caps)));
            let picture = Picture::noise(info, 13);
            let output = harness.push_and_pull(buffer(&picture, info)).unwrap();
            let sink = harness.sinkpad().unwrap();
            assert_eq!(sink.current_caps(), Some(caps));
            let exact = gray(&picture, info, crate::free::ALL);
            assert_close(&Picture::of(&output, info), &exact, 1.0, info.name());
        }
    }
}

fn refuses(caps: &str) {
    init();
    let mut harness = gst_check::Harness::new("bwfilter");
    harness.play();
    assert!(harness.push_event(gst::event::StreamStart::new("test")));
    let caps = caps.parse::<gst::Caps>().unwrap();
    harness.push_event(gst::event::Caps::new(&caps));
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    harness.push_event(gst::event::Segment::new(&segment));
    let flow = harness.push(gst::Buffer::with_size(4).unwrap());
    assert_eq!(flow, Err(gst::FlowError::NotNegotiated), "{caps}");
}

#[test]
fn unsupported_caps_are_not_negotiated() {
    let size = "width=64, height=48, framerate=30/1";
    refuses(&format!("video/x-raw, format=v210, {size}"));
    refuses(&format!("video/x-raw, format=I420_10BE, {size}"));
    refuses(&format!(
        "video/x-raw(memory:GLMemory), format=RGBA, {size}"
    ));
    refuses(&format!(
        "video/x-raw, format=I420, {size}, interlace-mode=fields"
    ));
    refuses(&format!(
        "video/x-raw, format=I420, {size}, multiview-mode=separated, views=2"
    ));
    refuses("video/x-raw, format=I420, framerate=30/1");
    refuses("audio/x-raw, format=S16LE, rate=8000, channels=1");
}

#[test]
fn a_buffer_that_is_too_small_is_an_error_that_says_so() {
    let info = info(VideoFormat::I420, 64, 48);
    let mut harness = rig(&info, true);
    let bus = gst::Bus::new();
    harness.element().unwrap().set_bus(Some(&bus));
    let flow = harness.push(gst::Buffer::with_size(64 * 48).unwrap());
    assert_eq!(flow, Err(gst::FlowError::Error));
    let message = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
    let gst::MessageView::Error(error) = message.view() else {
        unreachable!();
    };
    let text = error.error().to_string();
    assert!(
        text.contains("plane 1 ends at byte 3840, but the buffer has 3072 bytes"),
        "{text}"
    );
    let remedy = error.debug().unwrap();
    assert!(remedy.contains("GstVideoMeta"), "{remedy}");
}

#[test]
fn a_meta_of_another_format_is_an_error_that_says_so() {
    let (caps, other) = (
        info(VideoFormat::I420, 64, 48),
        info(VideoFormat::Bgra, 64, 48),
    );
    let mut harness = rig(&caps, true);
    let bus = gst::Bus::new();
    harness.element().unwrap().set_bus(Some(&bus));
    let picture = Picture::noise(&other, 1);
    let wrong = crate::rig::placed(&picture, &other, &crate::picture::Places::of(&other));
    assert_eq!(harness.push(wrong), Err(gst::FlowError::Error));
    let message = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
    let gst::MessageView::Error(error) = message.view() else {
        unreachable!();
    };
    let text = error.error().to_string();
    assert!(
        text.contains("its GstVideoMeta says BGRA 64x48, the caps say I420 64x48"),
        "{text}"
    );
}

#[test]
fn it_restarts_after_it_was_stopped() {
    let info = info(VideoFormat::I420, 64, 48);
    let picture = Picture::noise(&info, 1);
    let exact = gray(&picture, &info, crate::free::ALL);
    let mut harness = rig(&info, true);
    let element = harness.element().unwrap();
    for _ in 0..3 {
        let output = harness.push_and_pull(buffer(&picture, &info)).unwrap();
        assert_close(&Picture::of(&output, &info), &exact, 0.0, "again");
        element.set_state(gst::State::Null).unwrap();
        element.set_state(gst::State::Playing).unwrap();
        harness.set_src_caps(info.to_caps().unwrap());
    }
}

/// Returns which metas the element announces upstream.
fn announced(info: &VideoInfo, crops: bool) -> (bool, bool, bool) {
    let mut harness = rig(info, false);
    if crops {
        for meta in [
            <gst_video::VideoMeta as gst::MetaAPI>::meta_api(),
            <gst_video::VideoCropMeta as gst::MetaAPI>::meta_api(),
            <gst_video::VideoOverlayCompositionMeta as gst::MetaAPI>::meta_api(),
        ] {
            harness.add_propose_allocation_meta(meta, None);
        }
        assert!(harness.push_upstream_event(gst::event::Reconfigure::new()));
    }
    let picture = Picture::noise(info, 1);
    harness.push_and_pull(buffer(&picture, info)).unwrap();
    let mut query = gst::query::Allocation::new(Some(&info.to_caps().unwrap()), true);
    let pad = harness.srcpad().unwrap();
    assert!(pad.peer_query(&mut query));
    (
        query
            .find_allocation_meta::<gst_video::VideoMeta>()
            .is_some(),
        query
            .find_allocation_meta::<gst_video::VideoCropMeta>()
            .is_some(),
        query
            .find_allocation_meta::<gst_video::VideoOverlayCompositionMeta>()
            .is_some(),
    )
}

#[test]
fn video_meta_is_always_accepted_crop_meta_if_downstream_does_and_overlays_never() {
    let info = info(VideoFormat::I420, 64, 48);
    assert_eq!(announced(&info, false), (true, false, false));
    assert_eq!(announced(&info, true), (true, true, false));
}

#[test]
fn a_downstream_that_starts_to_accept_video_meta_is_queried_again() {
    let info = info(VideoFormat::I420, 64, 48);
    let picture = Picture::noise(&info, 1);
    let mut harness = rig(&info, false);
    let before = harness.push_and_pull(buffer(&picture, &info)).unwrap();
    assert_eq!(before.n_memory(), 1);
    let meta = <gst_video::VideoMeta as gst::MetaAPI>::meta_api();
    harness.add_propose_allocation_meta(meta, None);
    assert!(harness.push_upstream_event(gst::event::Reconfigure::new()));
    let after = harness.push_and_pull(buffer(&picture, &info)).unwrap();
    assert_eq!(after.n_memory(), 2);
}

/// Creates the element before a sink that offers a pool, or only a number of buffers.
fn before_pool(
    info: &VideoInfo,
    pool: Option<&gst::BufferPool>,
    buffers: u32,
) -> gst_check::Harness {
    init();
    let mut harness = gst_check::Harness::new("bwfilter");
    let (pool, size) = (pool.cloned(), info.size() as u32);
    let pad = harness.sinkpad().unwrap();
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, move |_, probe| {
        if let Some(query) = probe.query_mut()
            && let gst::QueryViewMut::Allocation(query) = query.view_mut()
            && query.allocation_pools().next().is_none()
        {
            query.add_allocation_pool(pool.as_ref(), size, buffers, 0);
        }
        gst::PadProbeReturn::Ok
    });
    harness.set_src_caps(info.to_caps().unwrap());
    harness
}

#[test]
fn new_frames_are_from_the_pool_that_downstream_offers() {
    let info = info(VideoFormat::Bgra, 64, 48);
    let picture = Picture::noise(&info, 1);
    let pool = glib::Object::new::<CountingPool>();
    let mut harness = before_pool(&info, Some(pool.upcast_ref()), 0);
    let shared = buffer(&picture, &info);
    for _ in 0..20 {
        harness.push_and_pull(shared.clone()).unwrap();
    }
    assert_eq!(pool.allocated(), 1);
}

#[test]
fn upstream_learns_how_many_buffers_downstream_holds() {
    let info = info(VideoFormat::I420, 64, 48);
    let picture = Picture::noise(&info, 1);
    let mut harness = before_pool(&info, None, 7);
    harness.push_and_pull(buffer(&picture, &info)).unwrap();
    let mut query = gst::query::Allocation::new(Some(&info.to_caps().unwrap()), true);
    assert!(harness.srcpad().unwrap().peer_query(&mut query));
    let (pool, size, min, max) = query.allocation_pools().next().unwrap();
    assert_eq!((pool, size, min, max), (None, info.size() as u32, 7, 0));
}
