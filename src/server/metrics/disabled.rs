//! The metrics of a build without Prometheus.

use super::SocketEnd;
use crate::signalling::message::ErrorCode;

/// Counts nothing.
#[derive(Debug, Default)]
pub(in crate::server) struct Metrics {
    pub(in crate::server) connections_opened: Counter,
    pub(in crate::server) messages_received: Counter,
    pub(in crate::server) messages_sent: Counter,
    pub(in crate::server) slow_readers: Counter,
    pub(in crate::server) requests_refused: Counter,
}

impl Metrics {
    pub(in crate::server) fn socket_ended(&self, _end: SocketEnd) {}

    pub(in crate::server) fn refused(&self, _code: ErrorCode) {}
}

#[derive(Debug, Default)]
pub(in crate::server) struct Counter;

impl Counter {
    pub(in crate::server) fn inc(&self) {}
}
