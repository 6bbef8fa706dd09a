//! Recognises pictures by their size and colours.

use gst_video::prelude::*;

/// The caps of the samples for [`Run::of`].
pub(crate) const CAPS: &str = "video/x-raw,format=I420";

/// The content of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// 640×480 with colour bars: the camera.
    Bars,
    /// 1500×845 in blue with red, yellow and green squares: the custom video.
    Canvas,
    /// The same, black and white.
    GrayCanvas,
    /// 1280×720, black and white: the other camera.
    Pinwheel,
    /// Something else.
    Other {
        /// The width of the picture.
        width: u32,
        /// The height of the picture.
        height: u32,
        /// How many of 100 points have a colour of the canvas.
        canvas: usize,
        /// How many of the seven bars are recognised.
        bars: usize,
        /// How many of 100 points are neutral.
        neutral: usize,
    },
}

/// Consecutive pictures with the same look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) look: Look,
    pub(crate) frames: usize,
    first: Option<gst::ClockTime>,
    last: Option<gst::ClockTime>,
    /// The longest time from one picture to the next.
    pause: gst::ClockTime,
}

impl Run {
    /// A run of one picture.
    pub(crate) fn of(sample: &gst::Sample) -> Run {
        let time = sample.buffer().and_then(|buffer| buffer.pts());
        Run {
            look: look(sample),
            frames: 1,
            first: time,
            last: time,
            pause: gst::ClockTime::ZERO,
        }
    }

    /// Whether `next` follows without a pause. A busy machine drops pictures, so the pauses within the
    /// runs are the measure.
    pub(crate) fn goes_on_in(&self, next: &Run) -> bool {
        let usual = self.pause.max(next.pause);
        self.gap_to(next) < usual * 2 + gst::ClockTime::from_mseconds(300)
    }

    /// The time from the last picture of this run to the first of `next`.
    fn gap_to(&self, next: &Run) -> gst::ClockTime {
        next.first.unwrap().saturating_sub(self.last.unwrap())
    }
}

/// Joins consecutive pictures with the same look.
pub(crate) fn runs(pictures: impl Iterator<Item = Run>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for picture in pictures {
        match runs.last_mut() {
            Some(run) if run.look == picture.look => {
                run.pause = run.pause.max(run.gap_to(&picture));
                run.frames += 1;
                run.last = picture.last;
            }
            _ => runs.push(picture),
        }
    }
    runs
}

/// Y, U and V.
type Colour = [u8; 3];

const NEUTRAL: Colour = [128, 128, 128];
/// Blue, red, yellow and half a green, BT.601.
const PALETTE: [Colour; 4] = [[41, 240, 110], [81, 90, 240], [210, 16, 146], [80, 91, 81]];
/// The seven bars of videotestsrc's smpte, BT.601.
const BARS: [Colour; 7] = [
    [235, 128, 128],
    [210, 16, 146],
    [170, 166, 16],
    [145, 54, 34],
    [106, 202, 222],
    [81, 90, 240],
    [41, 240, 110],
];
/// The tolerance for colours after coding.
const TOLERANCE: u8 = 20;
/// The tolerance for gray after coding. After a coloured picture, the encoder of a busy machine takes
/// some frames to reach it.
const NEUTRAL_TOLERANCE: u8 = 12;

fn look(sample: &gst::Sample) -> Look {
    let info = gst_video::VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer().unwrap(), &info)
        .unwrap();
    let (width, height) = (frame.width(), frame.height());
    // The centres of 10×10 fields.
    let points: Vec<Colour> = (0..100)
        .map(|n| {
            colour(
                &frame,
                width * (2 * (n % 10) + 1) / 20,
                height * (2 * (n / 10) + 1) / 20,
            )
        })
        .collect();
    let neutral = points
        .iter()
        .filter(|point| is_near_in_chroma(point, &NEUTRAL, NEUTRAL_TOLERANCE))
        .count();
    let canvas = points
        .iter()
        .filter(|point| {
            PALETTE.iter().any(|colour| {
                point[0].abs_diff(colour[0]) <= TOLERANCE
                    && is_near_in_chroma(point, colour, TOLERANCE)
            })
        })
        .count();
    let bars = (0..7u32)
        .filter(|&bar| {
            let point = colour(&frame, width * (2 * bar + 1) / 14, height / 3);
            is_near_in_chroma(&point, &BARS[bar as usize], TOLERANCE)
        })
        .count();
    match (width, height) {
        (640, 480) if bars == 7 => Look::Bars,
        // Some points may be on the edge of a square.
        (1500, 845) if canvas >= 85 => Look::Canvas,
        (1500, 845) if neutral == 100 => Look::GrayCanvas,
        (1280, 720) if neutral == 100 => Look::Pinwheel,
        _ => Look::Other {
            width,
            height,
            canvas,
            bars,
            neutral,
        },
    }
}

fn colour(frame: &gst_video::VideoFrameRef<&gst::BufferRef>, x: u32, y: u32) -> Colour {
    [(0, x, y), (1, x / 2, y / 2), (2, x / 2, y / 2)].map(|(plane, x, y)| {
        let stride = frame.plane_stride()[plane as usize] as usize;
        frame.plane_data(plane).unwrap()[y as usize * stride + x as usize]
    })
}

fn is_near_in_chroma(a: &Colour, b: &Colour, tolerance: u8) -> bool {
    a[1].abs_diff(b[1]) <= tolerance && a[2].abs_diff(b[2]) <= tolerance
}
