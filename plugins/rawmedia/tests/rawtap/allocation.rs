//! Memory: the buffers that upstream allocates for taps. Taps never exhaust its pool.

use gst::prelude::*;
use gstrawmedia::rawtap::RawTapPolicy;

use crate::rig::{Recorder, Rig, TapSettings, all_settings, keeping_all};

fn video_caps() -> gst::Caps {
    crate::rig::init();
    gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 320, 240)
        .build()
        .unwrap()
        .to_caps()
        .unwrap()
}

const FRAME: u32 = 320 * 240 * 3 / 2;

type Pools = Vec<(u32, u32, u32)>;

/// Returns the pools that upstream receives if the peer of `src` answers with these pools, or
/// refuses.
fn asked(answer: Option<Pools>, caps: &gst::Caps, taps: &[(RawTapPolicy, u32)]) -> Option<Pools> {
    let main = Recorder::with_query(
        || Ok(gst::FlowSuccess::Ok),
        move |_, _, query| match query.view_mut() {
            gst::QueryViewMut::Allocation(query) => match &answer {
                Some(pools) => {
                    for (size, min, max) in pools {
                        query.add_allocation_pool(gst::BufferPool::NONE, *size, *min, *max);
                    }
                    true
                }
                None => false,
            },
            _ => false,
        },
    );
    let rig = Rig::with_main(main);
    for (policy, max_buffers) in taps {
        let pad = rig.tap(TapSettings {
            policy: *policy,
            max_rate: 0.0,
        });
        pad.set_property("max-buffers", *max_buffers);
    }
    let mut query = gst::query::Allocation::new(Some(caps), true);
    rig.source.peer_query(&mut query).then(|| {
        query
            .allocation_pools()
            .map(|(_, size, min, max)| (size, min, max))
            .collect()
    })
}

#[test]
fn taps_add_the_buffers_they_hold_to_the_allocation_query() {
    let taps = [
        (RawTapPolicy::Latest, 9),
        (RawTapPolicy::DropOldest, 5),
        (RawTapPolicy::DropNewest, 2),
    ];
    // 1 + 1, 5 + 1 and 2 + 1.
    assert_eq!(
        asked(Some(vec![(100, 2, 0), (200, 1, 4)]), &video_caps(), &taps),
        Some(vec![(100, 13, 0), (200, 12, 15)])
    );
    assert_eq!(
        asked(Some(vec![(100, 2, 4)]), &video_caps(), &[]),
        Some(vec![(100, 2, 4)])
    );
}

#[test]
fn without_a_pool_in_the_answer_raw_video_gets_an_entry_with_its_size() {
    let taps = [(RawTapPolicy::Latest, 1)];
    assert_eq!(
        asked(Some(vec![]), &video_caps(), &taps),
        Some(vec![(FRAME, 2, 0)])
    );
    let other = gst::Caps::new_empty_simple("application/x-test");
    assert_eq!(asked(Some(vec![]), &other, &taps), Some(vec![]));
}

#[test]
fn a_query_that_downstream_refuses_stays_refused() {
    assert_eq!(
        asked(None, &video_caps(), &[(RawTapPolicy::Latest, 1)]),
        None
    );
}

fn pool(max: u32) -> gst::BufferPool {
    let pool = gst::BufferPool::new();
    let mut config = pool.config();
    config.set_params(None, 64, 0, max);
    pool.set_config(config).unwrap();
    pool.set_active(true).unwrap();
    pool
}

#[test]
fn a_frozen_tap_never_exhausts_a_pool_that_cannot_grow() {
    for settings in all_settings() {
        let mut rig = Rig::started();
        // Drops its buffers, as sinks do.
        let main = rig.element.static_pad("src").unwrap();
        main.unlink(&rig.main.pad).unwrap();
        let end = gst::Pad::builder_from_template(&crate::rig::template(gst::PadDirection::Sink))
            .chain_function(|_, _, _| Ok(gst::FlowSuccess::Ok))
            .event_function(|_, _, _| true)
            .build();
        end.set_active(true).unwrap();
        main.link(&end).unwrap();
        let taps: Vec<_> = (0..2)
            .map(|_| rig.tap_into(settings, &rig.gate.recorder().pad))
            .collect();
        rig.send(crate::rig::segment());
        let pool = pool(2);
        for n in 0..50 {
            // Without DONTWAIT it would block for ever.
            let params =
                gst::BufferPoolAcquireParams::with_flags(gst::BufferPoolAcquireFlags::DONTWAIT);
            let mut buffer = pool.acquire_buffer(Some(&params)).expect("a free buffer");
            buffer
                .get_mut()
                .unwrap()
                .set_pts(gst::ClockTime::from_mseconds(n * 200));
            assert_eq!(rig.source.push(buffer), Ok(gst::FlowSuccess::Ok));
        }
        rig.gate.open();
        drop(taps);
    }
}

#[test]
fn taps_get_references_if_a_pool_can_grow_and_copies_if_it_cannot() {
    for (max, is_same) in [(0, true), (2, false)] {
        let mut rig = Rig::started();
        let end = Recorder::new();
        let _pad = rig.tap_into(keeping_all(), &end.pad);
        rig.drain(&end);
        let pool = pool(max);
        let mut buffer = pool.acquire_buffer(None).unwrap();
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::ZERO);
        let memory = buffer.peek_memory(0).as_ptr();
        assert_eq!(rig.source.push(buffer), Ok(gst::FlowSuccess::Ok));
        end.wait_for_buffer(gst::ClockTime::ZERO);
        assert_eq!(end.buffers()[0].peek_memory(0).as_ptr() == memory, is_same);
        // `src` gets the original in any case.
        assert_eq!(rig.main.buffers()[0].peek_memory(0).as_ptr(), memory);
    }
}

#[test]
fn a_buffer_with_a_parent_from_such_a_pool_is_copied_too() {
    let mut rig = Rig::started();
    let end = Recorder::new();
    let _pad = rig.tap_into(keeping_all(), &end.pad);
    rig.drain(&end);
    let pool = pool(2);
    let parent = pool.acquire_buffer(None).unwrap();
    let mut buffer = parent.copy();
    {
        let buffer = buffer.get_mut().unwrap();
        buffer.set_pts(gst::ClockTime::ZERO);
        gst::ParentBufferMeta::add(buffer, &parent);
    }
    let memory = buffer.peek_memory(0).as_ptr();
    assert_eq!(rig.source.push(buffer), Ok(gst::FlowSuccess::Ok));
    end.wait_for_buffer(gst::ClockTime::ZERO);
    let tapped = &end.buffers()[0];
    assert_ne!(tapped.peek_memory(0).as_ptr(), memory);
    // With this meta the copy would hold the buffer that it replaces.
    assert!(tapped.meta::<gst::ParentBufferMeta>().is_none());
}

#[test]
fn after_a_drain_query_queued_buffers_hold_no_memory_of_upstream() {
    let mut rig = Rig::started();
    let end = rig.gate.recorder();
    let _pad = rig.tap_into(keeping_all(), &end.pad);
    rig.push(0);
    rig.gate.wait_until_somebody_is_stuck();
    let memory = rig.push(1).peek_memory(0).as_ptr();
    rig.source.peer_query(&mut gst::query::Drain::new());
    rig.gate.open();
    end.wait_for_buffer(gst::ClockTime::from_mseconds(1));
    let buffers = end.buffers();
    assert_ne!(buffers[1].peek_memory(0).as_ptr(), memory);
    assert_eq!(buffers[1].map_readable().unwrap().as_slice(), [1; 4]);
}
