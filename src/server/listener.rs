//! Accepting connections, not too many of them.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::metrics::{Metrics, SocketEnd};
use super::socket::Socket;
use super::tls::Tls;
use crate::rate_limit::{Quota, RateLimiter};
use crate::signalling::room::{Limits, rate_limit_key};

/// Sockets per address beyond the WebSockets that it may have: page loads, and connections that
/// are one too many and are to be told so.
const SPARE: usize = 64;

/// New sockets per address and second, at once and in the long run, for each new WebSocket that
/// it may open: the others are page loads, and connections that are to be told that they are too
/// many. Beyond that a socket is closed without a word; a word would cost more than it is worth.
const SOCKETS_PER_CONNECTION: u32 = 4;

/// Addresses that are remembered before those whose past has no effect any more are looked for.
const REMEMBERED: usize = 1024;

/// A listener that bounds the sockets of each address, so that one client cannot take all the
/// files that this process may open, nor all its time.
pub(super) struct Listener {
    listener: TcpListener,
    tls: Option<Tls>,
    /// None where all sockets are those of one proxy.
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
                Some(limiter) => match limiter.take(peer.ip(), Instant::now()) {
                    Ok(permit) => Some(permit),
                    Err(end) => {
                        self.metrics.socket_ended(end);
                        tracing::debug!(address = %peer.ip(), reason = end.name(), "socket closed");
                        continue;
                    }
                },
            };
            // Messages are small and awaited; without it they are only a little later.
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
    /// Counts one request on its socket more; gives how many it are.
    pub(super) fn count_request(&self) -> u32 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Its socket is a WebSocket now, which has rules of its own.
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

/// The sockets of all addresses.
struct ConnectionLimiter {
    most: usize,
    quota: Quota,
    addresses: Arc<Mutex<Addresses>>,
}

#[derive(Default)]
struct Addresses {
    known: BTreeMap<IpAddr, Address>,
    /// How many may be known before some are forgotten.
    room: usize,
}

struct Address {
    open: usize,
    new: RateLimiter<Instant>,
}

impl ConnectionLimiter {
    fn new(limits: &Limits) -> ConnectionLimiter {
        ConnectionLimiter {
            most: limits.connections_per_address.saturating_add(SPARE),
            quota: Quota::per_second(
                limits
                    .connections_per_second
                    .saturating_mul(SOCKETS_PER_CONNECTION),
                limits
                    .connection_burst
                    .saturating_mul(SOCKETS_PER_CONNECTION),
            ),
            addresses: Arc::default(),
        }
    }

    fn take(&self, address: IpAddr, now: Instant) -> Result<ConnectionPermit, SocketEnd> {
        let address = rate_limit_key(address);
        let mut addresses = self
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if addresses.known.len() >= addresses.room.max(REMEMBERED) {
            addresses
                .known
                .retain(|_, known| known.open > 0 || known.new.full_at(now) > now);
            addresses.room = 2 * addresses.known.len();
        }
        let known = addresses.known.entry(address).or_insert_with(|| Address {
            open: 0,
            new: RateLimiter::new(self.quota),
        });
        if known.new.try_acquire(1, now).is_err() {
            return Err(SocketEnd::TooFast);
        }
        if known.open >= self.most {
            return Err(SocketEnd::Crowded);
        }
        known.open += 1;
        Ok(ConnectionPermit {
            addresses: self.addresses.clone(),
            address,
        })
    }
}

/// One of the limiter an address has.
pub(super) struct ConnectionPermit {
    addresses: Arc<Mutex<Addresses>>,
    address: IpAddr,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut addresses = self
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = addresses.known.get_mut(&self.address) {
            known.open -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    fn limiter() -> ConnectionLimiter {
        ConnectionLimiter::new(&Limits {
            connections_per_address: 2,
            connections_per_second: 1,
            connection_burst: 20,
            ..Limits::default()
        })
    }

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn an_address_has_its_number_of_sockets() {
        let (limiter, now) = (limiter(), Instant::now());
        let mut taken: Vec<_> = (0..2 + SPARE)
            .map(|_| limiter.take(address(1), now).ok().unwrap())
            .collect();
        assert_eq!(
            limiter.take(address(1), now).err(),
            Some(SocketEnd::Crowded)
        );
        assert!(limiter.take(address(2), now).is_ok());
        taken.pop();
        assert!(limiter.take(address(1), now).is_ok());
    }

    #[test]
    fn an_address_opens_its_number_of_sockets_per_second() {
        let (limiter, now) = (limiter(), Instant::now());
        for _ in 0..80 {
            assert!(limiter.take(address(1), now).is_ok());
        }
        assert_eq!(
            limiter.take(address(1), now).err(),
            Some(SocketEnd::TooFast)
        );
        assert!(limiter.take(address(2), now).is_ok());
        let later = now + Duration::from_millis(250);
        assert!(limiter.take(address(1), later).is_ok());
        assert_eq!(
            limiter.take(address(1), later).err(),
            Some(SocketEnd::TooFast)
        );
    }

    #[test]
    fn addresses_of_long_ago_are_forgotten_and_others_are_not() {
        let (limiter, now) = (limiter(), Instant::now());
        let kept = limiter.take(address(0), now);
        for number in 1..=REMEMBERED as u32 {
            drop(limiter.take(address(number), now));
        }
        let later = now + Duration::from_secs(60);
        for number in 0..REMEMBERED as u32 {
            drop(limiter.take(address(1_000_000 + number), later));
        }
        let known = limiter.addresses.lock().unwrap();
        assert!(known.known.contains_key(&address(0)));
        assert!(!known.known.contains_key(&address(1)));
        drop(known);
        drop(kept);
    }
}
