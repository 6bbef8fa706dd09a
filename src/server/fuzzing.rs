//! Access for `fuzz/` to the checks of request headers.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::guard::{self, Guard};
use super::{Config, forwarded};

/// Checks whether a server with this configuration answers a request with these values of `Host`
/// and `Origin` and this authority in the request line; otherwise returns the error text.
pub fn permit(
    config: &Config,
    hosts: &[Vec<u8>],
    origins: &[Vec<u8>],
    authority: Option<&str>,
) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    append(&mut headers, &header::HOST, hosts);
    append(&mut headers, &header::ORIGIN, origins);
    Guard::new(config, Arc::default()).permit(&headers, authority)
}

/// Whether `text` can be the name of a server.
pub fn is_host(text: &str) -> bool {
    guard::is_host(text)
}

/// Whether `text` can be an origin.
pub fn is_origin(text: &str) -> bool {
    guard::is_origin(text)
}

/// Returns the client that a proxy names in these values of `X-Forwarded-For`.
pub fn client(values: &[Vec<u8>]) -> Result<IpAddr, String> {
    let mut headers = HeaderMap::new();
    append(&mut headers, &forwarded::HEADER, values);
    forwarded::client(&headers)
}

/// Skips invalid header values: HTTP parsing rejects them earlier.
fn append(headers: &mut HeaderMap, name: &HeaderName, values: &[Vec<u8>]) {
    for value in values.iter().take(4) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
}
