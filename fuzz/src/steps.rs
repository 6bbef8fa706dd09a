//! Sequences of steps made of a target's input.

use arbitrary::{Result, Unstructured};

/// Runs `step` until the input is used up, at most `most` times.
pub(crate) fn run<'a>(
    u: &mut Unstructured<'a>,
    most: usize,
    mut step: impl FnMut(&mut Unstructured<'a>) -> Result<()>,
) -> Result<()> {
    for _ in 0..most {
        if u.is_empty() {
            break;
        }
        step(u)?;
    }
    Ok(())
}
