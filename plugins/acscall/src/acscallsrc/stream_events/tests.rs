use acscall::model::{Kinds, ParticipantId};

use super::*;

fn element() -> gst::Element {
    gst::init().unwrap();
    let element = gst::ElementFactory::make("identity").build().unwrap();
    element
        .set_clock(Some(&gst::SystemClock::obtain()))
        .unwrap();
    element.set_base_time(gst::ClockTime::from_seconds(10));
    element
}

fn sequencer(caps: Option<gst::Caps>) -> EventSequencer {
    EventSequencer::new(StreamInfo {
        call: "room".into(),
        pad: "video_:0".into(),
        kind: "video",
        group: gst::GroupId::next(),
        user: None,
        caps,
    })
}

fn buffer(seconds: u64) -> gst::Buffer {
    let mut buffer = gst::Buffer::with_size(1).unwrap();
    buffer
        .get_mut()
        .unwrap()
        .set_pts(gst::ClockTime::from_seconds(seconds));
    buffer
}

fn caps(width: i32) -> gst::Caps {
    gst::Caps::builder("video/x-raw")
        .field("width", width)
        .build()
}

fn types(out: &Output) -> Vec<gst::EventType> {
    out.events.iter().map(|event| event.type_()).collect()
}

fn participant(user: &str) -> Participant {
    Participant {
        id: ParticipantId("p".into()),
        user: user.into(),
        session: 1,
        display_name: None,
        receives: false,
        sends: true,
        media: Kinds::new(),
        wants: Kinds::new(),
        connected: true,
    }
}

#[test]
fn events_come_once_and_in_order() {
    use gst::EventType::{Caps, Segment, StreamStart, Tag};
    let element = element();
    let mut sequencer = sequencer(None);
    sequencer.set_participant(&participant("alice"));
    let first = sequencer.buffer(&element, &caps(1), buffer(11));
    assert_eq!(types(&first), [StreamStart, Caps, Segment, Tag]);
    let gst::EventView::StreamStart(start) = first.events[0].view() else {
        panic!()
    };
    assert_eq!(start.stream_id(), "room/alice/video");
    let shared = buffer(12);
    let second = sequencer.buffer(&element, &caps(1), shared.clone());
    assert!(second.events.is_empty());
    assert_eq!(
        second.buffer.unwrap().pts(),
        Some(gst::ClockTime::from_seconds(2))
    );
    assert_eq!(
        shared.pts(),
        Some(gst::ClockTime::from_seconds(12)),
        "the other reader's buffer is unchanged"
    );
    sequencer.set_participant(&participant("bob"));
    let third = sequencer.buffer(&element, &caps(2), buffer(13));
    assert_eq!(types(&third), [Caps, Tag]);
}

#[test]
fn after_a_refused_buffer_all_events_come_again() {
    use gst::EventType::{Caps, Eos, Segment, StreamStart, Tag};
    let element = element();
    let mut sequencer = sequencer(None);
    sequencer.set_participant(&participant("alice"));
    sequencer.buffer(&element, &caps(1), buffer(11));
    sequencer.restart();
    let latency = gst::ClockTime::ZERO;
    let again = sequencer.buffer(&element, &caps(1), buffer(12));
    assert_eq!(types(&again), [StreamStart, Caps, Segment, Tag]);
    let flags = again.buffer.unwrap().flags();
    assert!(flags.contains(gst::BufferFlags::DISCONT));
    assert!(
        sequencer
            .buffer(&element, &caps(1), buffer(13))
            .events
            .is_empty()
    );
    assert!(sequencer.gap(&element, latency).is_some());
    sequencer.restart();
    assert!(
        sequencer.gap(&element, latency).is_none(),
        "no gap without a segment"
    );
    assert_eq!(
        types(&sequencer.eos(None)),
        [StreamStart, Caps, Segment, Tag, Eos]
    );
}

#[test]
fn buffers_older_than_the_stream_are_dropped() {
    let element = element();
    let mut sequencer = sequencer(None);
    assert!(
        sequencer
            .buffer(&element, &caps(1), buffer(9))
            .buffer
            .is_none(),
        "from before the start"
    );
    assert!(
        sequencer
            .buffer(&element, &caps(1), buffer(14))
            .buffer
            .is_some()
    );
    let mut leftover = buffer(0);
    let time = gst::ClockTime::from_mseconds(13_500);
    leftover.get_mut().unwrap().set_pts(time);
    assert!(
        sequencer
            .buffer(&element, &caps(1), leftover)
            .buffer
            .is_none()
    );
    assert!(
        sequencer
            .buffer(&element, &caps(1), buffer(12))
            .buffer
            .is_some(),
        "the sender's clock has restarted"
    );
}

#[test]
fn there_is_no_gap_before_the_first_caps() {
    let element = element();
    let mut sequencer = sequencer(None);
    assert!(sequencer.gap(&element, gst::ClockTime::ZERO).is_none());
}

#[test]
fn a_stream_that_never_started_ends_with_its_events_in_order() {
    use gst::EventType::{Caps, Eos, Segment, StreamStart};
    gst::init().unwrap();
    assert_eq!(types(&sequencer(None).eos(None)), [StreamStart, Eos]);
    assert_eq!(
        types(&sequencer(Some(caps(1))).eos(None)),
        [StreamStart, Caps, Segment, Eos]
    );
}
