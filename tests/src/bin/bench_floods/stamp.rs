//! The time of capture, drawn into a picture: a square of light or dark for each bit.

use acscall_tests::pipeline::now;

pub(crate) const WIDTH: usize = 640;
/// Two macroblocks, so that no codec can lose it.
const SIDE: usize = 32;
/// Bits of the time in ms: a quarter of an hour.
const BITS: usize = 20;

/// The present time, as far as it is drawn.
fn milliseconds() -> u64 {
    now().mseconds() & ((1 << BITS) - 1)
}

/// Draws it into the upper left of an I420 picture.
pub(crate) fn draw(picture: &mut gst::BufferRef) {
    let time = milliseconds();
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

/// How long ago that of this picture was, in ms.
pub(crate) fn age(picture: &gst::BufferRef) -> Option<u64> {
    let stride = picture
        .meta::<gst_video::VideoMeta>()
        .map_or(WIDTH, |meta| meta.stride()[0] as usize);
    let map = picture.map_readable().ok()?;
    let drawn = (0..BITS).try_fold(0, |time, bit| {
        let luma = *map.get(SIDE / 2 * stride + bit * SIDE + SIDE / 2)?;
        Some(time | u64::from(luma > 125) << bit)
    })?;
    Some(milliseconds().wrapping_sub(drawn) & ((1 << BITS) - 1))
}
