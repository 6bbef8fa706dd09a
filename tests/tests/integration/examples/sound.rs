//! What a stretch of sound is, by its spectrum.

/// What [`Listener`] takes.
pub(crate) const CAPS: &str = "audio/x-raw,format=S16LE,rate=48000,channels=2";

const RATE: f64 = 48000.0;
/// A tenth of a second.
const WINDOW: usize = 4800;
/// A silence this long is more than the pause between two ticks, in windows.
const LONG_SILENCE: usize = 13;

/// What a window of sound is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sound {
    /// Nothing to be heard.
    Silence,
    /// A short sound of 440 Hz, as audiotestsrc ticks.
    Ticks,
    /// A sine of 500 Hz and nothing else.
    Tone,
    /// Something else, such as a moment in which one becomes the other.
    Other,
}

/// Cuts sound into windows.
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

/// What follows what. Ticks are 0.9 s of silence apart, which is no silence of its own; neither
/// is the silence before the first sound.
pub(crate) fn course(sounds: &[Sound]) -> Vec<Sound> {
    let mut course: Vec<Sound> = Vec::new();
    for run in sounds.chunk_by(|a, b| a == b) {
        let counts = match run[0] {
            Sound::Silence => run.len() >= LONG_SILENCE && !course.is_empty(),
            Sound::Ticks => true,
            // Shorter than this it is an artefact.
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
    // -60 dB: what a codec makes of silence is below.
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

/// The power of one frequency; that of a window of nothing else is the window's own.
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
fn sines_are_told_apart() {
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
