//! Limits the RTCP of a peer. The session of 1.22 keeps requests for 2 s and searches all of them
//! for each new one, which takes up to 70 µs: 1000 key-frame requests per second took a third of
//! the processor time of a whole call.
//!
//! Packets above the limit are dropped, as if the network had lost them.

use std::time::Duration;

use acscall::rate_limit::{Quota, RateLimiter};
use gst::prelude::*;
use parking_lot::Mutex;

use crate::call::time::system_time;

/// The limit for all RTCP packets of a leg. A receiver reports 10 times per second and requests each
/// lost packet twice: 52 times per second for 2.5 Mbit/s in packets of 1200 bytes with 10 % loss.
const PACKETS: Quota = Quota {
    burst: 200,
    interval: Duration::from_millis(10),
};
/// The limit for key-frame requests. A receiver repeats its request until the key frame comes, and
/// there are two video tracks.
const KEY_FRAME_REQUESTS: Quota = Quota {
    burst: 20,
    interval: Duration::from_millis(100),
};
/// Payload-specific feedback (RFC 4585), and two of its formats: PLI, and FIR (RFC 5104).
const FEEDBACK: u8 = 206;
const KEY_FRAME_FORMATS: [u8; 2] = [1, 4];

/// Limits the RTCP packets of a `nicesrc`, before they are decrypted and passed to another thread.
pub(super) fn limit_packets(nicesrc: &gst::Element) {
    if let Some(pad) = nicesrc.static_pad("src") {
        limit(&pad, PACKETS, is_rtcp);
    }
}

/// Limits the key-frame requests that an `rtpsession` receives.
pub(super) fn limit_key_frame_requests(rtpsession: &gst::Element) {
    rtpsession.connect_pad_added(|_, pad| {
        if pad.name() == "recv_rtcp_sink" {
            limit(pad, KEY_FRAME_REQUESTS, requests_key_frame);
        }
    });
}

/// Drops the packets above the quota. Only packets that match `is_counted` count.
fn limit(pad: &gst::Pad, quota: Quota, is_counted: fn(&[u8]) -> bool) {
    let limiter = Mutex::new(RateLimiter::new(quota));
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let packet = info.buffer().and_then(|buffer| buffer.map_readable().ok());
        if !packet.is_some_and(|packet| is_counted(&packet)) {
            return gst::PadProbeReturn::Ok;
        }
        let now = Duration::from(system_time());
        let admitted = limiter.lock().try_acquire(1, now);
        match admitted {
            Ok(()) => gst::PadProbeReturn::Ok,
            Err(_) => gst::PadProbeReturn::Handled,
        }
    });
}

/// Distinguishes RTCP, encrypted or not, from RTP (RFC 5761) and from other protocols on the same
/// port (RFC 7983).
fn is_rtcp(packet: &[u8]) -> bool {
    matches!(packet, [128..=191, 192..=223, ..])
}

/// Whether a packet of a compound packet (RFC 3550, 6.1) requests a key frame.
fn requests_key_frame(mut packets: &[u8]) -> bool {
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
    fn rtcp_is_distinguished_from_other_packets() {
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
    fn a_key_frame_request_is_found_anywhere_in_a_compound_packet() {
        let report = [0x80, 201, 0, 1, 0, 0, 0, 1];
        let loss = [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
        let mut full = loss;
        full[0] = 0x84;
        let mut estimate = loss;
        estimate[0] = 0x8f;
        let mut lost_packets = loss;
        lost_packets[1] = 205;
        for request in [&loss[..], &full, &[&report[..], &loss].concat()] {
            assert!(requests_key_frame(request), "{request:?}");
        }
        let cut = &loss[..1];
        for other in [&report[..], &estimate, &lost_packets, cut, &[]] {
            assert!(!requests_key_frame(other), "{other:?}");
        }
        // A length beyond the end of the packet.
        let cut = [&[0x80, 201, 255, 255][..], &loss].concat();
        assert!(!requests_key_frame(&cut));
    }
}
