//! The limits on the connections of each address.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

use super::limits::Limits;
use super::rejection::Rejection;
use super::{ConnectionId, Rooms, Timer};
use crate::rate_limit::RateLimiter;
use crate::signalling::message::ErrorCode;

/// An address, or the IPv6 network that one customer has to itself.
#[derive(Debug)]
pub(super) struct Address {
    open: usize,
    new: RateLimiter<Instant>,
    /// The time of the only [`Timer::Forget`] of this address.
    forgotten_at: Option<Instant>,
}

/// Returns the key that a client's connections are counted by: for IPv6 the /64, because one
/// machine can have any number of addresses in it.
pub fn rate_limit_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            Ipv6Addr::from_bits(network).into()
        }
        address => address,
    }
}

impl Rooms {
    /// Counts a new connection; an error if a limit is exceeded.
    pub(super) fn count(&mut self, address: IpAddr, now: Instant) -> Result<(), Rejection> {
        let Limits {
            connections_per_address: most,
            connections_per_second: per_second,
            connection_burst: burst,
            ..
        } = self.limits;
        let quota = self.limits.new_connections();
        let counted = self.addresses.entry(address).or_insert_with(|| Address {
            open: 0,
            new: RateLimiter::new(quota),
            forgotten_at: None,
        });
        counted.open += 1;
        let crowded = counted.open > most;
        let text = if counted.new.try_acquire(1, now).is_err() {
            format!(
                "too many new connections from {address}: {burst} at once and {per_second} per \
                 second are allowed; wait longer before trying again"
            )
        } else if crowded {
            format!(
                "more than {most} connections from {address}: close some, one client needs one \
                 per call"
            )
        } else {
            return Ok(());
        };
        Err(Rejection::new(ErrorCode::LimitExceeded, text))
    }

    /// Charges the penalty for a connection that exceeded its rate.
    pub(super) fn penalize(&mut self, id: ConnectionId, now: Instant) {
        if let Some(connection) = self.connections.get(&id)
            && let Some(counted) = self.addresses.get_mut(&connection.address())
        {
            counted.new.penalize(self.limits.penalty(), now);
        }
    }

    /// Counts a closed connection.
    pub(super) fn remove_connection(&mut self, address: IpAddr, now: Instant) {
        if let Some(counted) = self.addresses.get_mut(&address) {
            counted.open -= 1;
        }
        self.forget(address, now);
    }

    /// Forgets an address without connections once its history has no effect.
    pub(super) fn forget(&mut self, address: IpAddr, now: Instant) {
        let Some(counted) = self.addresses.get_mut(&address).filter(|a| a.open == 0) else {
            return;
        };
        let full = counted.new.full_at(now);
        let is_forgotten = full <= now;
        let before = match is_forgotten {
            true => counted.forgotten_at.take(),
            false => counted.forgotten_at.replace(full),
        };
        if let Some(before) = before {
            self.timers.remove(&(before, Timer::Forget(address)));
        }
        match is_forgotten {
            true => drop(self.addresses.remove(&address)),
            false => drop(self.timers.insert((full, Timer::Forget(address)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let counted = |text: &str| rate_limit_key(text.parse().unwrap()).to_string();
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(counted("2001:db8:1:3::1"), "2001:db8:1:3::");
        assert_eq!(counted("::1"), "::1");
        assert_eq!(counted("192.0.2.7"), "192.0.2.7");
        assert_eq!(counted("::ffff:192.0.2.7"), "192.0.2.7");
    }
}
