//! Interleaved and planar RGB.

use super::mix::{self, CENTRE, Mix, Wide, centred, component, share, shares};
use crate::amount::mul_q15;
use crate::{Amount, Depth, RgbLayout};

#[inline(always)]
pub(crate) fn rgb(row: &mut [u8], layout: RgbLayout, amount: Amount) {
    let Some(mix) = Mix::new(amount) else { return };
    match layout.size() {
        3 => pixels::<3>(row, layout, mix),
        _ => pixels::<4>(row, layout, mix),
    }
}

#[inline(always)]
pub(crate) fn pixels<const N: usize>(row: &mut [u8], layout: RgbLayout, mix: Mix) {
    let at = layout.offsets();
    for pixel in row.as_chunks_mut::<N>().0 {
        let gray = mix::gray(at.map(|at| pixel[at]));
        let full = mix.is_full();
        let take = if full { gray } else { mul_q15(gray, mix.take) };
        for at in at {
            let keep = if full {
                0
            } else {
                mul_q15(centred(pixel[at]), mix.keep)
            };
            pixel[at] = component(keep.wrapping_add(take).wrapping_add(CENTRE));
        }
    }
}

#[inline(always)]
pub(crate) fn rgb_planar8(r: &mut [u8], g: &mut [u8], b: &mut [u8], amount: Amount) {
    let Some(Mix { keep, .. }) = Mix::new(amount) else {
        return;
    };
    let shares = shares(amount);
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        let colours = [&*r, g, b].map(|byte| centred(*byte));
        let share = share(colours, shares);
        for (byte, c) in [r, g, b].into_iter().zip(colours) {
            *byte = component(mul_q15(c, keep).wrapping_add(share));
        }
    }
}

#[inline(always)]
pub(crate) fn rgb_planar16(r: &mut [u8], g: &mut [u8], b: &mut [u8], depth: Depth, amount: Amount) {
    let Some(wide) = Wide::new(amount) else {
        return;
    };
    if wide.is_full() {
        planar16::<true>(r, g, b, depth, wide);
    } else {
        planar16::<false>(r, g, b, depth, wide);
    }
}

#[inline(always)]
fn planar16<const FULL: bool>(r: &mut [u8], g: &mut [u8], b: &mut [u8], depth: Depth, wide: Wide) {
    let shift = depth.shift();
    let (r, g, b) = (
        r.as_chunks_mut().0,
        g.as_chunks_mut().0,
        b.as_chunks_mut().0,
    );
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        let colours = [&*r, g, b].map(|bytes| u32::from(u16::from_le_bytes(*bytes) >> shift));
        let share = wide.share(colours);
        for (bytes, c) in [r, g, b].into_iter().zip(colours) {
            *bytes = ((wide.component::<FULL>(c, share) as u16) << shift).to_le_bytes();
        }
    }
}
