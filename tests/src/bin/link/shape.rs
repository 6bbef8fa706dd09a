//! One way of a line: when each packet leaves it. Time is an argument.

use std::collections::BTreeMap;
use std::time::Duration;

use acscall_tests::random::Random;

use crate::conditions::Conditions;

/// One way of a line.
#[derive(Debug)]
pub(crate) struct Shaper {
    conditions: Conditions,
    random: Random,
    /// Until when the bottleneck is busy with queued packets.
    busy: Duration,
    /// When the last packet that was not held back leaves.
    last: Duration,
    /// The packets on the way, by the time when they leave and by number.
    waiting: BTreeMap<(Duration, u64), Vec<u8>>,
    number: u64,
    /// The number of packets that entered.
    pub(crate) entered: u64,
    /// The number of packets that were lost.
    pub(crate) lost: u64,
}

impl Shaper {
    pub(crate) fn new(seed: u64) -> Shaper {
        Shaper {
            conditions: Conditions::default(),
            random: Random::new(seed),
            busy: Duration::ZERO,
            last: Duration::ZERO,
            waiting: BTreeMap::new(),
            number: 0,
            entered: 0,
            lost: 0,
        }
    }

    /// Sets the conditions of the packets that enter from now on. Packets on the way are not affected,
    /// unless the line goes down.
    pub(crate) fn change(&mut self, conditions: Conditions) {
        if conditions.down {
            self.lost += self.waiting.len() as u64;
            self.waiting.clear();
        }
        if conditions.rate.is_none() {
            self.busy = Duration::ZERO;
        }
        self.last = Duration::ZERO;
        self.conditions = conditions;
    }

    /// Handles a packet that enters.
    pub(crate) fn enter(&mut self, packet: Vec<u8>, now: Duration) {
        self.entered += 1;
        if self.conditions.down || self.random.happens(self.conditions.loss) {
            self.lost += 1;
            return;
        }
        let Some(through) = self.pass_bottleneck(packet.len(), now) else {
            self.lost += 1;
            return;
        };
        let delay = self.conditions.delay + self.conditions.jitter.mul_f64(self.random.fraction());
        let mut out = (through + delay).max(self.last);
        if self.random.happens(self.conditions.reorder) {
            out += self.conditions.hold;
        } else {
            self.last = out;
        }
        if self.random.happens(self.conditions.duplicate) {
            self.hold(out, packet.clone());
        }
        self.hold(out, packet);
    }

    /// When [`Shaper::leave`] returns the next packet.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.waiting.first_key_value().map(|((out, _), _)| *out)
    }

    /// Returns the next packet that has left at `now`.
    pub(crate) fn leave(&mut self, now: Duration) -> Option<Vec<u8>> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When a packet of this length has passed the bottleneck; `None` if the queue is full.
    fn pass_bottleneck(&mut self, length: usize, now: Duration) -> Option<Duration> {
        let Some(rate) = self.conditions.rate else {
            return Some(now);
        };
        let begins = self.busy.max(now);
        if begins - now > self.conditions.queue {
            return None;
        }
        self.busy = begins + Duration::from_secs_f64(length as f64 * 8.0 / rate as f64);
        Some(self.busy)
    }

    fn hold(&mut self, out: Duration, packet: Vec<u8>) {
        self.number += 1;
        self.waiting.insert((out, self.number), packet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MILLISECOND;

    /// The times in ms and the numbers of the packets that leave if `count` packets of 1000 bytes
    /// enter, one per ms.
    fn run(conditions: &str, count: u32) -> (Shaper, Vec<(u64, u32)>) {
        let mut shaper = Shaper::new(1);
        shaper.change(Conditions::parse(conditions.split_whitespace()).unwrap());
        let mut out = Vec::new();
        for ms in 0..count + 10_000 {
            let now = ms * MILLISECOND;
            if ms < count {
                let mut packet = ms.to_be_bytes().to_vec();
                packet.resize(1000, 0);
                shaper.enter(packet, now);
            }
            while let Some(packet) = shaper.leave(now) {
                let number = u32::from_be_bytes(packet[..4].try_into().unwrap());
                out.push((u64::from(ms), number));
            }
        }
        assert_eq!(shaper.next(), None);
        (shaper, out)
    }

    fn numbers(out: &[(u64, u32)]) -> Vec<u32> {
        out.iter().map(|(_, number)| *number).collect()
    }

    #[test]
    fn without_conditions_all_pass_at_once() {
        let (_, out) = run("", 100);
        let expected: Vec<_> = (0..100).map(|n| (u64::from(n), n)).collect();
        assert_eq!(out, expected);
    }

    #[test]
    fn the_given_share_of_packets_is_lost() {
        let (shaper, out) = run("loss=10", 10_000);
        assert!((900..1100).contains(&shaper.lost), "{}", shaper.lost);
        assert_eq!(out.len() as u64 + shaper.lost, 10_000);
        assert_eq!(run("loss=10", 10_000).1, out, "the random numbers repeat");
    }

    #[test]
    fn a_delay_and_jitter_keep_the_order() {
        let (_, out) = run("delay=20 jitter=30", 1000);
        assert_eq!(numbers(&out), (0..1000).collect::<Vec<_>>());
        let delays: Vec<u64> = out.iter().map(|(at, n)| at - u64::from(*n)).collect();
        assert!(delays.iter().all(|delay| (20..=51).contains(delay)));
        assert!(delays.iter().any(|delay| *delay > 45));
    }

    #[test]
    fn packets_that_are_held_back_are_overtaken_and_not_lost() {
        let (_, out) = run("reorder=5 hold=10", 1000);
        let mut numbers = numbers(&out);
        assert!(!numbers.is_sorted());
        numbers.sort_unstable();
        assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn the_given_share_of_packets_arrives_twice() {
        let (_, out) = run("duplicate=10", 10_000);
        assert!((10_900..11_100).contains(&out.len()), "{}", out.len());
    }

    #[test]
    fn a_bottleneck_lets_its_rate_through_and_its_queue_is_bounded() {
        // 8 Mbit/s enter, 4 pass.
        let (shaper, out) = run("rate=4000 queue=50", 2000);
        let passed = out.iter().filter(|(at, _)| *at < 2000).count();
        assert!((990..=1000).contains(&passed), "{passed}");
        assert!(shaper.lost > 950, "{}", shaper.lost);
        assert!(out.iter().all(|(at, n)| at - u64::from(*n) <= 53));
    }

    #[test]
    fn nothing_passes_a_line_that_is_down_and_all_once_it_is_up() {
        let mut shaper = Shaper::new(1);
        shaper.change(Conditions::parse(["delay=10"].into_iter()).unwrap());
        shaper.enter(vec![1], Duration::ZERO);
        shaper.change(Conditions::parse(["down"].into_iter()).unwrap());
        shaper.enter(vec![2], MILLISECOND);
        shaper.change(Conditions::default());
        shaper.enter(vec![3], 2 * MILLISECOND);
        assert_eq!(shaper.leave(100 * MILLISECOND), Some(vec![3]));
        assert_eq!((shaper.next(), shaper.lost), (None, 2));
    }
}
