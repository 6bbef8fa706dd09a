//! Analysis of recordings.

use std::f64::consts::TAU;
use std::fs;

/// The sample rate of all audio from a call, in Hz.
const RATE: usize = 48_000;

/// The length of an analysis window: 20 ms.
const WINDOW: usize = RATE / 50;

/// A window with a lower loudness, from 0 to 1, is silent.
const SILENCE: f64 = 0.02;

/// Samples of one channel.
#[derive(Clone)]
pub(crate) struct Sound(Vec<f64>);

impl Sound {
    /// The left channel of a WAV file of S16LE in two channels.
    pub(crate) fn of_wav(path: &str) -> Sound {
        let file = fs::read(path).unwrap();
        let u32_at = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        // The length in the header is right only in a finished file.
        assert_eq!(u32_at(4), file.len() - 8, "the file is not finished");
        Sound::of_unfinished_wav(path).unwrap()
    }

    /// As [`Sound::of_wav`], for a file that is being written and has no length in its header; `None`
    /// before the header is complete.
    pub(crate) fn of_unfinished_wav(path: &str) -> Option<Sound> {
        let file = fs::read(path).ok()?;
        let u32_at = |at: usize| {
            let bytes = file.get(at..at + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().unwrap()) as usize)
        };
        assert!(b"RIFF".starts_with(file.get(..4)?));
        let mut at = 12;
        while file.get(at..at + 4)? != b"data" {
            if &file[at..at + 4] == b"fmt " {
                assert_eq!(
                    file.get(at + 8..at + 12)?,
                    [1, 0, 2, 0],
                    "PCM in two channels"
                );
                assert_eq!(u32_at(at + 12)?, RATE);
            }
            at += 8 + u32_at(at + 4)?;
        }
        let samples = file
            .get(at + 8..)?
            .chunks_exact(4)
            .map(|frame| f64::from(i16::from_le_bytes([frame[0], frame[1]])) / 32_768.0);
        Some(Sound(samples.collect()))
    }

    pub(crate) fn of_samples(samples: &[f32]) -> Sound {
        Sound(samples.iter().copied().map(f64::from).collect())
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.0.len() as f64 / RATE as f64
    }

    /// The sound from 200 ms after its first loud window: streams fade in one after the other.
    pub(crate) fn after_silence(&self) -> Sound {
        self.try_after_silence().expect("nothing but silence")
    }

    /// As [`Sound::after_silence`]; `None` if all is silent.
    pub(crate) fn try_after_silence(&self) -> Option<Sound> {
        let loud = self
            .0
            .chunks_exact(WINDOW)
            .position(|window| loudness(window) > SILENCE)?;
        let begin = loud * WINDOW + RATE / 5;
        Some(Sound(self.0[begin.min(self.0.len())..].to_vec()))
    }

    /// The amplitude at this frequency, from 0 to 1.
    pub(crate) fn amplitude(&self, frequency: f64) -> f64 {
        // Whole frequencies do not leak into each other over one second.
        let second = &self.0[..RATE.min(self.0.len())];
        let step = TAU * frequency / RATE as f64;
        let (re, im) = second
            .iter()
            .enumerate()
            .fold((0.0, 0.0), |(re, im), (at, sample)| {
                let angle = step * at as f64;
                (re + sample * angle.cos(), im + sample * angle.sin())
            });
        2.0 * f64::hypot(re, im) / second.len() as f64
    }

    /// The first part of this length without a gap or a click. On a busy machine late packets are
    /// lost; a systematic fault leaves no such part.
    pub(crate) fn steady(&self, seconds: f64) -> Option<Sound> {
        let length = (seconds * RATE as f64) as usize;
        let mut begin = 0;
        for at in self.flaws().into_iter().chain([self.0.len()]) {
            if at >= begin + length {
                return Some(Sound(self.0[begin..begin + length].to_vec()));
            }
            begin = at + WINDOW;
        }
        None
    }

    /// The positions of gaps and clicks: windows that are softer or louder than the others, and steps
    /// that are too high for a steady tone.
    fn flaws(&self) -> Vec<usize> {
        let steps: Vec<_> = self
            .0
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .collect();
        // A click is only a few steps.
        let usual = nth(&steps, steps.len() - steps.len() / 100);
        let clicks = steps
            .iter()
            .enumerate()
            .filter(|(_, step)| **step > 1.5 * usual);
        let loudnesses: Vec<_> = self.0.chunks_exact(WINDOW).map(loudness).collect();
        let median = nth(&loudnesses, loudnesses.len() / 2);
        let gaps = loudnesses
            .iter()
            .enumerate()
            .filter(|(_, loudness)| !(0.7 * median..1.3 * median).contains(*loudness));
        let mut flaws: Vec<_> = clicks
            .map(|(at, _)| at)
            .chain(gaps.map(|(at, _)| at * WINDOW))
            .collect();
        flaws.sort_unstable();
        flaws
    }
}

/// The value at this place of the sorted values.
fn nth(values: &[f64], place: usize) -> f64 {
    let mut values = values.to_vec();
    let place = place.min(values.len().saturating_sub(1));
    match values.is_empty() {
        true => 0.0,
        false => *values.select_nth_unstable_by(place, f64::total_cmp).1,
    }
}

/// The root mean square.
fn loudness(window: &[f64]) -> f64 {
    (window.iter().map(|sample| sample * sample).sum::<f64>() / window.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two seconds of a tone, with the samples at these positions replaced.
    fn tone(clicks: &[usize]) -> Sound {
        let sine = |at: usize| 0.5 * (TAU * 440.0 * at as f64 / RATE as f64).sin();
        let mut samples: Vec<_> = (0..2 * RATE).map(sine).collect();
        for at in clicks {
            samples[*at] = -0.9;
        }
        Sound(samples)
    }

    #[test]
    fn a_steady_tone_is_found_between_clicks_and_not_across_them() {
        assert!(tone(&[]).steady(1.9).is_some());
        assert!(tone(&[RATE]).steady(1.1).is_none());
        assert!(tone(&[RATE / 2]).steady(1.1).is_some());
    }

    #[test]
    fn a_gap_is_not_steady() {
        let mut sound = tone(&[]);
        sound.0[RATE..RATE + 3 * WINDOW].fill(0.0);
        assert!(sound.steady(1.1).is_none());
    }
}
