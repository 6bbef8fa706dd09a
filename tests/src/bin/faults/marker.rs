//! The number of a frame, drawn into its picture so that it survives every codec.

/// The width of the picture, which is I420.
pub(crate) const WIDTH: usize = 640;
/// Side of a bit's square: two macroblocks.
const SQUARE: usize = 32;
const BITS: usize = 20;

/// Draws the number, one square per bit, and below it its complement, which reveals damage.
pub(crate) fn draw(luma: &mut [u8], number: u32) {
    for (line, number) in [number, !number].into_iter().enumerate() {
        for bit in 0..BITS {
            let level = if number >> bit & 1 == 1 { 235 } else { 16 };
            for y in line * SQUARE..(line + 1) * SQUARE {
                let start = y * WIDTH + bit * SQUARE;
                if let Some(row) = luma.get_mut(start..start + SQUARE) {
                    row.fill(level);
                }
            }
        }
    }
}

/// Reads the number from a picture with this stride, if it is intact.
pub(crate) fn read(luma: &[u8], stride: usize) -> Option<u32> {
    let line = |line: usize| {
        (0..BITS).try_fold(0, |number, bit| {
            let y = line * SQUARE + SQUARE / 2;
            let level = *luma.get(y * stride + bit * SQUARE + SQUARE / 2)?;
            Some(number | u32::from(level > 125) << bit)
        })
    };
    let (number, complement) = (line(0)?, line(1)?);
    (number ^ complement == (1 << BITS) - 1).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_unless_it_is_damaged() {
        let mut luma = vec![128; WIDTH * 480];
        for number in [0, 1, 0xAAAAA, (1 << BITS) - 1] {
            draw(&mut luma, number);
            assert_eq!(read(&luma, WIDTH), Some(number));
        }
        luma[..WIDTH * SQUARE].fill(16);
        assert_eq!(read(&luma, WIDTH), None);
        assert_eq!(read(&[], WIDTH), None);
    }
}
