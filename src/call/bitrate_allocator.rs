//! The bit rates of the encoders: each follows the slowest path to its receivers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Action;
use super::legs::{LEAST_VIDEO, Path};
use super::outbox::Outbox;
use crate::model::{Kind, Kinds};

/// Audio takes at most one part in so many of an estimate: video needs the rest more.
const AUDIO_DIVISOR: u32 = 4;
/// The lowest bit rate at which Opus codes full-band speech, in bit/s.
const LEAST_AUDIO: u32 = 16_000;
/// The headers of 50 audio packets per second, in bit/s.
const AUDIO_HEADERS: u32 = 50 * 66 * 8;
/// The payload's part of a video's share: 1200 of 1266 bytes.
const PAYLOAD: f64 = 1200.0 / 1266.0;

/// A bit rate falls as soon as the new one is below this part of it, and rises when the new one is
/// above the other part, at most once in the interval. Changing it more often would do harm: an
/// encoder plans ahead for the rate it has.
const DECREASE_BELOW: f64 = 0.95;
const INCREASE_ABOVE: f64 = 1.1;
const INCREASE_INTERVAL: Duration = Duration::from_secs(1);

/// Returns the bit rate of an encoder that nothing limits, in bit/s.
pub fn default_bitrate(kind: Kind) -> u32 {
    match kind {
        // Stereo music without audible loss.
        Kind::Audio => 96_000,
        // 1280×720 at 30 frames per second with VP8; text on a screen stays sharp.
        Kind::Video | Kind::Screen => 2_500_000,
    }
}

/// The bit rates set on the encoders.
#[derive(Debug)]
pub(super) struct BitrateAllocator {
    streams: BTreeMap<Kind, Stream>,
}

#[derive(Debug)]
struct Stream {
    max: u32,
    bitrate: u32,
    /// In percent.
    loss: u8,
    changed: Option<Instant>,
}

impl Default for BitrateAllocator {
    fn default() -> BitrateAllocator {
        let stream = |kind| Stream {
            max: default_bitrate(kind),
            bitrate: default_bitrate(kind),
            loss: 0,
            changed: None,
        };
        BitrateAllocator {
            streams: Kind::ALL.map(|kind| (kind, stream(kind))).into(),
        }
    }
}

impl BitrateAllocator {
    /// Sets the highest bit rate of an encoder, in bit/s; `None` for the default.
    pub(super) fn limit(&mut self, kind: Kind, max: Option<u32>) {
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.max = max.unwrap_or_else(|| default_bitrate(kind));
            // The application's limit applies at once.
            stream.changed = None;
        }
    }

    /// Returns what a path has to carry so that it limits no encoder, in bit/s.
    pub(super) fn max_path_bitrate(&self) -> u32 {
        let sum: u32 = self.streams.values().map(|stream| stream.max).sum();
        AUDIO_HEADERS + (f64::from(sum) / PAYLOAD) as u32
    }

    /// Sets the encoders to what the paths carry.
    pub(super) fn allocate<'a>(
        &mut self,
        paths: impl Iterator<Item = &'a Path>,
        now: Instant,
        out: &mut Outbox,
    ) {
        let mut shares: BTreeMap<Kind, u32> = BTreeMap::new();
        let mut loss = 0.0_f64;
        for path in paths {
            for (kind, rate) in self.shares(path.estimate(), path.carries()) {
                let least = shares.entry(kind).or_insert(rate);
                *least = rate.min(*least);
            }
            if path.carries().contains(&Kind::Audio) {
                loss = loss.max(path.loss());
            }
        }
        for (kind, stream) in &mut self.streams {
            let bitrate = shares.get(kind).copied().unwrap_or(stream.max);
            let loss = match kind {
                Kind::Audio => (loss * 100.0).round() as u8,
                Kind::Video | Kind::Screen => 0,
            };
            if stream.set(bitrate, loss, now) {
                out.push(Action::Encode {
                    kind: *kind,
                    bitrate: stream.bitrate,
                    loss: stream.loss,
                });
            }
        }
    }

    /// Divides an estimate among the kinds that share the path: audio first, then equal shares of
    /// video.
    fn shares(&self, estimate: u32, kinds: &Kinds) -> BTreeMap<Kind, u32> {
        let max = |kind: Kind| self.streams.get(&kind).map_or(0, |stream| stream.max);
        let mut shares = BTreeMap::new();
        let mut left = estimate;
        if kinds.contains(&Kind::Audio) {
            let rate = (estimate / AUDIO_DIVISOR).saturating_sub(AUDIO_HEADERS);
            let rate = rate.max(LEAST_AUDIO).min(max(Kind::Audio));
            shares.insert(Kind::Audio, rate);
            left = left.saturating_sub(rate + AUDIO_HEADERS);
        }
        let mut left = (f64::from(left) * PAYLOAD) as u32;
        let mut videos: Vec<Kind> = kinds.iter().copied().collect();
        videos.retain(|kind| *kind != Kind::Audio);
        // The kind with the lowest limit first: the others share what it leaves.
        videos.sort_by_key(|kind| max(*kind));
        let count = videos.len();
        for (index, kind) in videos.into_iter().enumerate() {
            let part = left / (count - index) as u32;
            let rate = part.max(LEAST_VIDEO).min(max(kind));
            shares.insert(kind, rate);
            left = left.saturating_sub(rate);
        }
        shares
    }
}

impl Stream {
    /// Changes bit rate and loss if they are due at `now`. Returns whether either has changed.
    fn set(&mut self, bitrate: u32, loss: u8, now: Instant) -> bool {
        let may_increase = self
            .changed
            .is_none_or(|at| now.saturating_duration_since(at) >= INCREASE_INTERVAL);
        let (current, due) = (f64::from(self.bitrate), f64::from(bitrate));
        let falls = due < current * DECREASE_BELOW || self.bitrate > self.max;
        let rises = may_increase
            && (due > current * INCREASE_ABOVE || (bitrate == self.max && due > current));
        // The loss is an average: a small decrease means nothing.
        let loss_changes = may_increase
            && (loss > self.loss || loss + 1 < self.loss || loss == 0)
            && loss != self.loss;
        if falls || rises {
            self.bitrate = bitrate;
        }
        if loss_changes {
            self.loss = loss;
        }
        let changed = falls || rises || loss_changes;
        if changed {
            self.changed = Some(now);
        }
        changed
    }
}
