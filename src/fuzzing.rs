//! For `fuzz/` alone: what it needs of the parts that nobody else sees.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::call::PacketReport;
pub use crate::server::fuzzing as server;
use crate::signalling::message::{ClientMessage, ServerMessage};
use crate::signalling::parse::parse;

/// The start of virtual time.
pub fn epoch() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the epoch of the virtual time")]
    static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
    *EPOCH
}

/// Reads what a client sent; the error is what the client is told.
pub fn parse_client(text: &str) -> std::result::Result<ClientMessage, String> {
    parse(text).map_err(|error| error.to_string())
}

/// Reads what a server sent; the error is what is logged.
pub fn parse_server(text: &str) -> std::result::Result<ServerMessage, String> {
    parse(text).map_err(|error| error.to_string())
}

/// Sent within the first hour of virtual time, and as large as a datagram may be. When it arrived is
/// the peer's word.
impl<'a> Arbitrary<'a> for PacketReport {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<PacketReport> {
        Ok(PacketReport {
            sent: epoch() + Duration::from_millis(u.int_in_range(0..=3_600_000)?),
            arrived: u.arbitrary::<Option<u64>>()?.map(Duration::from_nanos),
            size: u.int_in_range(0..=65_535)?,
        })
    }
}
