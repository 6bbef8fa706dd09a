//! Row kernels that make video gray: CSS `grayscale(amount)` on RGB and YUV.
//!
//! Every kernel works in place on rows of bytes and does not know about frames. A row may have any
//! length; a plane without padding can be passed as one row. To process a read-only frame, copy one
//! row at a time and run the kernel on the copy while it is in the cache.
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
//! With `gray = 0.2126 R + 0.7152 G + 0.0722 B` of the stored values (not of linear light), each
//! component becomes `c + amount·(gray − c)`. The factors are integers, and a sum is rounded once.
//! Results differ from the exact value by at most 0.52 with 8 bits and 0.55 with 10 bits, and
//! therefore by at most 1 level from a browser's. Gray pixels, alpha and unused bits do not change;
//! values are not premultiplied.
//!
//! # Levels
//!
//! [`Level::Scalar`] is the specification, in safe Rust; the other levels produce exactly its
//! results. Most of their kernels are the same code, compiled again for the wider instruction set.
//! Interleaved RGB, which compilers vectorise badly, is written by hand.

#![deny(unsafe_code)]

mod amount;
mod format;
mod kernels;
mod level;
mod scalar;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[expect(
    unsafe_code,
    reason = "calls functions compiled for instructions detected at run time"
)]
mod simd;
mod weights;

pub use amount::Amount;
pub use format::{Chroma, Depth, Packed, Rgb10, RgbLayout, Subsampling};
pub use kernels::Kernels;
pub use level::Level;
pub use weights::Weights;
