//! Access for `fuzz/` to private parts.

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::call::PacketReport;
pub use crate::call::checker::epoch;
pub use crate::server::fuzzing as server;
use crate::signalling::message::{ClientMessage, ServerMessage};
use crate::signalling::parse::parse;

/// Parses a message of a client; the error is the text sent to the client.
pub fn parse_client(text: &str) -> std::result::Result<ClientMessage, String> {
    parse(text).map_err(|error| error.to_string())
}

/// Parses a message of a server; the error is the text to log.
pub fn parse_server(text: &str) -> std::result::Result<ServerMessage, String> {
    parse(text).map_err(|error| error.to_string())
}

/// Sent within the first hour of virtual time, with at most the size of a datagram. The arrival
/// time is the peer's claim.
impl<'a> Arbitrary<'a> for PacketReport {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<PacketReport> {
        Ok(PacketReport {
            sent: epoch() + Duration::from_millis(u.int_in_range(0..=3_600_000)?),
            arrived: u.arbitrary::<Option<u64>>()?.map(Duration::from_nanos),
            size: u.int_in_range(0..=65_535)?,
        })
    }
}
