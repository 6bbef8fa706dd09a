//! How long legs may take to connect.

use std::time::Duration;

use crate::call::Direction;

/// The first timeout of a sending leg. On a working network a leg connects in well below a second,
/// TURN over TCP included; later another attempt is worth more than waiting.
const SENDER: Duration = Duration::from_secs(5);

/// The first timeout of a receiving leg. It is longer than the sender's, so that the sender
/// replaces the leg; this one only cleans up when the sender cannot.
const RECEIVER: Duration = Duration::from_secs(10);

/// The most times the timeout is doubled: to 20 and 40 s.
const DOUBLINGS: u32 = 2;

/// The timeouts of the legs with one participant.
///
/// Each leg that times out doubles the timeout of the next one. On a busy machine a handshake can
/// take longer than [`SENDER`]: with a fixed timeout no leg would ever connect there, and the
/// attempts alone would keep the machine busy.
#[derive(Debug, Default)]
pub(super) struct ConnectTimeout {
    /// Legs that timed out since the last one that connected: sending, receiving.
    timed_out: [u32; 2],
}

impl ConnectTimeout {
    /// Returns how long the next leg in this direction may take.
    pub(super) fn next(&self, direction: Direction) -> Duration {
        let first = match direction {
            Direction::Send => SENDER,
            Direction::Receive => RECEIVER,
        };
        first * 2_u32.pow(self.timed_out[index(direction)].min(DOUBLINGS))
    }

    /// Counts a leg that did not connect in time.
    pub(super) fn timed_out(&mut self, direction: Direction) {
        let count = &mut self.timed_out[index(direction)];
        *count = count.saturating_add(1);
    }

    /// Resets the timeout: a leg connected.
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
    fn each_leg_that_times_out_doubles_the_timeout_of_the_next_one() {
        let mut timeout = ConnectTimeout::default();
        let mut timeouts = Vec::new();
        for _ in 0..4 {
            timeouts.push(timeout.next(Direction::Send).as_secs());
            timeout.timed_out(Direction::Send);
        }
        assert_eq!(timeouts, [5, 10, 20, 20]);
        assert_eq!(timeout.next(Direction::Receive), RECEIVER);
        timeout.connected(Direction::Send);
        assert_eq!(timeout.next(Direction::Send), SENDER);
    }
}
