//! The address of a client behind a proxy.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

/// The header in which proxies list the addresses that a request passed.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Returns the last address in the header, which the proxy itself added. The client can forge those
/// before it.
pub(super) fn client(headers: &HeaderMap) -> Result<IpAddr, String> {
    let last = headers.get_all(HEADER).iter().next_back();
    let last = last.and_then(|value| value.to_str().ok());
    let last = last
        .and_then(|value| value.rsplit(',').next())
        .map(str::trim);
    last.and_then(address).ok_or_else(|| {
        "this server was started with --behind-proxy, and the request names no client in \
         X-Forwarded-For: connect through the proxy, and let that add the header\n"
            .to_owned()
    })
}

/// Some proxies add the port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse();
    address
        .ok()
        .or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, value.parse().unwrap());
        }
        client(&headers).ok().map(|address| address.to_string())
    }

    #[test]
    fn the_last_hop_counts_and_addresses_from_the_client_do_not() {
        assert_eq!(of(&["192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        for values in [
            &["127.0.0.1, 10.0.0.1,192.0.2.1 "][..],
            &["127.0.0.1", "192.0.2.1"],
            &["junk, 192.0.2.1:1234"],
        ] {
            assert_eq!(of(values).as_deref(), Some("192.0.2.1"), "{values:?}");
        }
        for value in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80"] {
            assert_eq!(of(&[value]).as_deref(), Some("2001:db8::1"), "{value}");
        }
    }

    #[test]
    fn a_header_without_a_valid_address_is_refused() {
        for values in [
            &[][..],
            &[""],
            &["unknown"],
            &["192.0.2.1, "],
            &["192.0.2.1", "x"],
        ] {
            assert_eq!(of(values), None, "{values:?}");
        }
    }
}
