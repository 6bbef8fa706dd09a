//! Detects queues on the path: the filter and the detector of draft-ietf-rmcat-gcc-02, §5.2 to
//! §5.4.

use std::collections::VecDeque;
use std::time::Duration;

/// Only the least delay in each such time counts. The delay of a frame's first packets depends on
/// the queue, that of its last ones on the frame; delays added by processors and radio links mean
/// nothing. It is so short that five samples find a queue within a quarter of a second.
const BIN: Duration = Duration::from_millis(50);
/// The most samples considered: one second of a stream that never pauses.
const SAMPLES: usize = 20;
/// The fewest samples that show a direction.
const FEWEST: usize = 5;
/// The oldest sample considered, in ms: a screen at one frame per second has five samples then.
const OLDEST: f64 = 5_000.0;
/// How long a queue has to grow, in ms: longer than a key frame takes to leave at the usual bit
/// rate of video.
const OVERUSE_TIME: f64 = 100.0;

/// The threshold for the growth, in ms. It adapts to the path, so that flows which fill a queue by
/// themselves do not starve the leg. Its start, its bounds and the speed of its fall are those of
/// §5.4. It rises at a tenth of the draft's speed, which is meant for the growth between two
/// frames: here it would follow a queue that fills within seconds.
const THRESHOLD: f64 = 12.5;
const LEAST_THRESHOLD: f64 = 6.0;
const MOST_THRESHOLD: f64 = 600.0;
const RISES: f64 = 0.001;
const FALLS: f64 = 0.000_18;
/// Growth beyond the threshold by more than this, in ms, is no noise to adapt to: §5.4.
const NO_NOISE: f64 = 15.0;
/// The longest step of the threshold, in ms.
const LONGEST_STEP: f64 = 100.0;

/// A queue that is longer than the shortest by this much, in ms, has to drain before the rate grows
/// again. The draft lets it stand once it no longer shrinks, which delays every frame.
const STANDING: f64 = 50.0;
/// The shortest queue is searched in the last one to two such times, in ms: longer than any queue
/// of ours takes to drain, and short enough for a path that changes.
const SHORTEST_TIME: f64 = 10_000.0;

/// What the delays say about the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BandwidthUsage {
    /// A queue is growing.
    Over,
    /// No queue is growing or shrinking.
    Normal,
    /// A queue is shrinking or standing: the rate stays the same until it has drained.
    Under,
}

/// The delays of recent packets.
#[derive(Debug)]
pub(super) struct OveruseDetector {
    bin: Option<Bin>,
    /// Send time and delay, in ms; both from an arbitrary zero.
    samples: VecDeque<(f64, f64)>,
    /// Packets sent before this do not count.
    counts_from: Duration,
    threshold: f64,
    growth: f64,
    over_since: Option<f64>,
    shortest: Shortest,
}

/// The least delay of the current [`SHORTEST_TIME`] and of the one before.
#[derive(Clone, Copy, Debug, Default)]
struct Shortest {
    /// The start of the current time, and its least delay.
    current: Option<(f64, f64)>,
    before: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Bin {
    begins: Duration,
    sent: f64,
    delay: f64,
}

impl Default for OveruseDetector {
    fn default() -> OveruseDetector {
        OveruseDetector {
            bin: None,
            samples: VecDeque::new(),
            counts_from: Duration::ZERO,
            threshold: THRESHOLD,
            growth: 0.0,
            over_since: None,
            shortest: Shortest::default(),
        }
    }
}

impl OveruseDetector {
    /// Adds a packet, by the sender's and the receiver's clock. Returns the usage whenever a
    /// [`BIN`] is complete and there are enough samples.
    pub(super) fn add(&mut self, sent: Duration, arrived: Duration) -> Option<BandwidthUsage> {
        if sent < self.counts_from {
            return None;
        }
        let delay = ms(arrived) - ms(sent);
        match &mut self.bin {
            Some(bin) if sent < bin.begins + BIN => {
                if delay < bin.delay {
                    (bin.sent, bin.delay) = (ms(sent), delay);
                }
                None
            }
            bin => {
                let full = bin.replace(Bin {
                    begins: sent,
                    sent: ms(sent),
                    delay,
                });
                let full = full?;
                self.samples.push_back((full.sent, full.delay));
                self.evaluate()
            }
        }
    }

    /// Forgets all samples, and counts only packets sent from `counts_from` on.
    pub(super) fn restart(&mut self, counts_from: Duration) {
        self.counts_from = counts_from;
        self.bin = None;
        self.samples.clear();
        self.growth = 0.0;
        self.over_since = None;
    }

    fn evaluate(&mut self) -> Option<BandwidthUsage> {
        let (now, delay) = *self.samples.back()?;
        let stands = delay > self.shortest.add(now, delay) + STANDING;
        while self.samples.len() > SAMPLES
            || self
                .samples
                .front()
                .is_some_and(|(sent, _)| *sent < now - OLDEST)
        {
            self.samples.pop_front();
        }
        if self.samples.len() < FEWEST {
            return None;
        }
        let growth = self.regression();
        let before = std::mem::replace(&mut self.growth, growth);
        let usage = if self.growth > self.threshold {
            let since = *self.over_since.get_or_insert(now);
            match now - since >= OVERUSE_TIME && self.growth >= before {
                true => BandwidthUsage::Over,
                false => BandwidthUsage::Normal,
            }
        } else {
            self.over_since = None;
            match self.growth < -self.threshold || stands {
                true => BandwidthUsage::Under,
                false => BandwidthUsage::Normal,
            }
        };
        self.adapt();
        Some(usage)
    }

    /// Returns by how much the delay grew over the samples, by linear regression.
    fn regression(&self) -> f64 {
        let count = self.samples.len() as f64;
        let (x, y) = self
            .samples
            .iter()
            .fold((0.0, 0.0), |(x, y), (sent, delay)| (x + sent, y + delay));
        let (x, y) = (x / count, y / count);
        let (over, under) = self
            .samples
            .iter()
            .fold((0.0, 0.0), |(over, under), (sent, delay)| {
                let from_middle = sent - x;
                (
                    over + from_middle * (delay - y),
                    under + from_middle * from_middle,
                )
            });
        let span = match (self.samples.front(), self.samples.back()) {
            (Some((first, _)), Some((last, _))) => last - first,
            _ => 0.0,
        };
        if under > 0.0 {
            over / under * span
        } else {
            0.0
        }
    }

    fn adapt(&mut self) {
        let beyond = self.growth.abs() - self.threshold;
        if beyond > NO_NOISE {
            return;
        }
        let step = match self.samples.iter().rev().take(2).collect::<Vec<_>>()[..] {
            [(last, _), (before, _)] => (last - before).min(LONGEST_STEP),
            _ => 0.0,
        };
        let speed = if beyond > 0.0 { RISES } else { FALLS };
        self.threshold =
            (self.threshold + step * speed * beyond).clamp(LEAST_THRESHOLD, MOST_THRESHOLD);
    }
}

impl Shortest {
    /// Adds a delay, and returns the shortest.
    fn add(&mut self, at: f64, delay: f64) -> f64 {
        let (since, least) = match self.current {
            Some((since, least)) if at < since + SHORTEST_TIME => (since, least.min(delay)),
            earlier => {
                self.before = earlier.map(|(_, least)| least);
                (at, delay)
            }
        };
        self.current = Some((since, least));
        self.before.map_or(least, |before| least.min(before))
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
