//! Watches the addresses that a leg sends from. When an address disappears (an unplugged cable,
//! another network, the end of a VPN), libnice goes on sending from it and webrtcbin stays
//! connected, but no packet leaves or arrives.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use acscall::call::LegFailure;
use acscall::signalling::client::is_gone;
use gst::prelude::*;
use parking_lot::Mutex;

use crate::call::engine::leg::{LegOutput, LegSink};

/// The interval of the checks. A check takes some µs for each address.
const CHECK_INTERVAL: gst::ClockTime = gst::ClockTime::from_mseconds(500);

/// Reports the leg as failed when one of its addresses disappears, until it is dropped.
pub(super) struct AddressWatch(gst::PeriodicClockId);

impl AddressWatch {
    /// Watches the addresses of the leg's candidates.
    pub(super) fn new(webrtcbin: &gst::Element, output: &LegSink) -> AddressWatch {
        let addresses: Arc<Mutex<BTreeSet<IpAddr>>> = Arc::default();
        let learnt = addresses.clone();
        webrtcbin.connect("on-ice-candidate", false, move |values| {
            let candidate = values.get(2).and_then(|value| value.get::<String>().ok())?;
            learnt.lock().extend(host_address(&candidate));
            None
        });
        let clock = gst::SystemClock::obtain();
        let id = clock.new_periodic_id(clock.time() + CHECK_INTERVAL, CHECK_INTERVAL);
        let (output, webrtcbin) = (output.clone(), webrtcbin.downgrade());
        // The system clock accepts every wait. Without it, the leg would not be watched.
        let _watched = id.wait_async(move |_, _, id| {
            if webrtcbin.upgrade().is_none() {
                id.unschedule();
                return;
            }
            let known = addresses.lock().clone();
            if let Some(address) = known.into_iter().find(|address| is_gone(*address)) {
                id.unschedule();
                output(LegOutput::Failed(LegFailure::Connection(format!(
                    "this machine no longer has the address {address}"
                ))));
            }
        });
        AddressWatch(id)
    }
}

impl Drop for AddressWatch {
    fn drop(&mut self) {
        self.0.unschedule();
    }
}

/// Returns the address of a candidate of this machine, such as
/// `candidate:1 1 UDP 2015363327 192.0.2.2 50000 typ host`.
fn host_address(candidate: &str) -> Option<IpAddr> {
    let mut words = candidate.split_whitespace();
    let address = words.nth(4)?.parse().ok()?;
    words
        .skip(1)
        .collect::<Vec<_>>()
        .starts_with(&["typ", "host"])
        .then_some(address)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_learnt() {
        let host = |text| host_address(text).map(|address| address.to_string());
        let candidate = "candidate:1 1 UDP 2015363327 192.0.2.2 50000 typ host";
        assert_eq!(host(candidate).as_deref(), Some("192.0.2.2"));
        let six = "candidate:3 1 UDP 2015363583 fd00::2 50000 typ host generation 0";
        assert_eq!(host(six).as_deref(), Some("fd00::2"));
        let relay = "candidate:2 1 UDP 503316991 192.0.2.1 50001 typ relay raddr 192.0.2.2 rport 5";
        for other in [
            relay,
            "",
            "candidate:1 1 UDP",
            "candidate:1 1 UDP 1 x.local 5 typ host",
        ] {
            assert_eq!(host(other), None, "{other}");
        }
    }

    #[test]
    fn a_leg_whose_address_has_disappeared_fails() {
        gst::init().unwrap();
        let webrtcbin = gst::ElementFactory::make("webrtcbin").build().unwrap();
        let (sender, outputs) = channel();
        let output: LegSink = Arc::new(move |output| {
            let _over = sender.send(output);
        });
        let _watch = AddressWatch::new(&webrtcbin, &output);
        for address in ["127.0.0.1", "192.0.2.1"] {
            let candidate = format!("candidate:1 1 UDP 1 {address} 50000 typ host");
            webrtcbin.emit_by_name::<()>("on-ice-candidate", &[&0u32, &candidate]);
        }
        let failed = outputs.recv_timeout(Duration::from_secs(10)).unwrap();
        let LegOutput::Failed(LegFailure::Connection(text)) = failed else {
            panic!("{failed:?}");
        };
        assert!(text.contains("192.0.2.1"), "{text}");
    }
}
