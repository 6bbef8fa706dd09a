//! How fast the encoders run: at what the slowest of their receivers' paths carries.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Action;
use super::legs::{LEAST_VIDEO, Path};
use super::outbox::Outbox;
use crate::model::{Kind, Kinds};

/// Sound takes no more than this part of an estimate: a picture needs the rest more.
const AUDIO_PART: u32 = 4;
/// Opus' least for speech of the full band, in bit/s.
const LEAST_AUDIO: u32 = 16_000;
/// The headers of 50 packets of sound per second, in bit/s.
const AUDIO_HEADERS: u32 = 50 * 66 * 8;
/// What is left of a video's share for its payload: 1200 of 1266 bytes.
const PAYLOAD: f64 = 1200.0 / 1266.0;

/// An encoder is slowed down at once where it has to be by this part of its rate, and sped up by
/// the other one at most once in this time. Setting it more often would cost more than it brings:
/// an encoder plans ahead for the rate it has.
const LESS: f64 = 0.95;
const MORE: f64 = 1.1;
const CALM: Duration = Duration::from_secs(1);

/// The bit rate of an encoder that nothing limits, in bit/s.
pub fn default_bitrate(kind: Kind) -> u32 {
    match kind {
        // Music in stereo, without audible loss.
        Kind::Audio => 96_000,
        // 1280×720 at 30 pictures per second with VP8; text of a screen stays sharp.
        Kind::Video | Kind::Screen => 2_500_000,
    }
}

/// What the encoders were told last.
#[derive(Debug)]
pub(super) struct BitrateAllocator {
    streams: BTreeMap<Kind, Stream>,
}

#[derive(Debug)]
struct Stream {
    most: u32,
    bitrate: u32,
    /// In percent.
    loss: u8,
    changed: Option<Instant>,
}

impl Default for BitrateAllocator {
    fn default() -> BitrateAllocator {
        let stream = |kind| Stream {
            most: default_bitrate(kind),
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
    /// Limits an encoder, in bit/s; `None` for the default.
    pub(super) fn limit(&mut self, kind: Kind, most: Option<u32>) {
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.most = most.unwrap_or_else(|| default_bitrate(kind));
            // The application's word counts at once.
            stream.changed = None;
        }
    }

    /// What a path has to carry so that it limits nothing, in bit/s.
    pub(super) fn most(&self) -> u32 {
        let sum: u32 = self.streams.values().map(|stream| stream.most).sum();
        AUDIO_HEADERS + (f64::from(sum) / PAYLOAD) as u32
    }

    /// Compares what the encoders do with what the paths carry, and changes that.
    pub(super) fn settle<'a>(
        &mut self,
        paths: impl Iterator<Item = &'a Path>,
        now: Instant,
        out: &mut Outbox,
    ) {
        let mut wanted: BTreeMap<Kind, u32> = BTreeMap::new();
        let mut loss = 0.0_f64;
        for path in paths {
            for (kind, rate) in self.shares(path.estimate(), path.carries()) {
                let least = wanted.entry(kind).or_insert(rate);
                *least = rate.min(*least);
            }
            if path.carries().contains(&Kind::Audio) {
                loss = loss.max(path.loss());
            }
        }
        for (kind, stream) in &mut self.streams {
            let bitrate = wanted.get(kind).copied().unwrap_or(stream.most);
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

    /// Divides an estimate among the kinds that share the path: sound first, the pictures alike.
    fn shares(&self, estimate: u32, kinds: &Kinds) -> BTreeMap<Kind, u32> {
        let most = |kind: Kind| self.streams.get(&kind).map_or(0, |stream| stream.most);
        let mut shares = BTreeMap::new();
        let mut left = estimate;
        if kinds.contains(&Kind::Audio) {
            let rate = (estimate / AUDIO_PART).saturating_sub(AUDIO_HEADERS);
            let rate = rate.max(LEAST_AUDIO).min(most(Kind::Audio));
            shares.insert(Kind::Audio, rate);
            left = left.saturating_sub(rate + AUDIO_HEADERS);
        }
        let mut left = (f64::from(left) * PAYLOAD) as u32;
        let mut pictures: Vec<Kind> = kinds.iter().copied().collect();
        pictures.retain(|kind| *kind != Kind::Audio);
        // Who wants least first: what it leaves is for the others.
        pictures.sort_by_key(|kind| most(*kind));
        let count = pictures.len();
        for (index, kind) in pictures.into_iter().enumerate() {
            let part = left / (count - index) as u32;
            let rate = part.max(LEAST_VIDEO).min(most(kind));
            shares.insert(kind, rate);
            left = left.saturating_sub(rate);
        }
        shares
    }
}

impl Stream {
    /// Takes in what would be right at `now`; true where that has to be told.
    fn set(&mut self, bitrate: u32, loss: u8, now: Instant) -> bool {
        let is_calm = self
            .changed
            .is_none_or(|at| now.saturating_duration_since(at) >= CALM);
        let (is, due) = (f64::from(self.bitrate), f64::from(bitrate));
        let falls = due < is * LESS || self.bitrate > self.most;
        let rises = is_calm && (due > is * MORE || (bitrate == self.most && due > is));
        // The loss is an average: that it is a little less now means nothing.
        let loses =
            is_calm && (loss > self.loss || loss + 1 < self.loss || loss == 0) && loss != self.loss;
        if falls || rises {
            self.bitrate = bitrate;
        }
        if loses {
            self.loss = loss;
        }
        let changed = falls || rises || loses;
        if changed {
            self.changed = Some(now);
        }
        changed
    }
}
