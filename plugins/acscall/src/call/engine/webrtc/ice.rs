//! The candidates that a leg gathers, and the servers that it uses for that.

use std::net::IpAddr;

use acscall::model::IceServer;
use gst::glib;
use gst::prelude::*;

use super::WebRtc;

/// Sets the STUN and TURN servers: those of the settings and those that the call's server gave.
pub(super) fn set_ice_servers(webrtcbin: &gst::Element, maker: &WebRtc, given: &[IceServer]) {
    let urls = given
        .iter()
        .flat_map(|server| server.urls.iter().map(move |url| (server, url)));
    let mut stun = maker.stun_server.clone();
    for (server, url) in urls {
        // A browser writes `stun:host:port`, webrtcbin `stun://host:port`.
        let Some((scheme, rest)) = url.split_once(':') else {
            continue;
        };
        match scheme {
            "stun" => stun = stun.or_else(|| Some(format!("stun://{rest}"))),
            "turn" | "turns" => {
                let escape = |text: &Option<String>| {
                    glib::uri_escape_string(
                        text.as_deref().unwrap_or_default(),
                        None::<&str>,
                        false,
                    )
                };
                let (user, password) = (escape(&server.username), escape(&server.credential));
                let url = format!("{scheme}://{user}:{password}@{rest}");
                webrtcbin.emit_by_name::<bool>("add-turn-server", &[&url]);
            }
            _ => {}
        }
    }
    if let Some(stun) = stun {
        webrtcbin.set_property("stun-server", stun);
    }
    for turn in &maker.turn_servers {
        webrtcbin.emit_by_name::<bool>("add-turn-server", &[turn]);
    }
}

/// Disables libnice's UPnP, which sends multicast into the local network and takes a thread for
/// each agent, and its TCP candidates, over which one slow receiver would block the encoder that it
/// shares with others. Where UDP is blocked, a TURN server is needed.
pub(super) fn disable_upnp_and_ice_tcp(webrtcbin: &gst::Element) {
    let ice = webrtcbin.property::<glib::Object>("ice-agent");
    if let Some(agent) = ice
        .has_property("agent")
        .then(|| ice.property::<glib::Object>("agent"))
    {
        for property in ["upnp", "ice-tcp"] {
            if agent.has_property(property) {
                agent.set_property(property, false);
            }
        }
    }
}

/// Adds the loopback addresses on a machine where no other interface is up. libnice does not gather
/// them, so there would be no candidates. Elsewhere, adding them would replace the gathering of the
/// other addresses.
pub(super) fn add_loopback_addresses(webrtcbin: &gst::Element) {
    let up = if_addrs::get_if_addrs().unwrap_or_default();
    if up.iter().any(|interface| !interface.is_loopback()) {
        return;
    }
    let agent = webrtcbin.property::<gst::glib::Object>("ice-agent");
    for address in up.iter().map(|interface| interface.ip()) {
        let is_wanted = match address {
            IpAddr::V4(v4) => v4.is_loopback(),
            IpAddr::V6(v6) => v6.is_loopback(),
        };
        if is_wanted {
            agent.emit_by_name::<bool>("add-local-ip-address", &[&address.to_string()]);
        }
    }
}
