//! Signalling: what the ends say to each other through the server.

pub mod client;
pub mod message;
pub mod room;
