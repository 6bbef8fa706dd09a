//! RGB in 32-bit words.

use super::mix::Wide;
use crate::{Amount, Rgb10};

#[inline(always)]
pub(crate) fn rgb10(row: &mut [u8], format: Rgb10, amount: Amount) {
    let Some(wide) = Wide::new(amount) else {
        return;
    };
    if wide.is_full() {
        of_format::<true>(row, format, wide);
    } else {
        of_format::<false>(row, format, wide);
    }
}

#[inline(always)]
fn of_format<const FULL: bool>(row: &mut [u8], format: Rgb10, wide: Wide) {
    match format {
        Rgb10::Rgb10a2Le => {
            words::<FULL, 0, 20>(row, wide, u32::from_le_bytes, u32::to_le_bytes);
        }
        Rgb10::Bgr10a2Le => {
            words::<FULL, 20, 0>(row, wide, u32::from_le_bytes, u32::to_le_bytes);
        }
        Rgb10::R210 => words::<FULL, 20, 0>(row, wide, u32::from_be_bytes, u32::to_be_bytes),
    }
}

/// Processes words with red at bit `R`, green at bit 10 and blue at bit `B`.
#[inline(always)]
fn words<const FULL: bool, const R: u32, const B: u32>(
    row: &mut [u8],
    wide: Wide,
    read: impl Fn([u8; 4]) -> u32,
    write: impl Fn(u32) -> [u8; 4],
) {
    for bytes in row.as_chunks_mut().0 {
        let word = read(*bytes);
        let at = |bit: u32| (word >> bit) & 0x3ff;
        let share = wide.share([at(R), at(10), at(B)]);
        let mixed = |bit: u32| wide.component::<FULL>(at(bit), share) << bit;
        *bytes = write((word & 0xc000_0000) | mixed(0) | mixed(10) | mixed(20));
    }
}
