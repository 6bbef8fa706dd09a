//! The bodies of the fuzz targets: each a function of bytes that panics where an invariant does
//! not hold. `tests/corpus.rs` replays the corpus through them, `cargo xtask fuzz` looks for more.

pub mod call;
pub mod leg;
pub mod messages;
pub mod requests;
pub mod rooms;
pub mod sdp;
mod sketch;
mod words;
