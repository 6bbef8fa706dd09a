//! How much a leg's path carries, estimated from what its receiver reports.
//!
//! Follows draft-ietf-rmcat-gcc-02 (Google congestion control) at the sender, on transport-wide
//! feedback: a controller on the delay ([`overuse_detector`], its §5) and one on the loss (§6), of which the
//! lower holds. It departs from the draft where legs differ from the senders it was made for:
//!
//! * Frames leave unpaced. A large frame must not look like a queue that grows: of each 50 ms the
//!   least delay counts, and over-use has to last.
//! * The Kalman filter of §5.3 is a linear regression here, whose value has a plain meaning: by
//!   how much the delay grew within the last second.
//! * Nothing probes. Below [`START`] the estimate may grow with nothing to prove it, else a leg
//!   without video could never have it again.
//! * What was measured while much less was sent than allowed says little of the path: it halves
//!   the estimate, to [`START`] at the lowest.

mod overuse_detector;
mod rate;

use std::time::{Duration, Instant};

use overuse_detector::{BandwidthUsage, OveruseDetector};
use rate::{Capacity, Meter};

/// What the receiver says of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketReport {
    /// When it was sent.
    pub sent: Instant,
    /// When it arrived, by the receiver's clock; `None` if it did not.
    pub arrived: Option<Duration>,
    /// The length of its RTP payload, in bytes.
    pub size: usize,
}

/// What an estimate that nothing supports may reach, in bit/s: a small picture and speech. GCC's
/// senders start from it too.
pub(super) const START: f64 = 300_000.0;
/// The lowest estimate, in bit/s. At it sound is at its least and there is no video: a lower one
/// would change nothing, but take longer to come back.
const LOWEST: f64 = 100_000.0;
/// The highest estimate, in bit/s: more than all streams of a leg can take.
const HIGHEST: f64 = 50_000_000.0;
/// IP, UDP, RTP with its extension, and SRTP: the bytes that each packet has beside its payload.
const OVERHEAD: usize = 66;

/// What the estimate falls to of the rate that arrives when a queue grows: β of §5.5.
const DECREASE: f64 = 0.85;
/// By what the estimate grows in a second far from the capacity: η of §5.5.
const INCREASE: f64 = 1.08;
/// Near the capacity the estimate grows by half a packet each response time, in seconds: 100 ms
/// (§5.5) and a round trip of as much.
const RESPONSE_TIME: f64 = 0.2;
/// The bits of a packet at most, and the frames per second by which §5.5 guesses its usual size.
const PACKET: f64 = 1200.0 * 8.0;
const FRAMES: f64 = 30.0;
/// The estimate grows up to this multiple of the rate that arrives: §5.5.
const UNPROVED: f64 = 1.5;
/// No step of growth counts more than this: time without reports proves nothing.
const LONGEST_STEP: Duration = Duration::from_secs(1);
/// Without a report for this long there is no queue: none is longer.
const SILENCE: Duration = Duration::from_secs(5);
/// What is sent within this after a decrease says nothing of the new rate: it is what was encoded
/// before, at most 150 ms of it, and what was lost meanwhile, sent once more.
const RESPONSE: Duration = Duration::from_millis(300);

/// The loss is judged over this time (that between RTCP reports, §6) and so many packets: with
/// fewer, one lost packet would be 10 %.
const LOSS_TIME: Duration = Duration::from_secs(1);
const LOSS_PACKETS: u32 = 20;
/// Below this loss the estimate grows, above [`MUCH_LOSS`] it falls; in between lies the loss of
/// radio links, which has nothing to do with the rate: §6.
const LITTLE_LOSS: f64 = 0.02;
const MUCH_LOSS: f64 = 0.10;
/// By what the estimate of the loss grows in a second: §6.
const LOSS_INCREASE: f64 = 1.05;
/// Loss alone takes the estimate to this multiple of the rate that arrives at the lowest: at
/// less, a path that loses at random would be taken for a narrow one.
const LOSS_FLOOR: f64 = 1.2;
/// The weight of the newest loss in that which is told: an audio encoder follows the path, not
/// each burst.
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
    rises: bool,
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
    from: Duration,
    packets: u32,
    lost: u32,
    told: f64,
}

impl Estimator {
    /// An estimate that begins with this, in bit/s.
    pub(super) fn new(start: u32) -> Estimator {
        Estimator {
            by_delay: f64::from(start),
            by_loss: f64::from(start),
            detector: OveruseDetector::default(),
            capacity: Capacity::default(),
            sent: Meter::default(),
            arrived: Meter::default(),
            rises: true,
            updated: None,
            reported: None,
            losses: Losses::default(),
            epoch: None,
        }
    }

    /// What the path carries, in bit/s.
    pub(super) fn estimate(&self) -> u32 {
        self.by_delay.min(self.by_loss) as u32
    }

    /// The part of the packets that is lost lately, from 0 to 1.
    pub(super) fn loss(&self) -> f64 {
        self.losses.told
    }

    /// Takes in a report that came at `now`.
    pub(super) fn report(&mut self, packets: &[PacketReport], now: Instant) {
        self.reported = Some(now);
        let mut usage = None;
        for packet in packets {
            let bits = ((packet.size + OVERHEAD) * 8) as f64;
            let epoch = *self.epoch.get_or_insert(packet.sent);
            let sent = packet.sent.saturating_duration_since(epoch);
            let counts = sent >= self.losses.from;
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
        self.judge_losses(now);
        match usage {
            Some(BandwidthUsage::Over) => self.decrease(now),
            Some(BandwidthUsage::Under) => self.rises = false,
            Some(BandwidthUsage::Normal) => self.rises = true,
            None => {}
        }
        self.advance(now);
    }

    /// Lets the time up to `now` pass: without a sign of a queue the estimate grows.
    pub(super) fn advance(&mut self, now: Instant) {
        let step = match self.updated.replace(now) {
            Some(before) => now.saturating_duration_since(before).min(LONGEST_STEP),
            None => return,
        };
        let step = step.as_secs_f64();
        if self.is_silent(now) {
            self.grow_by_loss(step);
        } else if !self.rises {
            return;
        }
        let arrives = self.arrived.rate();
        let grown = match self.capacity.is_near(arrives) {
            true => {
                let frame = self.by_delay / FRAMES;
                let packet = frame / (frame / PACKET).ceil();
                self.by_delay + 0.5 * packet * step / RESPONSE_TIME
            }
            false => self.by_delay * INCREASE.powf(step),
        };
        self.by_delay = grown.min(self.limit(self.by_delay));
    }

    /// Whether the last report is so old that a queue of then has long left.
    fn is_silent(&self, now: Instant) -> bool {
        self.reported
            .is_none_or(|at| now.saturating_duration_since(at) >= SILENCE)
    }

    /// What an estimate of `now` may grow to.
    fn limit(&self, now: f64) -> f64 {
        (UNPROVED * self.arrived.rate())
            .max(START)
            .max(now)
            .min(HIGHEST)
    }

    fn decrease(&mut self, now: Instant) {
        let arrives = self.arrived.rate();
        self.capacity.add(arrives);
        self.by_delay = self
            .least(DECREASE * arrives, self.by_delay)
            .min(self.by_delay);
        self.rises = false;
        let from = self.respond(now);
        self.detector.restart(from);
    }

    /// The rate falls at `now`. What was sent before, or is already encoded, must not let it fall
    /// once more: tells from when on packets count, in the time of [`PacketReport::sent`].
    fn respond(&mut self, now: Instant) -> Duration {
        let epoch = self.epoch.unwrap_or(now);
        let from = (now + RESPONSE).saturating_duration_since(epoch);
        self.losses.from = from;
        (self.losses.packets, self.losses.lost) = (0, 0);
        from
    }

    /// The draft's §6, with a floor.
    fn judge_losses(&mut self, now: Instant) {
        let Losses {
            since,
            packets,
            lost,
            told,
            ..
        } = &mut self.losses;
        let passed = now.saturating_duration_since(*since.get_or_insert(now));
        if passed < LOSS_TIME || *packets < LOSS_PACKETS {
            return;
        }
        let loss = f64::from(*lost) / f64::from(*packets);
        *told += LOSS_WEIGHT * (loss - *told);
        (*since, *packets, *lost) = (Some(now), 0, 0);
        if loss > MUCH_LOSS {
            let estimate = self.by_loss.min(self.by_delay);
            let wanted = estimate * (1.0 - 0.5 * loss);
            let floor = (LOSS_FLOOR * self.arrived.rate()).min(START);
            self.by_loss = self.least(wanted.max(floor), estimate).min(estimate);
            self.respond(now);
        } else if loss < LITTLE_LOSS {
            let step = passed.min(LONGEST_STEP).as_secs_f64();
            self.grow_by_loss(step);
        }
    }

    fn grow_by_loss(&mut self, step: f64) {
        let grown = self.by_loss * LOSS_INCREASE.powf(step);
        self.by_loss = grown.min(self.limit(self.by_loss));
    }

    /// `wanted`, or more where too little was sent to say it of the path.
    fn least(&self, wanted: f64, estimate: f64) -> f64 {
        let is_idle = self.sent.rate() < estimate / 4.0;
        wanted.max(if is_idle {
            START.max(estimate / 2.0)
        } else {
            LOWEST
        })
    }
}
