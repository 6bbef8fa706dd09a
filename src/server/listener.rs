//! Accepts connections within the limits.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::connection_limiter::ConnectionLimiter;
use super::metrics::Metrics;
use super::socket::Socket;
use super::tls::Tls;
use crate::signalling::room::Limits;

/// A listener that limits the sockets of each address, so that one client cannot use up this
/// process's file descriptors or time.
pub(super) struct Listener {
    listener: TcpListener,
    tls: Option<Tls>,
    /// `None` behind a proxy, where all sockets have the same address.
    limiter: Option<ConnectionLimiter>,
    metrics: Arc<Metrics>,
}

impl Listener {
    pub(super) fn new(
        listener: TcpListener,
        tls: Option<Tls>,
        limits: Option<&Limits>,
        metrics: Arc<Metrics>,
    ) -> Listener {
        Listener {
            listener,
            tls,
            limiter: limits.map(ConnectionLimiter::new),
            metrics,
        }
    }
}

impl axum::serve::Listener for Listener {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        loop {
            let (stream, peer) = axum::serve::Listener::accept(&mut self.listener).await;
            let permit = match &self.limiter {
                None => None,
                Some(limiter) => match limiter.acquire(peer.ip(), Instant::now()) {
                    Ok(permit) => Some(permit),
                    Err(end) => {
                        self.metrics.socket_ended(end);
                        tracing::debug!(address = %peer.ip(), reason = end.name(), "socket closed");
                        continue;
                    }
                },
            };
            // Messages are small and urgent. Without the option they are only slower.
            let _ = stream.set_nodelay(true);
            let tls = self.tls.as_ref().map(Tls::config);
            return (Socket::new(stream, tls, permit, self.metrics.clone()), peer);
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    upgraded: Arc<AtomicBool>,
    requests: Arc<AtomicU32>,
}

impl Peer {
    /// Increments this socket's request count and returns it.
    pub(super) fn count_request(&self) -> u32 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Marks the socket as a WebSocket, which has its own timeouts.
    pub(super) fn upgraded(&self) {
        self.upgraded.store(true, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, Listener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Peer {
        Peer {
            address: *stream.remote_addr(),
            upgraded: stream.io().upgraded(),
            requests: Arc::default(),
        }
    }
}
