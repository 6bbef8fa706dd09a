//! A video source whose frames this program draws: blue, with more and more squares.

use anyhow::Result;
use gst::prelude::*;

const WIDTH: usize = 1500;
const HEIGHT: usize = 845;
const SQUARE: usize = 100;
const FRAMES_PER_SECOND: i32 = 30;

/// In the byte order of BGRx.
type Pixel = [u8; 4];
const BLUE: Pixel = [255, 0, 0, 0];
const RED: Pixel = [0, 0, 255, 0];
const YELLOW: Pixel = [0, 255, 255, 0];
const GREEN: Pixel = [0, 128, 0, 0];

/// Creates the source: 1500×845 at 30 frames per second.
///
/// # Errors
/// If `appsrc` is missing.
pub fn source() -> Result<gst::Element> {
    let caps = gst_video::VideoCapsBuilder::new()
        .format(gst_video::VideoFormat::Bgrx)
        .width(i32::try_from(WIDTH)?)
        .height(i32::try_from(HEIGHT)?)
        .framerate(FRAMES_PER_SECOND.into())
        .build();
    let mut canvas = Canvas::new();
    let mut ticks = None;
    let callbacks = gst_app::AppSrcCallbacks::builder()
        .need_data(move |appsrc, _| {
            // Called on the source's own thread when its queue is empty. It may block until the
            // next frame is due.
            ticks.get_or_insert_with(every_frame).wait().0.ok();
            canvas.draw_square();
            let picture = gst::Buffer::from_slice(canvas.bytes());
            // Fails while the source is being stopped.
            let _stopping = appsrc.push_buffer(picture);
        })
        .build();
    let appsrc = gst_app::AppSrc::builder()
        .caps(&caps)
        .format(gst::Format::Time)
        // A live source, which timestamps each frame when it is pushed.
        .is_live(true)
        .do_timestamp(true)
        .callbacks(callbacks)
        .build();
    Ok(appsrc.upcast())
}

/// A periodic clock ID with the interval of the frames.
fn every_frame() -> gst::PeriodicClockId {
    let clock = gst::SystemClock::obtain();
    let interval = gst::ClockTime::SECOND / FRAMES_PER_SECOND as u64;
    clock.new_periodic_id(clock.time(), interval)
}

struct Canvas {
    pixels: Vec<Pixel>,
    /// The state of the random number generator.
    state: u64,
}

impl Canvas {
    fn new() -> Canvas {
        Canvas {
            pixels: vec![BLUE; WIDTH * HEIGHT],
            state: 1,
        }
    }

    /// Draws a square of a random colour at a random position, clipped to the canvas.
    fn draw_square(&mut self) {
        let colour = [RED, YELLOW, GREEN][self.random(3)];
        let (left, top) = (self.random(WIDTH), self.random(HEIGHT));
        let right = WIDTH.min(left + SQUARE);
        for row in self.pixels.chunks_exact_mut(WIDTH).skip(top).take(SQUARE) {
            row[left..right].fill(colour);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        self.pixels.as_flattened().to_vec()
    }

    /// Returns a pseudorandom number below `limit`.
    fn random(&mut self, limit: usize) -> usize {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.state >> 33) as usize % limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_gradually_cover_the_blue() {
        let mut canvas = Canvas::new();
        let blue = |canvas: &Canvas| canvas.pixels.iter().filter(|pixel| **pixel == BLUE).count();
        assert_eq!(blue(&canvas), WIDTH * HEIGHT);
        let mut before = blue(&canvas);
        for _ in 0..10 {
            canvas.draw_square();
            assert!(before - blue(&canvas) <= SQUARE * SQUARE);
            before = blue(&canvas);
        }
        assert!(before < WIDTH * HEIGHT);
        assert_eq!(canvas.bytes().len(), WIDTH * HEIGHT * 4);
    }
}
