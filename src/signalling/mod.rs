//! Signalling: the protocol between clients and the server.

pub mod client;
pub mod message;
pub(crate) mod parse;
pub mod room;

/// The WebSocket subprotocol; both ends require it, so that each knows that the other one speaks
/// [`message`].
pub const SUBPROTOCOL: &str = "acscall";

/// The server's name in HTTP's `Server` header.
pub const SERVER_NAME: &str = "acscall";
