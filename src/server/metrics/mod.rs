//! Counts what the server does. Without the feature `metrics` nothing is counted.

#[cfg(not(feature = "metrics"))]
mod disabled;
#[cfg(feature = "metrics")]
mod prometheus;

#[cfg(not(feature = "metrics"))]
pub(super) use disabled::Metrics;
#[cfg(feature = "metrics")]
pub(super) use prometheus::{CONTENT_TYPE, Metrics};

/// Why the server closes a socket before a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SocketEnd {
    /// Its address has too many sockets.
    Crowded,
    /// Its address opens too many sockets per second.
    TooFast,
    /// The TLS handshake failed.
    Tls,
}

impl SocketEnd {
    pub(super) fn name(self) -> &'static str {
        match self {
            SocketEnd::Crowded => "crowded",
            SocketEnd::TooFast => "too-fast",
            SocketEnd::Tls => "tls",
        }
    }
}
