//! Recognises sounds by their spectrum.

/// The caps of the samples for [`Listener`].
pub(crate) const CAPS: &str = "audio/x-raw,format=S16LE,rate=48000,channels=2";

const RATE: f64 = 48000.0;
/// Samples of a window: 100 ms.
const WINDOW: usize = 4800;
/// A longer silence than between two ticks, in windows.
const LONG_SILENCE: usize = 13;

/// The content of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sound {
    /// Silence.
    Silence,
    /// A tick of audiotestsrc: a short sound of 440 Hz.
    Ticks,
    /// A pure sine of 500 Hz.
    Tone,
    /// Something else, such as the change from one to another.
    Other,
}

/// Divides audio into windows.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    left: Vec<f64>,
}

impl Listener {
    /// The windows that `sample` completes.
    pub(crate) fn listen(&mut self, sample: &gst::Sample) -> Vec<Sound> {
        let map = sample.buffer().unwrap().map_readable().unwrap();
        let left = map
            .chunks_exact(4)
            .map(|frame| i16::from_le_bytes([frame[0], frame[1]]));
        self.left
            .extend(left.map(|sample| f64::from(sample) / 32768.0));
        let mut windows = Vec::new();
        while self.left.len() >= WINDOW {
            let window: Vec<_> = self.left.drain(..WINDOW).collect();
            windows.push(classify(&window));
        }
        windows
    }
}

/// The sequence of sounds, without silence before the first sound and between ticks, which are 0.9 s
/// apart.
pub(crate) fn course(sounds: &[Sound]) -> Vec<Sound> {
    let mut course: Vec<Sound> = Vec::new();
    for run in sounds.chunk_by(|a, b| a == b) {
        let counts = match run[0] {
            Sound::Silence => run.len() >= LONG_SILENCE && !course.is_empty(),
            Sound::Ticks => true,
            // A shorter tone is an artefact.
            Sound::Tone => run.len() >= 3,
            Sound::Other => false,
        };
        if counts && course.last() != Some(&run[0]) {
            course.push(run[0]);
        }
    }
    course
}

fn classify(window: &[f64]) -> Sound {
    let power = window.iter().map(|sample| sample * sample).sum::<f64>() / window.len() as f64;
    let (tone, tick) = (goertzel(window, 500.0), goertzel(window, 440.0));
    // -60 dB: silence after coding is below.
    if power < 1e-6 {
        Sound::Silence
    } else if power > 0.01 && tone > 0.95 * power {
        Sound::Tone
    } else if tick > 2.0 * tone {
        Sound::Ticks
    } else {
        Sound::Other
    }
}

/// The power at one frequency, by the Goertzel algorithm. For a pure sine it is that of the window.
fn goertzel(window: &[f64], frequency: f64) -> f64 {
    let coefficient = 2.0 * (2.0 * std::f64::consts::PI * frequency / RATE).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for sample in window {
        (one, two) = (sample + coefficient * one - two, one);
    }
    let squared = one * one + two * two - coefficient * one * two;
    2.0 * squared / (window.len() as f64).powi(2)
}

#[test]
fn sines_are_distinguished() {
    let sine = |frequency: f64, length: usize| -> Vec<f64> {
        let turn = 2.0 * std::f64::consts::PI * frequency / RATE;
        (0..WINDOW)
            .map(|n| {
                if n < length {
                    0.5 * (turn * n as f64).sin()
                } else {
                    0.0
                }
            })
            .collect()
    };
    assert_eq!(classify(&sine(500.0, WINDOW)), Sound::Tone);
    // Ten periods.
    assert_eq!(classify(&sine(440.0, 1091)), Sound::Ticks);
    assert_eq!(classify(&sine(1000.0, WINDOW)), Sound::Other);
    assert_eq!(classify(&sine(500.0, 0)), Sound::Silence);
}
