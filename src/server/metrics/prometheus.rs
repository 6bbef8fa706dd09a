//! Metrics in the format of Prometheus.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

use super::SocketEnd;
use crate::signalling::message::ErrorCode;
use crate::signalling::room::Stats;

/// The content type of [`Metrics::text`].
pub(in crate::server) const CONTENT_TYPE: &str =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counters since the start, and gauges of the current state. No label names a user or a call.
#[derive(Debug)]
pub(in crate::server) struct Metrics {
    calls: Gauge,
    participants: Family<Label, Gauge>,
    listening: Gauge,
    ringing: Gauge,
    connections: Gauge,
    pub(in crate::server) connections_opened: Counter,
    pub(in crate::server) messages_received: Counter,
    pub(in crate::server) messages_sent: Counter,
    pub(in crate::server) slow_readers: Counter,
    pub(in crate::server) requests_refused: Counter,
    sockets: Family<Label, Counter>,
    refusals: Family<Label, Counter>,
    registry: Registry,
}

/// A label's name and value.
type Label = [(&'static str, String); 1];

/// Every reason for which the server closes a socket early.
const SOCKET_ENDS: [SocketEnd; 3] = [SocketEnd::Crowded, SocketEnd::TooFast, SocketEnd::Tls];

fn label(end: SocketEnd) -> Label {
    [("reason", end.name().to_owned())]
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut registry = Registry::with_prefix("acscall");
        let to = &mut registry;
        let build: Family<Label, Gauge> = add(to, "build_info", "The server's version");
        let version = env!("CARGO_PKG_VERSION").to_owned();
        build.get_or_create(&[("version", version)]).set(1);
        let metrics = Metrics {
            calls: add(to, "calls", "Calls now"),
            participants: add(to, "participants", "Participants of all calls now"),
            listening: add(to, "listening", "WebSockets that wait for calls"),
            ringing: add(to, "ringing", "Users who are being rung"),
            connections: add(to, "connections", "Open WebSockets"),
            connections_opened: add(to, "connections_opened", "WebSockets that were opened"),
            messages_received: add(to, "messages_received", "Messages from clients"),
            messages_sent: add(to, "messages_sent", "Messages to clients"),
            slow_readers: add(
                to,
                "slow_readers_dropped",
                "Connections dropped because they did not read",
            ),
            requests_refused: add(
                to,
                "requests_refused",
                "HTTP requests refused for their Host, Origin or X-Forwarded-For",
            ),
            sockets: add(
                to,
                "sockets_closed",
                "Sockets closed before they were of use",
            ),
            refusals: add(to, "refusals", "Errors sent to clients, by code"),
            registry,
        };
        for end in SOCKET_ENDS {
            // Samples start at 0 instead of being absent.
            drop(metrics.sockets.get_or_create(&label(end)));
        }
        metrics
    }
}

/// Registers a metric and returns a handle to it.
fn add<M: Metric + Clone + Default>(to: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    to.register(name, help, metric.clone());
    metric
}

impl Metrics {
    pub(in crate::server) fn socket_ended(&self, end: SocketEnd) {
        self.sockets.get_or_create(&label(end)).inc();
    }

    pub(in crate::server) fn refused(&self, code: ErrorCode) {
        let code = serde_json::to_value(code).unwrap_or_default();
        let code = code.as_str().unwrap_or_default().to_owned();
        self.refusals.get_or_create(&[("code", code)]).inc();
    }

    /// Returns all metrics as text.
    pub(in crate::server) fn text(&self, stats: &Stats) -> String {
        self.calls.set(stats.calls as i64);
        self.listening.set(stats.listening as i64);
        self.ringing.set(stats.ringing as i64);
        self.connections.set(stats.connections as i64);
        let lost = stats.participants_lost;
        for (connected, count) in [(true, stats.participants - lost), (false, lost)] {
            let label = [("connected", connected.to_string())];
            self.participants.get_or_create(&label).set(count as i64);
        }
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            // A partial text would lack the end mark, so no reader takes it for the whole.
            Err(std::fmt::Error) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_in_the_manual_and_has_its_value() {
        let metrics = Metrics::default();
        metrics.refused(ErrorCode::TokenExpired);
        metrics.refused(ErrorCode::TokenExpired);
        metrics.socket_ended(SocketEnd::TooFast);
        let stats = Stats {
            connections: 4,
            calls: 1,
            participants: 3,
            participants_lost: 1,
            listening: 6,
            ringing: 5,
        };
        let text = metrics.text(&stats);
        let manual = include_str!("../../../docs/server.md");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            value.parse::<u64>().unwrap();
            let name = &sample[..sample.find('{').unwrap_or(sample.len())];
            let named = [format!("`{name}`"), format!("`{name}{{")];
            assert!(named.iter().any(|name| manual.contains(name)), "{name}");
        }
        for line in [
            concat!(
                "acscall_build_info{version=\"",
                env!("CARGO_PKG_VERSION"),
                "\"} 1"
            ),
            "acscall_refusals_total{code=\"token-expired\"} 2",
            "acscall_participants{connected=\"true\"} 2",
            "acscall_participants{connected=\"false\"} 1",
            "acscall_connections 4",
            "acscall_listening 6",
            "acscall_ringing 5",
            "acscall_sockets_closed_total{reason=\"too-fast\"} 1",
            "acscall_sockets_closed_total{reason=\"tls\"} 0",
            "acscall_messages_sent_total 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in {text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
