//! The time of capture, drawn into a picture: one light or dark square per bit.

use acscall_tests::pipeline::now;

pub(crate) const WIDTH: usize = 640;
/// Two macroblocks, so that no codec can lose it.
const SIDE: usize = 32;
/// Bits of the time: enough for a minute.
const BITS: usize = 20;

/// Ticks of the drawn time per millisecond.
const TICKS: u64 = 16;

/// The current time in ticks, limited to [`BITS`].
fn ticks() -> u64 {
    (now().useconds() * TICKS / 1000) & ((1 << BITS) - 1)
}

/// Draws the current time into the upper left of an I420 picture.
pub(crate) fn draw(picture: &mut gst::BufferRef) {
    let time = ticks();
    let Ok(mut map) = picture.map_writable() else {
        return;
    };
    for bit in 0..BITS {
        let luma = if time >> bit & 1 == 1 { 235 } else { 16 };
        for row in 0..SIDE {
            let start = row * WIDTH + bit * SIDE;
            if let Some(pixels) = map.get_mut(start..start + SIDE) {
                pixels.fill(luma);
            }
        }
    }
}

/// The age in ms of the time in this picture.
pub(crate) fn age(picture: &gst::BufferRef) -> Option<f64> {
    let stride = picture
        .meta::<gst_video::VideoMeta>()
        .map_or(WIDTH, |meta| meta.stride()[0] as usize);
    let map = picture.map_readable().ok()?;
    let drawn = (0..BITS).try_fold(0, |time, bit| {
        let luma = *map.get(SIDE / 2 * stride + bit * SIDE + SIDE / 2)?;
        Some(time | u64::from(luma > 125) << bit)
    })?;
    let age = ticks().wrapping_sub(drawn) & ((1 << BITS) - 1);
    Some(age as f64 / TICKS as f64)
}
