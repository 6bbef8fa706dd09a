//! Which requests are answered at all.
//!
//! Any page that a user of this machine opens can send requests to loopback, and a name of its
//! owner's can be made to mean 127.0.0.1. Both show in the headers: `Host` names what the browser
//! believes to talk to, `Origin` whose page it is.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::signalling::SERVER_NAME;

/// The name of a server at `address` in a `Host` header, without the port.
pub(super) fn host_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// Answers requests that are none of this server's with 403 and the reason, passes on the others.
pub(super) async fn check(
    State(hosts): State<Arc<[String]>>,
    request: Request,
    next: Next,
) -> Response {
    let authority = request
        .uri()
        .authority()
        .map(|authority| authority.as_str().to_owned());
    let mut response = match permit(&hosts, request.headers(), authority.as_deref()) {
        Ok(()) => next.run(request).await,
        Err(reason) => {
            tracing::info!("request refused: {reason}");
            (StatusCode::FORBIDDEN, reason).into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static(SERVER_NAME));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

fn permit(hosts: &[String], headers: &HeaderMap, authority: Option<&str>) -> Result<(), String> {
    let Some(host) = the_only(headers, &header::HOST)? else {
        return Err("the request names no Host\n".to_owned());
    };
    let known = |name: &str| hosts.iter().any(|host| host.eq_ignore_ascii_case(name));
    // Of a request line with a whole URL, that URL counts.
    let named = authority.unwrap_or(host);
    if !named.eq_ignore_ascii_case(host) || !name_part(host).is_some_and(known) {
        return Err(format!(
            "this server is not {host:?}: use one of {} as the host\n",
            hosts.join(", ")
        ));
    }
    match the_only(headers, &header::ORIGIN)? {
        None => Ok(()),
        Some(origin)
            if origin
                .strip_prefix("http://")
                .is_some_and(|o| o.eq_ignore_ascii_case(host)) =>
        {
            Ok(())
        }
        Some(origin) => Err(format!(
            "pages of the origin {origin:?} may not use this server: open http://{host}/ instead\n"
        )),
    }
}

fn the_only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, String> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(format!("the request has more than one {name}\n"));
    }
    value
        .to_str()
        .map(Some)
        .map_err(|_| format!("the request's {name} cannot be read\n"))
}

/// The host without its port; `None` if that is no port.
fn name_part(host: &str) -> Option<&str> {
    let name_end = if host.starts_with('[') {
        host.find(']')? + 1
    } else {
        host.find(':').unwrap_or(host.len())
    };
    let (name, port) = host.split_at(name_end);
    let digits =
        |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
    (port.is_empty() || port.strip_prefix(':').is_some_and(digits)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(HeaderName, &'static str)]) -> Result<(), String> {
        let hosts = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let map = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        permit(&hosts, &map, None)
    }

    #[test]
    fn only_names_of_this_machine_are_taken_as_host() {
        for good in [
            "localhost",
            "LocalHost:7788",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:65535",
        ] {
            assert_eq!(asked(&[(header::HOST, good)]), Ok(()), "{good}");
        }
        for bad in [
            "",
            ":80",
            "evil.example",
            "evil.example:7788",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost:80:80",
            "localhost:",
            "localhost:x",
            "[::1]x",
            "[::1",
            "::1",
            "127.0.0.2",
            "localhost@evil.example",
        ] {
            assert!(asked(&[(header::HOST, bad)]).is_err(), "{bad}");
        }
        assert!(asked(&[]).is_err());
    }

    #[test]
    fn only_the_page_of_the_same_host_is_taken_as_origin() {
        let from = |origin| asked(&[(header::HOST, "localhost:7788"), (header::ORIGIN, origin)]);
        assert_eq!(from("http://localhost:7788"), Ok(()));
        for bad in [
            "null",
            "",
            "http://localhost",
            "https://localhost:7788",
            "http://localhost:7789",
            "http://127.0.0.1:7788",
            "http://evil.example",
            "http://localhost:7788.evil.example",
            "http://localhost:7788/",
            "file://",
        ] {
            assert!(from(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn two_hosts_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        assert!(permit(&["localhost".to_owned()], &headers, None).is_err());
    }

    #[test]
    fn the_url_of_the_request_line_counts_too() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        let hosts = ["localhost".to_owned()];
        assert!(permit(&hosts, &headers, Some("evil.example")).is_err());
        assert!(permit(&hosts, &headers, Some("localhost")).is_ok());
    }
}
