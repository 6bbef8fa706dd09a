//! The parts of raw media access to calls that need no GStreamer.
//!
//! * [`signalling`]: the wire protocol, the server's room machine and the WebSocket client.
//! * [`server`]: HTTP and WebSocket around the room machine, and the web page.
//! * [`call`]: the call machine, one participant's view of one call.
//! * [`model`]: participants, kinds of streams and legs, independent of the wire format.
//! * [`backoff`]: growing delays between attempts.
//! * [`rate_limit`]: token buckets that limit what a peer or a client can cause.
//!
//! Both machines are sans-IO: they take inputs and the time, and return actions. Their drivers own
//! the sockets, the clock and the media engine.

#![forbid(unsafe_code)]

pub mod backoff;
pub mod call;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod model;
pub mod rate_limit;
pub mod server;
pub mod signalling;
