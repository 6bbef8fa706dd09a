//! What is counted, in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::signalling::message::ErrorCode;
use crate::signalling::room::Census;

/// The content type of the text format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Counters since the start. None says anything of a particular user or call.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) connections_opened: Counter,
    pub(super) messages_received: Counter,
    pub(super) messages_sent: Counter,
    pub(super) slow_readers: Counter,
    pub(super) requests_refused: Counter,
    sockets: [Counter; SocketEnd::ALL.len()],
    refusals: Mutex<BTreeMap<ErrorCode, u64>>,
}

/// A number that grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a socket is closed before it was of any use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SocketEnd {
    /// Its address has too many.
    Crowded,
    /// Its address opens too many per second.
    TooFast,
    /// The TLS handshake failed.
    Tls,
}

impl SocketEnd {
    const ALL: [SocketEnd; 3] = [SocketEnd::Crowded, SocketEnd::TooFast, SocketEnd::Tls];

    pub(super) fn name(self) -> &'static str {
        match self {
            SocketEnd::Crowded => "crowded",
            SocketEnd::TooFast => "too-fast",
            SocketEnd::Tls => "tls",
        }
    }
}

impl Metrics {
    pub(super) fn socket_ended(&self, end: SocketEnd) {
        self.sockets[end as usize].add();
    }

    pub(super) fn refused(&self, code: ErrorCode) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        *refusals.entry(code).or_default() += 1;
    }

    /// All of it, with what is there now.
    pub(super) fn text(&self, census: &Census) -> String {
        let mut text = Text::default();
        let version = concat!("{version=\"", env!("CARGO_PKG_VERSION"), "\"}");
        text.family("build_info", "gauge", "The server's version.");
        text.sample("build_info", version, 1);
        text.one("calls", "gauge", "Calls now.", census.calls as u64);
        text.family("participants", "gauge", "Participants of all calls now.");
        let lost = census.participants_lost;
        let connected = census.participants - lost;
        text.sample("participants", "{connected=\"true\"}", connected as u64);
        text.sample("participants", "{connected=\"false\"}", lost as u64);
        let open = census.connections as u64;
        text.one("connections", "gauge", "Open WebSockets.", open);
        for (name, help, counter) in [
            (
                "connections_opened_total",
                "WebSockets that were opened.",
                &self.connections_opened,
            ),
            (
                "messages_received_total",
                "Messages from clients.",
                &self.messages_received,
            ),
            (
                "messages_sent_total",
                "Messages to clients.",
                &self.messages_sent,
            ),
            (
                "slow_readers_dropped_total",
                "Connections dropped because they did not read.",
                &self.slow_readers,
            ),
            (
                "requests_refused_total",
                "HTTP requests refused for their Host, Origin or X-Forwarded-For.",
                &self.requests_refused,
            ),
        ] {
            text.one(name, "counter", help, counter.value());
        }
        let help = "Sockets closed before they were of use.";
        text.family("sockets_closed_total", "counter", help);
        for end in SocketEnd::ALL {
            let label = format!("{{reason=\"{}\"}}", end.name());
            let value = self.sockets[end as usize].value();
            text.sample("sockets_closed_total", &label, value);
        }
        let help = "Errors told to clients, by their code on the wire.";
        text.family("refusals_total", "counter", help);
        let refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        for (code, count) in &*refusals {
            // Codes are written as strings of letters and hyphens, quotes included.
            let code = serde_json::to_string(code).unwrap_or_default();
            text.sample("refusals_total", &format!("{{code={code}}}"), *count);
        }
        text.0
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP acscall_{name} {help}");
        let _ = writeln!(self.0, "# TYPE acscall_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: u64) {
        let _ = writeln!(self.0, "acscall_{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help);
        self.sample(name, "", value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_belongs_to_the_family_before_it() {
        let metrics = Metrics::default();
        metrics.refused(ErrorCode::TokenExpired);
        metrics.refused(ErrorCode::TokenExpired);
        metrics.socket_ended(SocketEnd::TooFast);
        let census = Census {
            connections: 4,
            calls: 1,
            participants: 3,
            participants_lost: 1,
        };
        let text = metrics.text(&census);
        let manual = include_str!("../../docs/server.md");
        let mut family = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                family = rest.split(' ').next().unwrap();
                assert!(manual.contains(family), "{family} is not in the manual");
            } else if !line.starts_with("# HELP ") {
                let (name, value) = line.rsplit_once(' ').unwrap();
                value.parse::<u64>().unwrap();
                let end = name.find('{').unwrap_or(name.len());
                assert_eq!(&name[..end], family, "{line}");
            }
        }
        for line in [
            "acscall_refusals_total{code=\"token-expired\"} 2",
            "acscall_participants{connected=\"true\"} 2",
            "acscall_participants{connected=\"false\"} 1",
            "acscall_connections 4",
            "acscall_sockets_closed_total{reason=\"too-fast\"} 1",
            "acscall_sockets_closed_total{reason=\"tls\"} 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in {text}");
        }
    }
}
