//! The lines of all namespaces, and the middle that connects them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::conditions::Conditions;
use crate::shape::Shaper;

/// See the module.
#[derive(Debug)]
pub(crate) struct Network {
    lines: Vec<Line>,
    /// The line on which each IPv4 address was seen last.
    ports: BTreeMap<[u8; 4], usize>,
}

#[derive(Debug)]
struct Line {
    up: Shaper,
    down: Shaper,
}

impl Network {
    /// Creates a network with this number of perfect lines.
    pub(crate) fn new(lines: usize, seed: u64) -> Network {
        let line = |number: u64| Line {
            up: Shaper::new(seed.wrapping_mul(1000) + 2 * number),
            down: Shaper::new(seed.wrapping_mul(1000) + 2 * number + 1),
        };
        Network {
            lines: (0..lines as u64).map(line).collect(),
            ports: BTreeMap::new(),
        }
    }

    /// Changes the conditions of a line, both ways.
    pub(crate) fn change(&mut self, port: usize, conditions: &Conditions) {
        let line = &mut self.lines[port];
        line.up.change(conditions.clone());
        line.down.change(conditions.clone());
    }

    /// Handles a packet from a namespace.
    pub(crate) fn enter(&mut self, port: usize, packet: Vec<u8>, now: Duration) {
        if let Some((source, _)) = addresses(&packet) {
            self.ports.insert(source, port);
        }
        self.lines[port].up.enter(packet, now);
        self.cross(now);
    }

    /// When [`Network::leave`] may return the next packet.
    pub(crate) fn next(&self) -> Option<Duration> {
        let shapers = self.lines.iter().flat_map(|line| [&line.up, &line.down]);
        shapers.filter_map(Shaper::next).min()
    }

    /// Returns the next packet, and the line whose namespace it enters.
    pub(crate) fn leave(&mut self, now: Duration) -> Option<(usize, Vec<u8>)> {
        self.cross(now);
        let lines = self.lines.iter_mut().enumerate();
        lines
            .filter_map(|(port, line)| Some((port, line.down.leave(now)?)))
            .next()
    }

    /// The packet counts of a line, as text.
    pub(crate) fn counts(&self, port: usize) -> String {
        let Line { up, down } = &self.lines[port];
        format!(
            "up={} up-lost={} down={} down-lost={}",
            up.entered, up.lost, down.entered, down.lost
        )
    }

    /// Forwards packets from the middle to the lines of their destinations.
    fn cross(&mut self, now: Duration) {
        for port in 0..self.lines.len() {
            while let Some(packet) = self.lines[port].up.leave(now) {
                let to = addresses(&packet)
                    .and_then(|(_, destination)| self.ports.get(&destination).copied());
                match to {
                    Some(to) => self.lines[to].down.enter(packet, now),
                    // Unknown destination: send it to all other lines.
                    None => {
                        for other in (0..self.lines.len()).filter(|other| *other != port) {
                            self.lines[other].down.enter(packet.clone(), now);
                        }
                    }
                }
            }
        }
    }
}

/// The source and the destination of an IPv4 packet.
fn addresses(packet: &[u8]) -> Option<([u8; 4], [u8; 4])> {
    let is_ipv4 = packet.first()? >> 4 == 4;
    let source = packet.get(12..16)?.try_into().ok()?;
    let destination = packet.get(16..20)?.try_into().ok()?;
    is_ipv4.then_some((source, destination))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(from: u8, to: u8) -> Vec<u8> {
        let mut packet = vec![0; 20];
        packet[0] = 0x45;
        packet[12..16].copy_from_slice(&[10, 0, 0, from]);
        packet[16..20].copy_from_slice(&[10, 0, 0, to]);
        packet
    }

    fn all(network: &mut Network) -> Vec<(usize, Vec<u8>)> {
        std::iter::from_fn(|| network.leave(Duration::MAX)).collect()
    }

    #[test]
    fn packets_go_where_their_destination_was_seen_last() {
        let mut network = Network::new(3, 1);
        // Unknown destination: all others get it.
        network.enter(0, packet(1, 2), Duration::ZERO);
        assert_eq!(all(&mut network), [(1, packet(1, 2)), (2, packet(1, 2))]);
        network.enter(1, packet(2, 1), Duration::ZERO);
        assert_eq!(all(&mut network), [(0, packet(2, 1))]);
        // The address has moved.
        network.enter(2, packet(1, 9), Duration::ZERO);
        all(&mut network);
        network.enter(1, packet(2, 1), Duration::ZERO);
        assert_eq!(all(&mut network), [(2, packet(2, 1))]);
    }

    #[test]
    fn conditions_apply_to_both_ways_of_their_line_only() {
        let mut network = Network::new(3, 1);
        for (port, address) in [(0, 1), (1, 2), (2, 3)] {
            network.enter(port, packet(address, 99), Duration::ZERO);
        }
        all(&mut network);
        network.change(0, &Conditions::parse(["down"].into_iter()).unwrap());
        for (port, from, to) in [(0, 1, 2), (1, 2, 1), (1, 2, 3), (2, 3, 2)] {
            network.enter(port, packet(from, to), Duration::ZERO);
        }
        assert_eq!(all(&mut network), [(1, packet(3, 2)), (2, packet(2, 3))]);
        assert_eq!(network.counts(0), "up=2 up-lost=1 down=3 down-lost=1");
    }
}
