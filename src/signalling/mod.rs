//! Signalling: what the ends say to each other through the server.

pub mod client;
pub mod message;
pub(crate) mod parse;
pub mod room;

/// The WebSocket subprotocol by which both ends know that the other one speaks [`message`].
pub const SUBPROTOCOL: &str = "acscall";

/// What the server calls itself in HTTP's `Server` header.
pub const SERVER_NAME: &str = "acscall";
