//! A jitter buffer behind a pad of the test.

use std::sync::mpsc::channel;
use std::time::Duration;

use super::*;

/// No timer of the jitter buffer takes as long.
const TIMEOUT: Duration = Duration::from_secs(10);

fn packet(sequence: u16) -> gst::Buffer {
    let [s0, s1] = sequence.to_be_bytes();
    gst::Buffer::from_slice([0x80, 96, s0, s1, 0, 0, 0, 9, 1, 2, 3, 4, 7, 7, 7])
}

#[test]
fn a_missing_packet_is_requested_at_once_and_again() {
    gst::init().unwrap();
    let buffer = gst::ElementFactory::make("rtpjitterbuffer")
        .property("do-retransmission", true)
        .property("rtx-next-seqnum", false)
        // It gives up no packet during the test.
        .property("latency", 60_000u32)
        .build()
        .unwrap();
    request_early(&buffer);
    let (sender, requests) = channel();
    let before = gst::Pad::builder(gst::PadDirection::Src)
        .event_function(move |_, _, event| {
            if let Some(structure) = event.structure().filter(|s| s.name() == REQUEST) {
                let _over = sender.send(structure.to_owned());
            }
            true
        })
        .build();
    before.link(&buffer.static_pad("sink").unwrap()).unwrap();
    before.set_active(true).unwrap();
    let clock = gst::SystemClock::obtain();
    buffer.set_clock(Some(&clock)).unwrap();
    buffer.set_base_time(clock.time());
    buffer.set_state(gst::State::Playing).unwrap();
    let caps = gst::Caps::builder("application/x-rtp")
        .field("media", "video")
        .field("payload", 96)
        .field("clock-rate", 90_000)
        .build();
    before.push_event(gst::event::StreamStart::new("test"));
    before.push_event(gst::event::Caps::new(&caps));
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    before.push_event(gst::event::Segment::new(&segment));

    for sequence in [1, 2, 4] {
        before.push(packet(sequence)).unwrap();
    }
    for retry in [0, 1] {
        let request = requests.recv_timeout(TIMEOUT).unwrap();
        assert_eq!(request.get::<u32>("seqnum"), Ok(3));
        assert_eq!(request.get::<u32>("retry"), Ok(retry));
    }
    buffer.set_state(gst::State::Null).unwrap();
}

#[test]
fn only_a_first_request_is_repeated() {
    gst::init().unwrap();
    let first = gst::Structure::builder(REQUEST)
        .field("seqnum", 5u32)
        .field("retry", 0u32)
        .build();
    let again = retry(&first).unwrap();
    assert_eq!(again.get::<u32>("seqnum"), Ok(5));
    assert_eq!(retry(&again), None);
    assert_eq!(retry(&gst::Structure::new_empty("GstForceKeyUnit")), None);
}
