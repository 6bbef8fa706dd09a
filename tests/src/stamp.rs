//! Numbers drawn into pictures: the time of capture, or the number of the frame.
//!
//! The pictures are I420. They are drawn on as they leave the element `draw` of a pipeline.

use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context, Result};
use gst::prelude::*;

use crate::pipeline::{Pipeline, now};

/// The side of a bit's square: two macroblocks, so that no codec can lose it.
const SIDE: usize = 32;
const BITS: usize = 20;
const MASK: u32 = (1 << BITS) - 1;
/// Ticks of a drawn time per millisecond. The numbers last for a minute.
const TICKS: u64 = 16;

/// Draws `number()` into each picture.
///
/// # Errors
/// The pipeline has no element `draw`.
pub fn draw(
    pipeline: &Pipeline,
    width: usize,
    number: impl Fn() -> u32 + Send + Sync + 'static,
) -> Result<()> {
    let pad = pipeline.element("draw")?.static_pad("src");
    pad.context("it has a source pad")?
        .add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(picture) = info.buffer_mut() {
                let number = number();
                if let Ok(mut map) = picture.make_mut().map_writable() {
                    draw_luma(&mut map, width, number);
                }
            }
            gst::PadProbeReturn::Ok
        });
    Ok(())
}

/// Returns the number in a picture, if it is intact.
#[must_use]
pub fn read(picture: &gst::BufferRef, width: usize) -> Option<u32> {
    let meta = picture.meta::<gst_video::VideoMeta>();
    let stride = meta.map_or(width, |meta| meta.stride()[0] as usize);
    read_luma(&picture.map_readable().ok()?, stride)
}

/// Draws the current time into each picture, for [`ages`].
///
/// # Errors
/// The pipeline has no element `draw`.
pub fn draw_times(pipeline: &Pipeline, width: usize) -> Result<()> {
    draw(pipeline, width, ticks)
}

/// Receives the ages in ms of the pictures that the sink `shown` shows. Its property
/// `signal-handoffs` is set, and it emits the signal after it has waited for the picture's time.
///
/// # Errors
/// The pipeline has no element `shown`.
pub fn ages(pipeline: &Pipeline, width: usize) -> Result<Receiver<f64>> {
    let (sender, ages) = channel();
    let shown = pipeline.element("shown")?;
    shown.connect("handoff", false, move |values| {
        let picture = values.get(1)?.get::<gst::Buffer>().ok()?;
        let age = ticks().wrapping_sub(read(&picture, width)?) & MASK;
        let _receiver_dropped = sender.send(f64::from(age) / TICKS as f64);
        None
    });
    Ok(ages)
}

/// The current time in ticks.
fn ticks() -> u32 {
    (now().useconds() * TICKS / 1000) as u32 & MASK
}

/// Draws the number into the upper left, one square per bit, and below it its complement, which
/// reveals damage.
fn draw_luma(luma: &mut [u8], stride: usize, number: u32) {
    for (line, number) in [number, !number].into_iter().enumerate() {
        for bit in 0..BITS {
            let level = if number >> bit & 1 == 1 { 235 } else { 16 };
            for y in line * SIDE..(line + 1) * SIDE {
                let start = y * stride + bit * SIDE;
                if let Some(row) = luma.get_mut(start..start + SIDE) {
                    row.fill(level);
                }
            }
        }
    }
}

fn read_luma(luma: &[u8], stride: usize) -> Option<u32> {
    let line = |line: usize| {
        (0..BITS).try_fold(0, |number, bit| {
            let y = line * SIDE + SIDE / 2;
            let level = *luma.get(y * stride + bit * SIDE + SIDE / 2)?;
            Some(number | u32::from(level > 125) << bit)
        })
    };
    let (number, complement) = (line(0)?, line(1)?);
    (number ^ complement == MASK).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_unless_it_is_damaged() {
        const WIDTH: usize = 640;
        let mut luma = vec![128; WIDTH * 480];
        for number in [0, 1, 0xAAAAA, MASK] {
            draw_luma(&mut luma, WIDTH, number);
            assert_eq!(read_luma(&luma, WIDTH), Some(number));
        }
        luma[..WIDTH * SIDE].fill(16);
        assert_eq!(read_luma(&luma, WIDTH), None);
        assert_eq!(read_luma(&[], WIDTH), None);
    }
}
