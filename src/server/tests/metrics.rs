//! Metrics and health, for operators.

use super::http::get;
use super::*;

/// Returns the value of a sample.
fn value(server: SocketAddr, sample: &str) -> Option<u64> {
    let answer = get(server, "/metrics", "Host: localhost\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.contains("content-type: application/openmetrics-text; version=1.0.0"),
        "{answer}"
    );
    let line = answer
        .lines()
        .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

#[tokio::test]
async fn metrics_count_events() {
    let server = start();
    let at = server.local_addr();
    assert_eq!(value(at, "acscall_calls"), Some(0));
    let mut anna = Client::join(at, "anna").await;
    let bert = Client::join(at, "bert").await;
    assert!(anna.participant().await.connected);
    assert_eq!(value(at, "acscall_calls"), Some(1));
    let present = "acscall_participants{connected=\"true\"}";
    assert_eq!(value(at, present), Some(2));
    assert_eq!(value(at, "acscall_connections"), Some(2));
    assert_eq!(value(at, "acscall_connections_opened_total"), Some(2));
    // hello and join of both; welcome and joined to both, and bert's arrival to anna.
    assert_eq!(value(at, "acscall_messages_received_total"), Some(4));
    assert_eq!(value(at, "acscall_messages_sent_total"), Some(5));

    drop((bert.sender, bert.receiver));
    assert!(!anna.participant().await.connected);
    let lost = "acscall_participants{connected=\"false\"}";
    assert_eq!((value(at, present), value(at, lost)), (Some(1), Some(1)));

    let refusals = "acscall_refusals_total{code=\"out-of-order\"}";
    assert_eq!(value(at, refusals), None);
    anna.send(&join(CALL, None)).await;
    assert!(matches!(anna.next().await, ServerMessage::Error { .. }));
    assert_eq!(value(at, refusals), Some(1));
    let foreign = get(at, "/", "Host: evil.example\r\n");
    assert!(foreign.starts_with("HTTP/1.1 403"), "{foreign}");
    assert_eq!(value(at, "acscall_requests_refused_total"), Some(1));
}

#[tokio::test]
async fn behind_a_proxy_metrics_are_served_only_at_their_own_address() {
    let config = Config {
        behind_proxy: true,
        secret: Some(tokens::secret()),
        metrics: Some("127.0.0.1:0".parse().unwrap()),
        ..Config::default()
    };
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), config).unwrap();
    let (at, metrics) = (server.local_addr(), server.metrics_addr().unwrap());
    tokio::spawn(server.serve(std::future::pending()));
    let ask = |at, path: &'static str, host: &'static str| async move {
        let ask = move || get(at, path, &format!("Host: {host}\r\n"));
        tokio::task::spawn_blocking(ask).await.unwrap()
    };
    let answer = ask(at, "/metrics", "localhost").await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.contains("--metrics-listen"), "{answer}");
    // A collector may use any name for the machine.
    let answer = ask(metrics, "/metrics", "prometheus-target").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("acscall_build_info{version="), "{answer}");
    let answer = ask(metrics, "/healthz", "prometheus-target").await;
    assert!(answer.ends_with("ok"), "{answer}");
    let answer = ask(metrics, "/", "prometheus-target").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}
