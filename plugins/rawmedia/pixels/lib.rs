//! Row kernels that make video gray: CSS `grayscale(amount)` on RGB and YUV.
//!
//! Every kernel works in place on rows as they lie in memory and never knows a frame. Rows may
//! have any length, also that of a whole plane whose rows lie without gaps. A frame that must not be
//! written to is copied row by row: copy one row, run the kernel on the copy while it is in the cache.
//!
//! ```
//! use acscall_pixels::{Amount, Kernels, RgbLayout};
//!
//! let kernels = Kernels::best();
//! let mut row = [255, 0, 0, 7];
//! kernels.rgb(&mut row, RgbLayout::RGBX, Amount::FULL);
//! assert_eq!(row, [54, 54, 54, 7]);
//! ```
//!
//! # Arithmetic
//!
//! With `gray = 0.2126 R + 0.7152 G + 0.0722 B` on the values as they are stored (not on linear
//! light), each component becomes `c + amount·(gray − c)`. The factors are integers, and a sum is
//! rounded once: a result is at most 0.52 from the exact value with 8 bits and 0.55 with 10, and so at
//! most 1 level from a browser's. Gray stays exactly as it is. Alpha and unused bits stay as they
//! are; values are not premultiplied.
//!
//! # Levels
//!
//! [`Level::Scalar`] is the specification, in safe Rust; the others give exactly its results.
//! Most of them are the same code, compiled again for the wider instruction set; interleaved RGB,
//! which compilers vectorise badly, is written by hand.

#![deny(unsafe_code)]

mod amount;
mod format;
mod kernels;
mod level;
mod scalar;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[expect(
    unsafe_code,
    reason = "calls functions compiled for instructions found at run time"
)]
mod simd;
mod weights;

pub use amount::Amount;
pub use format::{Chroma, Depth, Packed, Rgb10, RgbLayout, Subsampling};
pub use kernels::Kernels;
pub use level::Level;
pub use weights::Weights;
