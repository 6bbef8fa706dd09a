//! Raw media access to calls: everything that needs no GStreamer.
//!
//! * [`signalling`]: the wire protocol, the room machine of the server and the WebSocket client.
//! * [`server`]: HTTP and WebSocket around the room machine, and the web page.
//! * [`call`]: the call machine, one participant's view of one call.
//! * [`model`]: participants, kinds of streams and legs, without a wire format.
//! * [`rate_limit`]: token buckets, for what a peer or a client can cause.
//!
//! Both machines are sans-IO: they take inputs and the time, and return what is to be done.
//! Drivers own the sockets, the clock and the media engine.

#![forbid(unsafe_code)]

pub mod call;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod model;
pub mod rate_limit;
pub mod server;
pub mod signalling;
