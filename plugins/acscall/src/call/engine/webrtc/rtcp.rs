//! How much a peer may say by RTCP. A packet takes the session of 1.22 up to 70 µs: it keeps those
//! that ask for something for 2 s, and looks through all that it keeps. So 1000 requests for key
//! frames per second took a third of the processor time of a whole call.
//!
//! What is dropped is as if the network had lost it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use acscall::rate_limit::{Quota, RateLimiter};
use gst::prelude::*;

use crate::call::time::system_time;

/// The packets of a leg. A receiver reports 10 times per second and asks for each lost packet
/// twice: of 2.5 Mbit/s in packets of 1200 bytes, at a loss of 10 %, that is 52 times per second.
const PACKETS: Quota = Quota {
    burst: 200,
    interval: Duration::from_millis(10),
};
/// Those of them that ask for key frames. Who waits for one repeats that, and there are two
/// pictures.
const KEY_FRAMES: Quota = Quota {
    burst: 20,
    interval: Duration::from_millis(100),
};
/// Payload-specific feedback (RFC 4585), and two formats of it: the loss of a picture, and the full
/// request for one (RFC 5104).
const FEEDBACK: u8 = 206;
const KEY_FRAME_FORMATS: [u8; 2] = [1, 4];

/// Drops what is too much of what a `nicesrc` gets: before it is decrypted, and passed on to
/// another thread.
pub(super) fn limit(nicesrc: &gst::Element) {
    if let Some(pad) = nicesrc.static_pad("src") {
        admit(&pad, PACKETS, is_rtcp);
    }
}

/// Drops what is too much of the requests for key frames that an `rtpsession` gets.
pub(super) fn limit_requests(rtpsession: &gst::Element) {
    rtpsession.connect_pad_added(|_, pad| {
        if pad.name() == "recv_rtcp_sink" {
            admit(pad, KEY_FRAMES, asks_for_key_frame);
        }
    });
}

/// Lets so many of the packets of this kind pass, and all others.
fn admit(pad: &gst::Pad, quota: Quota, is_counted: fn(&[u8]) -> bool) {
    let limiter = Mutex::new(RateLimiter::new(quota));
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let packet = info.buffer().and_then(|buffer| buffer.map_readable().ok());
        if !packet.is_some_and(|packet| is_counted(&packet)) {
            return gst::PadProbeReturn::Ok;
        }
        let mut limiter = limiter.lock().unwrap_or_else(PoisonError::into_inner);
        match limiter.try_acquire(1, Duration::from(system_time())) {
            Ok(()) => gst::PadProbeReturn::Ok,
            Err(_) => gst::PadProbeReturn::Handled,
        }
    });
}

/// Tells RTCP, encrypted or not, from RTP (RFC 5761) and from what else comes by the same way
/// (RFC 7983).
fn is_rtcp(packet: &[u8]) -> bool {
    matches!(packet, [128..=191, 192..=223, ..])
}

/// Whether one of the packets that are in one (RFC 3550, 6.1) asks for a key frame.
fn asks_for_key_frame(mut packets: &[u8]) -> bool {
    while let [first, kind, high, low, ..] = packets {
        if *kind == FEEDBACK && KEY_FRAME_FORMATS.contains(&(first & 0x1f)) {
            return true;
        }
        let words = usize::from(u16::from_be_bytes([*high, *low])) + 1;
        packets = packets.get(4 * words..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtcp_is_told_from_all_else() {
        for (name, packet, expected) in [
            ("a sender report", &[0x80, 200, 0, 6][..], true),
            ("a receiver report", &[0x81, 201, 0, 7], true),
            ("feedback", &[0x8f, 205, 0, 4], true),
            ("RTP", &[0x90, 96, 0, 1], false),
            ("RTP with the marker", &[0x90, 96 | 0x80, 0, 1], false),
            ("STUN", &[0, 1, 0, 0x50], false),
            ("DTLS", &[22, 254, 253, 0], false),
            ("one byte", &[0x80], false),
            ("nothing", &[], false),
        ] {
            assert_eq!(is_rtcp(packet), expected, "{name}");
        }
    }

    #[test]
    fn a_request_for_a_key_frame_is_found_wherever_it_is() {
        let report = [0x80, 201, 0, 1, 0, 0, 0, 1];
        let loss = [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
        let mut full = loss;
        full[0] = 0x84;
        let mut estimate = loss;
        estimate[0] = 0x8f;
        let mut lost_packets = loss;
        lost_packets[1] = 205;
        for asks in [&loss[..], &full, &[&report[..], &loss].concat()] {
            assert!(asks_for_key_frame(asks), "{asks:?}");
        }
        let cut = &loss[..1];
        for other in [&report[..], &estimate, &lost_packets, cut, &[]] {
            assert!(!asks_for_key_frame(other), "{other:?}");
        }
        // A length that leads out of the packet.
        let cut = [&[0x80, 201, 255, 255][..], &loss].concat();
        assert!(!asks_for_key_frame(&cut));
    }
}
