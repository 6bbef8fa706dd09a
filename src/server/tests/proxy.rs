//! Servers behind a proxy.

use super::http::get;
use super::*;

fn behind_proxy(limits: Limits) -> Embedded {
    start_with(Config {
        behind_proxy: true,
        secret: Some(tokens::secret()),
        limits,
        ..Config::default()
    })
}

fn upgrade(server: SocketAddr, client: &str) -> hostile::Raw {
    hostile::Raw::open_with(server, &format!("X-Forwarded-For: {client}\r\n"))
}

#[test]
fn a_request_without_the_proxys_header_is_refused() {
    let server = behind_proxy(Limits::default());
    let at = server.local_addr();
    let answer = get(at, "/ws", &format!("Host: localhost\r\n{UPGRADE}"));
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("X-Forwarded-For"), "{answer}");
    // A health check may bypass the proxy.
    let answer = get(at, "/healthz", "Host: localhost\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn limits_apply_to_the_address_that_the_proxy_names() {
    let server = behind_proxy(Limits {
        connections_per_address: 2,
        ..Limits::default()
    });
    let at = server.local_addr();
    let open: Vec<_> = (0..2).map(|_| upgrade(at, "192.0.2.1")).collect();
    // An address that the client itself sent is ignored.
    let refused = upgrade(at, "192.0.2.9, 192.0.2.1").rest();
    assert!(refused.contains("limit-exceeded"), "{refused}");
    assert!(refused.contains("192.0.2.1:"), "{refused}");
    let mut other = upgrade(at, "192.0.2.1, 192.0.2.2");
    other
        .send(1, br#"{"type":"hello","versions":[1],"user":"anna"}"#)
        .unwrap();
    other.wait_for("token-required");
    drop(open);
}

#[test]
fn the_pages_origin_is_that_of_the_proxy() {
    let server = behind_proxy(Limits::default());
    let headers = "Host: localhost\r\nOrigin: https://localhost\r\n";
    let answer = get(server.local_addr(), "/", headers);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
