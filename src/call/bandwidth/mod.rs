//! An estimate of the bandwidth of a leg's path, from its receiver's packet reports.
//!
//! Follows draft-ietf-rmcat-gcc-02 (Google congestion control) at the sender, on transport-wide
//! feedback. The estimate is the lower of two: one from the delay ([`overuse_detector`], §5 of the
//! draft) and one from the loss (§6). It departs from the draft where legs differ from the senders
//! that the draft was made for:
//!
//! * Frames are not paced. A large frame must not look like a growing queue: only the least delay
//!   in each 50 ms counts, and over-use has to last.
//! * A linear regression replaces the Kalman filter of §5.3. Its value has a plain meaning: by how
//!   much the delay grew within the last second.
//! * Nothing probes. Below [`START`] the estimate may grow without proof; otherwise a leg without
//!   video could never get video again.
//! * Measurements made while much less was sent than allowed say little about the path. They only
//!   halve the estimate, and not below [`START`].

mod overuse_detector;
mod rate;

use std::time::{Duration, Instant};

use overuse_detector::{BandwidthUsage, OveruseDetector};
use rate::{Capacity, Meter};

/// The receiver's report of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketReport {
    /// When it was sent.
    pub sent: Instant,
    /// When it arrived, by the receiver's clock; `None` if it did not.
    pub arrived: Option<Duration>,
    /// The length of its RTP payload, in bytes.
    pub size: usize,
}

/// The highest estimate that needs no proof, in bit/s: small video and speech. GCC's senders start
/// from it too.
pub(super) const START: f64 = 300_000.0;
/// The lowest estimate, in bit/s. Here audio has its lowest bit rate and there is no video: a lower
/// estimate would change nothing, and take longer to recover.
const LOWEST: f64 = 100_000.0;
/// The highest estimate, in bit/s: more than all streams of a leg can use.
const HIGHEST: f64 = 50_000_000.0;
/// The bytes of each packet beside its payload: IP, UDP, RTP with its extension, and SRTP.
const OVERHEAD: usize = 66;

/// When a queue grows, the estimate falls to this part of the received rate: β of §5.5.
const DECREASE: f64 = 0.85;
/// Far from the capacity, the estimate grows by this factor per second: η of §5.5.
const INCREASE: f64 = 1.08;
/// Near the capacity, the estimate grows by half a packet per response time, in seconds: 100 ms
/// (§5.5) and a round trip of as much.
const RESPONSE_TIME: f64 = 0.2;
/// The most bits of a packet, and the frames per second from which §5.5 derives its usual size.
const PACKET: f64 = 1200.0 * 8.0;
const FRAMES: f64 = 30.0;
/// The estimate grows up to this multiple of the received rate: §5.5.
const UNPROVED: f64 = 1.5;
/// The longest step of growth: time without reports proves nothing.
const LONGEST_STEP: Duration = Duration::from_secs(1);
/// After this time without a report there is no queue: none is longer.
const SILENCE: Duration = Duration::from_secs(5);
/// Packets sent within this time after a decrease say nothing about the new rate: they were encoded
/// before it, up to 150 ms earlier, or are retransmissions.
const RESPONSE: Duration = Duration::from_millis(300);

/// The loss is measured over this time (that between RTCP reports, §6) and at least so many
/// packets: with fewer, one lost packet would be 10 %.
const LOSS_TIME: Duration = Duration::from_secs(1);
const LOSS_PACKETS: u32 = 20;
/// Below this loss the estimate grows, above [`MUCH_LOSS`] it falls. In between lies the loss of
/// radio links, which is unrelated to the rate: §6.
const LITTLE_LOSS: f64 = 0.02;
const MUCH_LOSS: f64 = 0.10;
/// The estimate from the loss grows by this factor per second: §6.
const LOSS_INCREASE: f64 = 1.05;
/// Loss alone does not lower the estimate below this multiple of the received rate: otherwise a
/// path with random loss would be taken for a narrow one.
const LOSS_FLOOR: f64 = 1.2;
/// The weight of the latest loss in the smoothed one: an audio encoder follows the path, not each
/// burst.
const LOSS_WEIGHT: f64 = 0.3;

/// One leg's estimate.
#[derive(Debug)]
pub(super) struct Estimator {
    by_delay: f64,
    by_loss: f64,
    detector: OveruseDetector,
    capacity: Capacity,
    sent: Meter,
    arrived: Meter,
    may_grow: bool,
    updated: Option<Instant>,
    reported: Option<Instant>,
    losses: Losses,
    /// When the first packet was sent.
    epoch: Option<Instant>,
}

#[derive(Debug, Default)]
struct Losses {
    since: Option<Instant>,
    /// Packets sent before this do not count.
    counts_from: Duration,
    packets: u32,
    lost: u32,
    smoothed: f64,
}

impl Estimator {
    /// Creates an estimator with this first estimate, in bit/s.
    pub(super) fn new(start: u32) -> Estimator {
        Estimator {
            by_delay: f64::from(start),
            by_loss: f64::from(start),
            detector: OveruseDetector::default(),
            capacity: Capacity::default(),
            sent: Meter::default(),
            arrived: Meter::default(),
            may_grow: true,
            updated: None,
            reported: None,
            losses: Losses::default(),
            epoch: None,
        }
    }

    /// Returns what the path carries, in bit/s.
    pub(super) fn estimate(&self) -> u32 {
        self.by_delay.min(self.by_loss) as u32
    }

    /// Returns the recent fraction of lost packets, from 0 to 1.
    pub(super) fn loss(&self) -> f64 {
        self.losses.smoothed
    }

    /// Handles a report that arrived at `now`.
    pub(super) fn report(&mut self, packets: &[PacketReport], now: Instant) {
        self.reported = Some(now);
        let mut usage = None;
        for packet in packets {
            let bits = ((packet.size + OVERHEAD) * 8) as f64;
            let epoch = *self.epoch.get_or_insert(packet.sent);
            let sent = packet.sent.saturating_duration_since(epoch);
            let counts = sent >= self.losses.counts_from;
            self.losses.packets += u32::from(counts);
            self.sent.add(sent, bits);
            match packet.arrived {
                Some(arrived) => {
                    self.arrived.add(arrived, bits);
                    usage = self.detector.add(sent, arrived).or(usage);
                }
                None => self.losses.lost += u32::from(counts),
            }
        }
        self.update_loss(now);
        match usage {
            Some(BandwidthUsage::Over) => self.decrease(now),
            Some(BandwidthUsage::Under) => self.may_grow = false,
            Some(BandwidthUsage::Normal) => self.may_grow = true,
            None => {}
        }
        self.advance(now);
    }

    /// Lets the estimate grow up to `now`, unless there is a sign of a queue.
    pub(super) fn advance(&mut self, now: Instant) {
        let step = match self.updated.replace(now) {
            Some(before) => now.saturating_duration_since(before).min(LONGEST_STEP),
            None => return,
        };
        let step = step.as_secs_f64();
        if self.is_silent(now) {
            self.grow_by_loss(step);
        } else if !self.may_grow {
            return;
        }
        let received = self.arrived.rate();
        let grown = match self.capacity.is_near(received) {
            true => {
                let frame = self.by_delay / FRAMES;
                let packet = frame / (frame / PACKET).ceil();
                self.by_delay + 0.5 * packet * step / RESPONSE_TIME
            }
            false => self.by_delay * INCREASE.powf(step),
        };
        self.by_delay = grown.min(self.limit(self.by_delay));
    }

    /// Whether the last report is so old that any queue of that time has drained.
    fn is_silent(&self, now: Instant) -> bool {
        self.reported
            .is_none_or(|at| now.saturating_duration_since(at) >= SILENCE)
    }

    /// Returns what an estimate of `current` may grow to.
    fn limit(&self, current: f64) -> f64 {
        (UNPROVED * self.arrived.rate())
            .max(START)
            .max(current)
            .min(HIGHEST)
    }

    fn decrease(&mut self, now: Instant) {
        let received = self.arrived.rate();
        self.capacity.add(received);
        self.by_delay = self
            .with_floor(DECREASE * received, self.by_delay)
            .min(self.by_delay);
        self.may_grow = false;
        let counts_from = self.ignore_in_flight(now);
        self.detector.restart(counts_from);
    }

    /// Ignores packets that were sent or encoded before the rate fell at `now`, so that they do not
    /// let it fall again. Returns when packets count again, in the time of [`PacketReport::sent`].
    fn ignore_in_flight(&mut self, now: Instant) -> Duration {
        let epoch = self.epoch.unwrap_or(now);
        let counts_from = (now + RESPONSE).saturating_duration_since(epoch);
        self.losses.counts_from = counts_from;
        (self.losses.packets, self.losses.lost) = (0, 0);
        counts_from
    }

    /// Updates the estimate from the loss: §6 of the draft, with a floor.
    fn update_loss(&mut self, now: Instant) {
        let Losses {
            since,
            packets,
            lost,
            smoothed,
            ..
        } = &mut self.losses;
        let passed = now.saturating_duration_since(*since.get_or_insert(now));
        if passed < LOSS_TIME || *packets < LOSS_PACKETS {
            return;
        }
        let loss = f64::from(*lost) / f64::from(*packets);
        *smoothed += LOSS_WEIGHT * (loss - *smoothed);
        (*since, *packets, *lost) = (Some(now), 0, 0);
        if loss > MUCH_LOSS {
            let estimate = self.by_loss.min(self.by_delay);
            let reduced = estimate * (1.0 - 0.5 * loss);
            let floor = (LOSS_FLOOR * self.arrived.rate()).min(START);
            self.by_loss = self.with_floor(reduced.max(floor), estimate).min(estimate);
            self.ignore_in_flight(now);
        } else if loss < LITTLE_LOSS {
            let step = passed.min(LONGEST_STEP).as_secs_f64();
            self.grow_by_loss(step);
        }
    }

    fn grow_by_loss(&mut self, step: f64) {
        let grown = self.by_loss * LOSS_INCREASE.powf(step);
        self.by_loss = grown.min(self.limit(self.by_loss));
    }

    /// Returns `reduced`, or a floor that is higher if too little was sent to judge the path by it.
    fn with_floor(&self, reduced: f64, estimate: f64) -> f64 {
        let is_idle = self.sent.rate() < estimate / 4.0;
        reduced.max(if is_idle {
            START.max(estimate / 2.0)
        } else {
            LOWEST
        })
    }
}
