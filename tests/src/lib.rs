//! What the tests of calls share.

pub mod pipeline;
pub mod process;
pub mod server;
