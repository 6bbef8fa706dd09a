//! What the tests of calls share.

pub mod namespace;
pub mod participant;
pub mod pipeline;
pub mod port;
pub mod process;
pub mod server;
pub mod wait;
