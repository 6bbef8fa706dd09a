use super::items::MAX_EVENTS;
use super::*;

fn queue(policy: RawTapPolicy, max_buffers: u32, max_rate: f64) -> TapQueue {
    gst::init().unwrap();
    let mut queue = TapQueue::default();
    queue.set_settings(Settings {
        policy,
        max_buffers,
        max_rate,
    });
    queue.open();
    queue
}

fn buffer(ms: u64) -> gst::Buffer {
    let mut buffer = gst::Buffer::new();
    buffer
        .get_mut()
        .unwrap()
        .set_pts(gst::ClockTime::from_mseconds(ms));
    buffer
}

fn offer(queue: &mut TapQueue, ms: impl IntoIterator<Item = u64>) {
    for ms in ms {
        queue.offer(&buffer(ms), || None);
        assert_adds_up(queue);
    }
}

fn segment() -> gst::Event {
    gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new())
}

fn caps(name: &str) -> gst::Event {
    gst::event::Caps::new(&gst::Caps::new_empty_simple(name))
}

fn gap(ms: u64) -> gst::Event {
    gst::event::Gap::builder(gst::ClockTime::from_mseconds(ms)).build()
}

/// Returns everything that comes out: times of buffers, types of events.
fn drain(queue: &mut TapQueue) -> Vec<String> {
    std::iter::from_fn(|| match queue.next()? {
        Output::Buffer(buffer) => {
            assert_adds_up(queue);
            queue.pushed(true);
            assert_adds_up(queue);
            Some(buffer.pts()?.mseconds().to_string())
        }
        Output::Event(event) => Some(match event.view() {
            gst::EventView::Caps(caps) => caps.caps().structure(0)?.name().to_string(),
            _ => event.type_().name().to_string(),
        }),
    })
    .collect()
}

fn stat(queue: &TapQueue, name: &str) -> u64 {
    queue.stats().get(name).unwrap()
}

fn assert_adds_up(queue: &TapQueue) {
    assert_eq!(
        stat(queue, "in"),
        stat(queue, "out") + stat(queue, "dropped") + stat(queue, "queued")
    );
}

#[test]
fn each_policy_holds_its_buffers() {
    for (policy, held) in [
        (RawTapPolicy::Latest, vec!["9"]),
        (RawTapPolicy::DropOldest, vec!["7", "8", "9"]),
        (RawTapPolicy::DropNewest, vec!["0", "1", "2"]),
    ] {
        let mut queue = queue(policy, 3, 0.0);
        offer(&mut queue, 0..10);
        assert_eq!(drain(&mut queue), held);
    }
}

#[test]
fn new_settings_drop_excess_buffers_at_once() {
    for (policy, held) in [
        (RawTapPolicy::Latest, vec!["4"]),
        (RawTapPolicy::DropOldest, vec!["3", "4"]),
        (RawTapPolicy::DropNewest, vec!["0", "1"]),
    ] {
        let mut queue = queue(RawTapPolicy::DropOldest, 5, 0.0);
        offer(&mut queue, 0..5);
        queue.set_settings(Settings {
            policy,
            max_buffers: 2,
            max_rate: 0.0,
        });
        assert_adds_up(&queue);
        assert_eq!(drain(&mut queue), held);
    }
}

#[test]
fn a_buffer_dropped_by_a_full_queue_does_not_count_for_the_rate() {
    let mut queue = queue(RawTapPolicy::DropNewest, 1, 1.0);
    queue.offer_event(&segment());
    offer(&mut queue, [0, 1000]);
    assert_eq!(drain(&mut queue), ["segment", "0"]);
    offer(&mut queue, [1100]);
    assert_eq!(drain(&mut queue), ["1100"]);
}

#[test]
fn buffers_without_a_time_are_limited_by_the_clock() {
    let mut queue = queue(RawTapPolicy::DropNewest, 9, 1.0);
    queue.offer_event(&segment());
    for ms in [0, 500, 1000, 1500] {
        queue.offer(&gst::Buffer::new(), || {
            Some(gst::ClockTime::from_mseconds(ms))
        });
    }
    assert_eq!(stat(&queue, "queued"), 2);
    let is_due = |ms| {
        queue.would_take(&gst::Buffer::new(), || {
            Some(gst::ClockTime::from_mseconds(ms))
        })
    };
    assert!(!is_due(1900));
    assert!(is_due(2000));
}

#[test]
fn the_newest_sticky_event_of_each_kind_stays_when_buffers_are_dropped() {
    let mut queue = queue(RawTapPolicy::Latest, 1, 0.0);
    for n in 0..5 {
        queue.offer_event(&caps(&format!("format/{n}")));
        queue.offer_event(&segment());
        offer(&mut queue, [n]);
    }
    assert_eq!(drain(&mut queue), ["format/4", "segment", "4"]);
}

#[test]
fn sticky_events_with_a_buffer_in_between_are_both_kept() {
    let mut queue = queue(RawTapPolicy::DropNewest, 9, 0.0);
    queue.offer_event(&caps("format/a"));
    offer(&mut queue, [1]);
    queue.offer_event(&caps("format/b"));
    queue.offer_event(&caps("format/c"));
    offer(&mut queue, [2]);
    assert_eq!(drain(&mut queue), ["format/a", "1", "format/c", "2"]);
}

#[test]
fn other_events_keep_their_place_and_are_bounded() {
    let mut queue = queue(RawTapPolicy::DropNewest, 9, 0.0);
    queue.offer_event(&segment());
    queue.offer_event(&gap(0));
    queue.offer_event(&segment());
    offer(&mut queue, [1]);
    assert_eq!(drain(&mut queue), ["segment", "gap", "segment", "1"]);
    for n in 0..1000 {
        queue.offer_event(&gap(n));
        queue.offer_event(&segment());
    }
    assert!(drain(&mut queue).len() <= 2 * MAX_EVENTS + 1);
}

#[test]
fn streams_that_end_and_start_repeatedly_are_bounded_too() {
    let mut queue = queue(RawTapPolicy::Latest, 1, 0.0);
    for n in 0..1000 {
        queue.offer_event(&gst::event::StreamStart::new(&n.to_string()));
        queue.offer_event(&caps("format/a"));
        queue.offer_event(&gst::event::Eos::new());
    }
    let out = drain(&mut queue);
    assert!(out.len() <= 3 * (MAX_EVENTS + 1));
    assert_eq!(out.last().unwrap(), "eos");
    assert_eq!(out[0], "stream-start");
}

#[test]
fn a_flush_drops_buffers_and_the_segment_and_keeps_caps() {
    let mut queue = queue(RawTapPolicy::DropNewest, 9, 0.0);
    queue.offer_event(&caps("format/a"));
    queue.offer_event(&segment());
    offer(&mut queue, 0..3);
    queue.flush_start();
    offer(&mut queue, [3]);
    queue.flush_stop();
    assert_eq!(drain(&mut queue), ["format/a"]);
    assert_eq!(stat(&queue, "dropped"), 4);
    offer(&mut queue, [4]);
    assert_eq!(drain(&mut queue), ["4"]);
}

#[test]
fn a_detached_queue_drops_buffers_and_keeps_events() {
    let mut queue = queue(RawTapPolicy::DropNewest, 9, 0.0);
    offer(&mut queue, [0]);
    queue.offer_event(&segment());
    queue.detach();
    offer(&mut queue, [1]);
    assert_eq!(drain(&mut queue), ["segment"]);
    queue.attach();
    offer(&mut queue, [2]);
    assert_eq!(drain(&mut queue), ["2"]);
}

#[test]
fn a_detached_queue_continues_with_queued_caps() {
    let mut queue = queue(RawTapPolicy::DropNewest, 9, 0.0);
    offer(&mut queue, [0]);
    queue.offer_event(&segment());
    offer(&mut queue, [1]);
    queue.offer_event(&caps("format/b"));
    offer(&mut queue, [2]);
    queue.detach();
    offer(&mut queue, [3]);
    assert_eq!(drain(&mut queue), ["format/b", "segment", "2", "3"]);
}

#[test]
fn a_closed_queue_takes_and_holds_nothing() {
    let mut queue = queue(RawTapPolicy::DropNewest, 9, 0.0);
    queue.offer_event(&segment());
    offer(&mut queue, 0..3);
    queue.close();
    queue.offer_event(&segment());
    offer(&mut queue, 3..5);
    assert!(queue.is_empty());
    assert_eq!(stat(&queue, "dropped"), 5);
}

#[test]
fn a_failed_push_counts_as_dropped_and_does_not_change_the_running_time() {
    let mut queue = queue(RawTapPolicy::DropNewest, 9, 0.0);
    queue.offer_event(&segment());
    offer(&mut queue, [40, 80]);
    while let Some(output) = queue.next() {
        if let Output::Buffer(buffer) = output {
            queue.pushed(buffer.pts() == Some(gst::ClockTime::from_mseconds(40)));
        }
    }
    assert_eq!((stat(&queue, "out"), stat(&queue, "dropped")), (1, 1));
    let last: gst::ClockTime = queue.stats().get("last-running-time").unwrap();
    assert_eq!(last, gst::ClockTime::from_mseconds(40));
}

#[test]
fn replaced_buffers_keep_their_place_and_others_are_dropped() {
    let mut queue = queue(RawTapPolicy::DropNewest, 9, 0.0);
    queue.offer_event(&caps("format/a"));
    offer(&mut queue, [1]);
    queue.offer_event(&caps("format/b"));
    offer(&mut queue, [2]);
    queue.replace_buffers(|held| {
        (held.pts() == Some(gst::ClockTime::from_mseconds(2))).then(|| buffer(22))
    });
    assert_adds_up(&queue);
    assert_eq!(drain(&mut queue), ["format/b", "22"]);
}

#[test]
fn eos_is_pushed_again_to_a_branch_linked_later_until_a_new_stream_starts() {
    let mut queue = queue(RawTapPolicy::Latest, 1, 0.0);
    queue.offer_event(&gst::event::Eos::new());
    assert_eq!(drain(&mut queue), ["eos"]);
    queue.attach();
    queue.attach();
    assert_eq!(drain(&mut queue), ["eos"]);
    queue.offer_event(&gst::event::StreamStart::new("second"));
    assert_eq!(drain(&mut queue), ["stream-start"]);
    queue.attach();
    assert!(queue.is_empty());
}

#[test]
fn a_branch_that_changes_during_a_failed_push_is_tried_again() {
    let mut queue = queue(RawTapPolicy::DropNewest, 9, 0.0);
    offer(&mut queue, [0]);
    assert!(matches!(queue.next(), Some(Output::Buffer(_))));
    queue.attach();
    queue.pushed(false);
    queue.detach();
    offer(&mut queue, [1]);
    assert_eq!(drain(&mut queue), ["1"]);
    queue.detach();
    offer(&mut queue, [2]);
    assert!(queue.is_empty());
}
