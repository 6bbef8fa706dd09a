//! What the tests of calls share.

mod glib_log;
pub mod namespace;
pub mod participant;
pub mod pipeline;
pub mod port;
pub mod process;
pub mod server;
pub mod wait;
