//! The limit on the sockets of each address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::metrics::SocketEnd;
use crate::rate_limit::{Quota, RateLimiter};
use crate::signalling::room::{Limits, rate_limit_key};

/// Sockets that an address may have beyond its WebSockets: for page loads, and for connections that
/// are refused with a message.
const SPARE: usize = 64;

/// New sockets of an address for each new WebSocket that it may open, both in a burst and in the
/// long run: for page loads, and for connections that are refused with a message. A socket beyond
/// that is closed without a message, which would cost more than it is worth.
const SOCKETS_PER_CONNECTION: u32 = 4;

/// The number of known addresses above which those without effect are dropped.
const REMEMBERED: usize = 1024;

/// Bounds the open and the new sockets of each address.
pub(super) struct ConnectionLimiter {
    most: usize,
    quota: Quota,
    addresses: Arc<Mutex<Addresses>>,
}

#[derive(Default)]
struct Addresses {
    known: BTreeMap<IpAddr, Address>,
    /// The length at which unused addresses are dropped.
    sweep_at: usize,
}

struct Address {
    open: usize,
    new: RateLimiter<Instant>,
}

impl ConnectionLimiter {
    pub(super) fn new(limits: &Limits) -> ConnectionLimiter {
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

    pub(super) fn acquire(
        &self,
        address: IpAddr,
        now: Instant,
    ) -> Result<ConnectionPermit, SocketEnd> {
        let address = rate_limit_key(address);
        let mut addresses = self.addresses.lock();
        if addresses.known.len() >= addresses.sweep_at.max(REMEMBERED) {
            addresses
                .known
                .retain(|_, known| known.open > 0 || known.new.full_at(now) > now);
            addresses.sweep_at = 2 * addresses.known.len();
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

/// Permits one socket. Dropping it gives the permit back.
pub(super) struct ConnectionPermit {
    addresses: Arc<Mutex<Addresses>>,
    address: IpAddr,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut addresses = self.addresses.lock();
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
    fn the_sockets_of_an_address_are_limited() {
        let (limiter, now) = (limiter(), Instant::now());
        let mut taken: Vec<_> = (0..2 + SPARE)
            .map(|_| limiter.acquire(address(1), now).ok().unwrap())
            .collect();
        assert_eq!(
            limiter.acquire(address(1), now).err(),
            Some(SocketEnd::Crowded)
        );
        assert!(limiter.acquire(address(2), now).is_ok());
        taken.pop();
        assert!(limiter.acquire(address(1), now).is_ok());
    }

    #[test]
    fn the_new_sockets_of_an_address_per_second_are_limited() {
        let (limiter, now) = (limiter(), Instant::now());
        for _ in 0..80 {
            assert!(limiter.acquire(address(1), now).is_ok());
        }
        assert_eq!(
            limiter.acquire(address(1), now).err(),
            Some(SocketEnd::TooFast)
        );
        assert!(limiter.acquire(address(2), now).is_ok());
        let later = now + Duration::from_millis(250);
        assert!(limiter.acquire(address(1), later).is_ok());
        assert_eq!(
            limiter.acquire(address(1), later).err(),
            Some(SocketEnd::TooFast)
        );
    }

    #[test]
    fn only_addresses_of_long_ago_are_forgotten() {
        let (limiter, now) = (limiter(), Instant::now());
        let kept = limiter.acquire(address(0), now);
        for number in 1..=REMEMBERED as u32 {
            drop(limiter.acquire(address(number), now));
        }
        let later = now + Duration::from_secs(60);
        for number in 0..REMEMBERED as u32 {
            drop(limiter.acquire(address(1_000_000 + number), later));
        }
        let known = limiter.addresses.lock();
        assert!(known.known.contains_key(&address(0)));
        assert!(!known.known.contains_key(&address(1)));
        drop(known);
        drop(kept);
    }
}
