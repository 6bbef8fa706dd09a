//! What the tests of calls share.

pub mod namespace;
pub mod pipeline;
pub mod process;
pub mod server;
