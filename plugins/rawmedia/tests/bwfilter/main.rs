//! Tests `bwfilter` on its pads and in pipelines.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod control;
mod downstream;
mod formats;
mod free;
mod negotiation;
mod oracle;
mod picture;
mod rig;
mod shapes;
