//! The fuzz targets: functions of bytes that panic if an invariant does not hold. `tests/corpus.rs`
//! replays the corpus; `cargo xtask fuzz` looks for more inputs.

pub mod call;
pub mod leg;
pub mod messages;
pub mod requests;
pub mod rooms;
pub mod sdp;
mod sketch;
mod steps;
mod words;
