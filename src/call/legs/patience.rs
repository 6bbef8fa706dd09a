//! How long legs may take to connect.

use std::time::Duration;

use crate::call::Direction;

/// How long a sending leg may take at first. On a network that works it takes well below a second,
/// TURN over TCP included; after this another attempt is worth more than waiting.
const SENDER: Duration = Duration::from_secs(5);

/// How long a receiving leg may take at first. Longer than the sender's, so that it is the sender
/// that replaces it; this only cleans up when the sender cannot.
const RECEIVER: Duration = Duration::from_secs(10);

/// How often the time is doubled at most: to 20 and 40 s.
const DOUBLINGS: u32 = 2;

/// Each leg that did not connect in its time doubles that of the next one. On a busy machine a
/// handshake can take longer than [`SENDER`]: with the same time for every attempt no leg would
/// ever connect there, and the attempts alone would keep the machine busy.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// The legs since the last one that connected: sending, receiving.
    timed_out: [u32; 2],
}

impl Patience {
    /// How long the next leg of this direction may take.
    pub(super) fn limit(&self, direction: Direction) -> Duration {
        let first = match direction {
            Direction::Send => SENDER,
            Direction::Receive => RECEIVER,
        };
        first * 2_u32.pow(self.timed_out[index(direction)].min(DOUBLINGS))
    }

    /// A leg did not connect in its time.
    pub(super) fn timed_out(&mut self, direction: Direction) {
        let count = &mut self.timed_out[index(direction)];
        *count = count.saturating_add(1);
    }

    /// A leg connected.
    pub(super) fn connected(&mut self, direction: Direction) {
        self.timed_out[index(direction)] = 0;
    }
}

fn index(direction: Direction) -> usize {
    match direction {
        Direction::Send => 0,
        Direction::Receive => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_leg_that_does_not_connect_gives_the_next_one_more_time() {
        let mut patience = Patience::default();
        let mut limits = Vec::new();
        for _ in 0..4 {
            limits.push(patience.limit(Direction::Send).as_secs());
            patience.timed_out(Direction::Send);
        }
        assert_eq!(limits, [5, 10, 20, 20]);
        assert_eq!(patience.limit(Direction::Receive), RECEIVER);
        patience.connected(Direction::Send);
        assert_eq!(patience.limit(Direction::Send), SENDER);
    }
}
