//! The elements in pipelines and in calls over loopback, in this process and among several.
//!
//! One program: to link one for each of these would take longer than to run them. Whatever changes
//! the process it runs in is a test of its own beside this folder, or starts another process.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, in a helper as well"
)]

mod acscallsink;
mod acscallsrc;
mod adaptation;
mod calls;
mod codecs;
mod colours;
mod examples;
mod floods;
mod harness;
mod leaving;
mod pipelines;
mod placing;
mod processes;
mod rawmedia;
mod relay;
mod soak;
mod stalling;
