//! The estimator on simulated links.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::call::bandwidth::{Estimator, PacketReport};
use crate::call::checker::epoch;

/// The highest bit rate of a sender, which is the default.
const MOST: u32 = 2_500_000;
/// The bytes of a packet beside its payload.
const OVERHEAD: usize = 66;
/// The step of virtual time.
const STEP: Duration = Duration::from_millis(1);

/// A link with a drop-tail queue in front of it, a sender of video and audio, and a receiver that
/// reports every 100 ms.
struct Link {
    estimator: Estimator,
    start: Instant,
    now: Duration,
    random: u64,

    /// In bit/s.
    capacity: f64,
    /// Packets lost at random, from 0 to 1.
    loss: f64,
    /// The longest random delay of a packet.
    jitter: Duration,
    /// The longest wait in the queue.
    longest: Duration,
    /// One way, without the queue.
    delay: Duration,
    /// The bit rate of the video if the estimate allows it, in bit/s.
    wanted: u32,
    audio: bool,

    /// When the queue will be empty.
    free: Duration,
    on_the_way: Vec<(Duration, PacketReport)>,
    reports: VecDeque<(Duration, Vec<PacketReport>)>,
    arrived: Vec<PacketReport>,
    next_frame: Duration,
    next_audio: Duration,
    next_report: Duration,
    queued: Vec<Duration>,
}

impl Link {
    fn new(capacity: f64) -> Link {
        Link {
            estimator: Estimator::new(MOST),
            start: epoch(),
            now: Duration::ZERO,
            random: 1,
            capacity,
            loss: 0.0,
            jitter: Duration::from_millis(2),
            longest: Duration::from_millis(300),
            delay: Duration::from_millis(15),
            wanted: MOST,
            audio: true,
            free: Duration::ZERO,
            on_the_way: Vec::new(),
            reports: VecDeque::new(),
            arrived: Vec::new(),
            next_frame: Duration::ZERO,
            next_audio: Duration::ZERO,
            next_report: Duration::ZERO,
            queued: Vec::new(),
        }
    }

    /// Returns a number from 0 to 1, from xorshift, so that a failure repeats.
    fn random(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }

    fn video_rate(&self) -> u32 {
        let left = self.estimator.estimate().saturating_sub(60_000);
        self.wanted.min(left.max(150_000))
    }

    fn run(&mut self, time: Duration) -> Ran {
        let until = self.now + time;
        let mut estimates = Vec::new();
        self.queued.clear();
        while self.now < until {
            self.step();
            estimates.push(self.estimator.estimate());
        }
        self.queued.sort();
        Ran {
            average: (estimates.iter().map(|e| u64::from(*e)).sum::<u64>() / estimates.len() as u64)
                as u32,
            least: estimates.iter().copied().min().unwrap_or(0),
            queued: self.queued.get(self.queued.len() / 2).copied(),
            loss: self.estimator.loss(),
        }
    }

    fn step(&mut self) {
        if self.now >= self.next_frame {
            self.next_frame += Duration::from_micros(33_333);
            let mut bytes = (f64::from(self.video_rate()) / 8.0 / 30.0) as usize;
            while bytes > 0 && self.wanted > 0 {
                let size = bytes.min(1200);
                bytes -= size;
                self.send(size);
            }
        }
        if self.audio && self.now >= self.next_audio {
            self.next_audio += Duration::from_millis(20);
            self.send(80);
        }
        let now = self.now;
        let (here, later) = std::mem::take(&mut self.on_the_way)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.on_the_way = later;
        let here: Vec<(Duration, PacketReport)> = here;
        self.arrived
            .extend(here.into_iter().map(|(_, packet)| packet));
        if now >= self.next_report {
            self.next_report += Duration::from_millis(100);
            let report = std::mem::take(&mut self.arrived);
            if !report.is_empty() {
                self.reports.push_back((now + self.delay, report));
            }
        }
        while let Some((at, _)) = self.reports.front()
            && *at <= now
            && let Some((_, report)) = self.reports.pop_front()
        {
            self.estimator.report(&report, self.start + now);
        }
        self.now += STEP;
    }

    fn send(&mut self, size: usize) {
        let wait = self.free.saturating_sub(self.now);
        let is_lost = wait > self.longest || self.random() < self.loss;
        let jitter = self.jitter.mul_f64(self.random());
        let mut report = PacketReport {
            sent: self.start + self.now,
            arrived: None,
            size,
        };
        let mut at = self.now + wait + self.delay;
        if !is_lost {
            let time = ((size + OVERHEAD) * 8) as f64 / self.capacity;
            self.free = self.now.max(self.free) + Duration::from_secs_f64(time);
            at = self.free + self.delay + jitter;
            // The receiver's clock has a different zero.
            report.arrived = Some(at + Duration::from_secs(7_000));
            self.queued.push(wait);
        }
        self.on_the_way.push((at, report));
    }
}

#[derive(Debug)]
struct Ran {
    average: u32,
    least: u32,
    /// The median wait in the queue.
    queued: Option<Duration>,
    loss: f64,
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn on_a_wide_link_the_estimate_never_limits_the_sender() {
    let mut link = Link::new(100e6);
    let ran = link.run(secs(60));
    assert!(ran.least >= MOST, "{ran:?}");
}

#[test]
fn a_bottleneck_that_appears_is_found_within_two_seconds_and_its_queue_drains() {
    for (capacity, queue) in [(1e6, 300), (300e3, 300), (1e6, 30), (1e6, 1000)] {
        let mut link = Link::new(100e6);
        link.longest = Duration::from_millis(queue);
        link.run(secs(5));
        link.capacity = capacity;
        link.run(secs(2));
        let found = link.run(secs(1));
        assert!(f64::from(found.average) < 1.05 * capacity, "{found:?}");
        link.run(secs(10));
        let then = link.run(secs(60));
        let part = f64::from(then.average) / capacity;
        assert!((0.75..1.05).contains(&part), "{part}: {then:?}");
        let queued = then.queued.unwrap();
        assert!(queued < Duration::from_millis(60), "{capacity}: {then:?}");
    }
}

#[test]
fn when_the_bottleneck_goes_the_estimate_is_back_within_a_minute() {
    for (capacity, time) in [(1e6, 25), (300e3, 45)] {
        let mut link = Link::new(capacity);
        link.run(secs(20));
        link.capacity = 100e6;
        link.run(secs(time));
        let back = link.run(secs(5));
        assert!(back.least >= MOST, "{capacity}: {back:?}");
    }
}

#[test]
fn random_loss_of_two_percent_costs_nothing() {
    let mut link = Link::new(100e6);
    link.loss = 0.02;
    let ran = link.run(secs(60));
    assert!(ran.least >= MOST, "{ran:?}");
    assert!((0.01..0.03).contains(&ran.loss), "{ran:?}");
}

#[test]
fn random_loss_of_ten_percent_leaves_a_small_picture_and_speech() {
    let mut link = Link::new(100e6);
    link.loss = 0.1;
    let ran = link.run(secs(120));
    assert!(ran.least >= 250_000, "{ran:?}");
    assert!((0.05..0.15).contains(&ran.loss), "{ran:?}");
}

#[test]
fn jitter_is_not_taken_for_a_queue() {
    for jitter in [5, 20, 60] {
        let mut link = Link::new(100e6);
        link.jitter = Duration::from_millis(jitter);
        let ran = link.run(secs(60));
        assert!(ran.least >= MOST, "{jitter} ms: {ran:?}");
    }
}

#[test]
fn a_path_too_narrow_for_video_is_estimated_below_it() {
    let mut link = Link::new(100e6);
    link.run(secs(5));
    link.capacity = 100e3;
    link.run(secs(3));
    let ran = link.run(secs(10));
    assert!(ran.average < 120_000, "{ran:?}");
}

#[test]
fn with_audio_alone_the_estimate_rises_until_video_may_start() {
    let mut link = Link::new(100e3);
    link.run(secs(10));
    (link.capacity, link.wanted) = (100e6, 0);
    link.run(secs(20));
    let ran = link.run(secs(1));
    assert!(ran.least >= 200_000, "{ran:?}");
    // With video it then grows as far as the packets prove.
    link.wanted = MOST;
    link.run(secs(60));
    let ran = link.run(secs(1));
    assert!(ran.least >= MOST, "{ran:?}");
}

#[test]
fn time_without_a_packet_raises_the_estimate_until_video_may_start() {
    let mut link = Link::new(100e3);
    link.run(secs(10));
    let mut estimator = link.estimator;
    let from = link.start + link.now;
    assert!(estimator.estimate() < 150_000);
    for second in 1..=60 {
        estimator.advance(from + secs(second));
    }
    assert_eq!(estimator.estimate(), 300_000);
}

#[test]
fn a_screen_that_hardly_changes_keeps_its_estimate_during_bursts_of_other_flows() {
    let mut link = Link::new(100e6);
    (link.wanted, link.audio) = (40_000, false);
    for _ in 0..5 {
        link.run(secs(10));
        // Another flow fills the link for a while.
        link.free = link.now + Duration::from_millis(250);
        let ran = link.run(secs(5));
        assert!(ran.least >= 300_000, "{ran:?}");
    }
}
