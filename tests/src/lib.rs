//! What the tests of calls share.

pub mod pipeline;
