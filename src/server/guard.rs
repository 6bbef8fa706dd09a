//! The check of `Host` and `Origin` of every request.
//!
//! Any page in a browser on this machine can send requests to loopback, and its owner can make a
//! domain name resolve to 127.0.0.1. The headers reveal both: `Host` is the name that the browser
//! used, `Origin` is the origin of the page.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Config;
use super::listener::Peer;
use super::metrics::Metrics;
use crate::signalling::SERVER_NAME;

/// Returns the name of a server at `address` in a `Host` header, without the port.
pub(super) fn host_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// The maximum number of requests on one socket. The page has about fifty files, which browsers
/// request on six sockets. Together with the limit on new sockets per second, this bounds the
/// requests per second.
const REQUESTS_PER_SOCKET: u32 = 64;

/// The allowed hosts and origins.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    /// The names of this server, without ports.
    hosts: Vec<String>,
    /// The other origins that may use it.
    origins: Vec<String>,
    /// The possible schemes of its own origin.
    schemes: &'static [&'static str],
    metrics: Arc<Metrics>,
}

impl Guard {
    pub(super) fn new(config: &Config, metrics: Arc<Metrics>) -> Guard {
        let schemes: &[&str] = if config.behind_proxy {
            // The scheme between client and proxy is unknown here. Both are safe: browsers send no
            // credentials to this server by themselves that another page could abuse.
            &["https://", "http://"]
        } else if config.tls.is_some() {
            &["https://"]
        } else {
            &["http://"]
        };
        Guard {
            hosts: config.hosts.clone(),
            origins: config.origins.clone(),
            schemes,
            metrics,
        }
    }

    pub(super) fn permit(
        &self,
        headers: &HeaderMap,
        authority: Option<&str>,
    ) -> Result<(), String> {
        let Some(host) = the_only(headers, &header::HOST)? else {
            return Err("the request names no Host\n".to_owned());
        };
        let known = |name: &str| {
            self.hosts
                .iter()
                .any(|host| host.eq_ignore_ascii_case(name))
        };
        // An absolute URL in the request line must have the same authority.
        let named = authority.unwrap_or(host);
        if !named.eq_ignore_ascii_case(host) || !name_part(host).is_some_and(known) {
            return Err(format!(
                "this server is not {host:?}: use one of {} as the host, or start it with another \
                 --host\n",
                self.hosts.join(", ")
            ));
        }
        let Some(origin) = the_only(headers, &header::ORIGIN)? else {
            return Ok(());
        };
        let own = |scheme: &&str| {
            let rest = origin.strip_prefix(scheme);
            rest.is_some_and(|rest| rest.eq_ignore_ascii_case(host))
        };
        let allowed = |other: &String| other.eq_ignore_ascii_case(origin);
        if self.schemes.iter().any(own) || self.origins.iter().any(allowed) {
            return Ok(());
        }
        Err(format!(
            "pages of the origin {origin:?} may not use this server: open {}{host}/ instead, or \
             start it with --allow-origin\n",
            self.schemes[0]
        ))
    }
}

/// Answers requests with another host or a foreign origin with 403 and the reason, and passes the
/// others on.
pub(super) async fn check(
    State(guard): State<Arc<Guard>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let authority = request
        .uri()
        .authority()
        .map(|authority| authority.as_str().to_owned());
    let mut is_last = peer.count_request() >= REQUESTS_PER_SOCKET;
    let mut response = match guard.permit(request.headers(), authority.as_deref()) {
        Ok(()) => next.run(request).await,
        Err(reason) => {
            is_last = true;
            guard.metrics.requests_refused.inc();
            tracing::info!(reason = reason.trim_end(), "request refused");
            (StatusCode::FORBIDDEN, reason).into_response()
        }
    };
    let headers = response.headers_mut();
    if is_last && !headers.contains_key(header::CONNECTION) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    headers.insert(header::SERVER, HeaderValue::from_static(SERVER_NAME));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// Whether `origin` has the form `http(s)://host[:port]`; `*` and `null` do not.
pub(super) fn is_origin(origin: &str) -> bool {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| origin.strip_prefix(scheme));
    rest.is_some_and(is_authority)
}

/// Whether `host` can be the name of a server in a `Host` header, without the port.
pub(super) fn is_host(host: &str) -> bool {
    is_authority(host) && name_part(host) == Some(host)
}

fn is_authority(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    text.bytes().all(good) && name_part(text).is_some_and(|name| !name.is_empty())
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

/// Returns the host without its port; `None` if the port is invalid.
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
        asked_of(&Config::default(), headers)
    }

    fn asked_of(config: &Config, headers: &[(HeaderName, &'static str)]) -> Result<(), String> {
        let map = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        guard(config).permit(&map, None)
    }

    fn guard(config: &Config) -> Guard {
        Guard::new(config, Arc::default())
    }

    #[test]
    fn only_names_of_this_machine_are_accepted_as_host() {
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
    fn only_the_page_of_the_same_host_is_accepted_as_origin() {
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
    fn a_request_with_two_hosts_is_refused() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        assert!(guard(&Config::default()).permit(&headers, None).is_err());
    }

    #[test]
    fn the_url_of_the_request_line_must_match_the_host() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        let guard = guard(&Config::default());
        assert!(guard.permit(&headers, Some("evil.example")).is_err());
        assert!(guard.permit(&headers, Some("localhost")).is_ok());
    }

    #[test]
    fn names_and_origins_can_be_added() {
        let mut config = Config::default();
        config.hosts.push("calls.example".to_owned());
        config.origins.push("https://page.example:8443".to_owned());
        let from =
            |host, origin| asked_of(&config, &[(header::HOST, host), (header::ORIGIN, origin)]);
        assert_eq!(from("calls.example", "http://calls.example"), Ok(()));
        assert_eq!(
            from("Calls.Example:80", "https://page.example:8443"),
            Ok(())
        );
        for origin in [
            "http://page.example:8443",
            "https://page.example",
            "https://page.example:8443.evil.example",
            "null",
            "*",
        ] {
            let error = from("calls.example", origin).unwrap_err();
            assert!(error.contains("--allow-origin"), "{error}");
        }
        let error = from("other.example", "https://page.example:8443").unwrap_err();
        assert!(error.contains("--host"), "{error}");
    }

    #[test]
    fn behind_a_proxy_the_page_is_http_or_https() {
        let config = Config {
            behind_proxy: true,
            ..Config::default()
        };
        for origin in ["https://localhost", "http://localhost"] {
            let headers = [(header::HOST, "localhost"), (header::ORIGIN, origin)];
            assert_eq!(asked_of(&config, &headers), Ok(()));
        }
    }

    #[test]
    fn invalid_hosts_and_origins_are_rejected() {
        for good in ["calls.example", "192.0.2.1", "[2001:db8::1]"] {
            assert!(is_host(good), "{good}");
            assert!(is_origin(&format!("https://{good}")), "{good}");
            assert!(is_origin(&format!("http://{good}:8080")), "{good}");
        }
        for bad in ["", "*", "a:80", "https://a", "a/b", "a b", "::1", "a@b"] {
            assert!(!is_host(bad), "{bad}");
        }
        for bad in [
            "",
            "*",
            "null",
            "a",
            "https://",
            "https://a/",
            "https://*",
            "ftp://a",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
