//! Shared by the tests and benchmarks of calls.

pub mod glib_log;
pub mod namespace;
pub mod participant;
pub mod pipeline;
pub mod port;
pub mod process;
pub mod random;
pub mod server;
pub mod skipped;
pub mod stamp;
pub mod usage;
pub mod wait;
