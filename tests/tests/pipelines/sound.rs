//! What is in a recording.

use std::f64::consts::TAU;
use std::fs;

/// In Hz; that of everything that comes out of a call.
const RATE: usize = 48_000;

/// The length of the windows that a recording is looked at in: 20 ms.
const WINDOW: usize = RATE / 50;

/// Below this, of 1, it is silent.
const SILENCE: f64 = 0.02;

/// Samples of one channel.
pub(crate) struct Sound(Vec<f64>);

impl Sound {
    /// The left channel of a WAV file of S16LE in two channels.
    pub(crate) fn of_wav(path: &str) -> Sound {
        let file = fs::read(path).unwrap();
        assert_eq!(&file[..4], b"RIFF");
        let u32_at = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        let mut at = 12;
        while &file[at..at + 4] != b"data" {
            if &file[at..at + 4] == b"fmt " {
                assert_eq!(file[at + 8..at + 12], [1, 0, 2, 0], "PCM in two channels");
                assert_eq!(u32_at(at + 12), RATE);
            }
            at += 8 + u32_at(at + 4);
        }
        // Otherwise the file was not finished.
        assert_eq!(
            u32_at(4),
            file.len() - 8,
            "the header says how long the file is"
        );
        let data = &file[at + 8..][..u32_at(at + 4)];
        let samples = data
            .chunks_exact(4)
            .map(|frame| f64::from(i16::from_le_bytes([frame[0], frame[1]])) / 32_768.0);
        Sound(samples.collect())
    }

    pub(crate) fn of_samples(samples: &[f32]) -> Sound {
        Sound(samples.iter().copied().map(f64::from).collect())
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.0.len() as f64 / RATE as f64
    }

    /// From 200 ms after the first sound on: streams fade in, one after the other.
    pub(crate) fn after_silence(&self) -> Sound {
        let loud = self
            .0
            .chunks_exact(WINDOW)
            .position(|window| loudness(window) > SILENCE);
        let begin = loud.expect("nothing but silence") * WINDOW + RATE / 5;
        Sound(self.0[begin.min(self.0.len())..].to_vec())
    }

    /// The amplitude of this frequency, of 1.
    pub(crate) fn amplitude(&self, frequency: f64) -> f64 {
        // Over one second the frequencies of the tests are exact and do not leak into each other.
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

    /// Panics if there is a gap or a click: a window that is softer or louder than the others,
    /// or a step that is higher than steady tones have.
    pub(crate) fn assert_steady(&self) {
        let mut loudnesses: Vec<_> = self.0.chunks_exact(WINDOW).map(loudness).collect();
        let mut steps: Vec<_> = self
            .0
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .collect();
        let steps_in_order = steps.clone();
        steps.sort_by(f64::total_cmp);
        // A click is one step or a few.
        let usual = steps[steps.len() - steps.len() / 1000];
        for (at, step) in steps_in_order.iter().enumerate() {
            let seconds = at as f64 / RATE as f64;
            assert!(
                *step < 1.5 * usual,
                "a click after {seconds} s: {step}, not {usual}"
            );
        }
        let in_order = loudnesses.clone();
        loudnesses.sort_by(f64::total_cmp);
        let median = loudnesses[loudnesses.len() / 2];
        for (at, loudness) in in_order.iter().enumerate() {
            let seconds = at as f64 * 0.02;
            assert!(
                (0.7 * median..1.3 * median).contains(loudness),
                "a gap after {seconds} s: {loudness}, not {median}"
            );
        }
    }
}

/// The root of the mean square.
fn loudness(window: &[f64]) -> f64 {
    (window.iter().map(|sample| sample * sample).sum::<f64>() / window.len() as f64).sqrt()
}
