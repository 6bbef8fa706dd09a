//! HTTP requests.

use super::*;

/// Sends a handwritten request and returns the whole response.
pub(super) fn ask(server: SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(server).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

pub(super) fn get(server: SocketAddr, path: &str, headers: &str) -> String {
    ask(
        server,
        &format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"),
    )
}

#[test]
fn a_foreign_host_is_refused() {
    let server = start();
    let at = server.local_addr();
    for path in ["/", "/ws", "/healthz"] {
        let answer = get(at, path, &format!("Host: evil.example:{}\r\n", at.port()));
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert!(
            answer.contains("evil.example") && answer.contains("localhost"),
            "{answer}"
        );
    }
    let answer = ask(at, "GET / HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.0 403"), "{answer}");
    for host in ["localhost", "LOCALHOST:99", "127.0.0.1:7788", "[::1]"] {
        let answer = get(at, "/healthz", &format!("Host: {host}\r\n"));
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"),
            "{answer}"
        );
    }
}

#[test]
fn a_foreign_origin_is_refused() {
    let server = start();
    let at = server.local_addr();
    for origin in [
        "http://evil.example",
        "null",
        "https://localhost:1",
        "http://localhost:2",
    ] {
        let headers = format!("Host: localhost:1\r\nOrigin: {origin}\r\n");
        for request in ["/", "/ws"] {
            let upgrade = if request == "/ws" { UPGRADE } else { "" };
            let answer = get(at, request, &format!("{headers}{upgrade}"));
            assert!(answer.starts_with("HTTP/1.1 403"), "{origin}: {answer}");
            assert!(answer.contains(origin), "{answer}");
        }
    }
    let headers = "Host: localhost:1\r\nOrigin: http://localhost:1\r\n";
    assert!(get(at, "/", headers).starts_with("HTTP/1.1 200"));
}

#[test]
fn the_page_is_served_with_its_type_and_policy() {
    let server = start();
    let answer = get(server.local_addr(), "/", "Host: localhost\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    for header in [
        "content-type: text/html; charset=utf-8",
        "cache-control: no-cache",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'; script-src 'self'",
    ] {
        assert!(head.contains(header), "{head}");
    }
    assert!(body.contains("<html"), "{body}");
    let script = get(server.local_addr(), "/page.js", "Host: localhost\r\n");
    assert!(script.contains("content-type: text/javascript"), "{script}");
    let missing = get(server.local_addr(), "/../Cargo.toml", "Host: localhost\r\n");
    assert!(missing.starts_with("HTTP/1.1 404"), "{missing}");
}

#[tokio::test]
async fn a_socket_without_a_request_is_closed() {
    let at = spawn();
    let mut idle = tokio::net::TcpStream::connect(at).await.unwrap();
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let _ = tokio::io::AsyncReadExt::read(&mut idle, &mut [0; 8]).await;
    assert_eq!(seconds_since(start), 10);
}

#[test]
fn the_second_of_two_servers_on_a_port_fails() {
    let first = start();
    let error = Embedded::start(first.local_addr()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[test]
fn the_requests_of_a_socket_are_limited_to_one_if_it_is_refused() {
    let server = start();
    let at = server.local_addr();
    let all = |host: &str, number: usize| {
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n");
        ask(at, &request.repeat(number))
    };
    let answer = all("localhost", 64);
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 64, "{answer}");
    assert_eq!(answer.matches("connection: close").count(), 1, "{answer}");
    assert!(answer.ends_with("ok"), "{answer}");
    let mut refused = TcpStream::connect(at).unwrap();
    refused.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    refused.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    refused.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("connection: close"), "{answer}");
}
