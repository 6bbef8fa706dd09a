//! The elements in pipelines and in calls over loopback, in one process and in several.
//!
//! All tests are one program: linking one per module would take longer than running them. A test that
//! changes its process is a separate program beside this folder, or starts another process.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot continue fails its test"
)]

mod acscallsink;
mod acscallsrc;
mod adaptation;
mod calls;
mod codecs;
mod colours;
mod examples;
mod floods;
mod gaps;
mod harness;
mod latency;
mod leaving;
mod pipelines;
mod placing;
mod processes;
mod rawmedia;
mod relay;
mod soak;
mod stalling;
mod still;
