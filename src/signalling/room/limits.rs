//! The limits of a server.

use std::time::Duration;

use crate::rate_limit::Quota;

/// The server's limits. A client that exceeds one gets
/// [`ErrorCode::LimitExceeded`](crate::signalling::message::ErrorCode::LimitExceeded) and is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message: 256 KiB. The largest useful message is an offer: with every codec of a
    /// browser and with candidates it is below 32 KiB.
    pub message_size: usize,
    /// Messages per second of one connection in the long run: 100. Each user that a message names
    /// counts as one message, since each may be announced to the whole call. A client in a call of
    /// 64 sends a few per second; the limit is far above that and far below what would keep the
    /// server busy.
    pub messages_per_second: u32,
    /// Messages of one connection in a burst: 2048. Joining a full call takes 63 legs each way,
    /// each with a description and about a dozen candidates: 1700 messages. The limit is half of
    /// [`Limits::queued_messages`], so that no member can overflow another's queue.
    pub message_burst: u32,
    /// Bytes per second of one connection in the long run: 256 KiB.
    pub bytes_per_second: u32,
    /// Bytes of one connection in a burst: 2 MiB, 126 descriptions of 12 KiB and their candidates;
    /// half of [`Limits::queued_bytes`] for the reason given at [`Limits::message_burst`].
    pub byte_burst: u32,
    /// Changes of roles, media and wants per second of one connection in the long run: 20. Unlike
    /// the steps of a leg, they are sent to everybody in the call and on to the applications.
    pub changes_per_second: u32,
    /// Such changes in a burst: 256. A client that joins a full call sends one for each of 63
    /// participants.
    pub change_burst: u32,
    /// Candidates of one end of one leg: 64. A machine with ten addresses has 30.
    pub candidates_per_leg: u32,
    /// Participants of one call: 64, including lost ones and, on an invitation, the users being
    /// rung. Everybody has a leg to everybody, and 63 legs are more than a machine encodes or
    /// decodes.
    pub participants_per_call: usize,
    /// Simultaneous calls: 1000.
    pub calls: usize,
    /// Simultaneous connections of one address: 256, for many participants behind one router or on
    /// one machine; below the 1024 files that a process may commonly open.
    pub connections_per_address: usize,
    /// New connections of one address per second in the long run: 20. A client that cannot connect
    /// retries every 0.2 to 5 s. A connection closed for exceeding its rate counts as
    /// [`Limits::penalty`] of them.
    pub connections_per_second: u32,
    /// New connections of one address in a burst: 256, all that it may have, because all of them
    /// reconnect together after a restart of the server.
    pub connection_burst: u32,
    /// The time from the connection to a successful `join`, `place` or `listen`: 5 s.
    pub handshake: Duration,
    /// Maximum characters of a name: 128. The minimum is 1.
    pub name_length: usize,
    /// The time to resume a lost session: 30 s.
    pub resume: Duration,
    /// The time that a user is rung: 60 s, longer than a telephone rings, since a user can decline.
    pub ringing: Duration,
    /// Messages queued for a slow reader before its connection counts as lost: 4096.
    pub queued_messages: usize,
    /// Bytes queued for a slow reader before its connection counts as lost: 4 MiB.
    pub queued_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            message_size: 256 * 1024,
            messages_per_second: 100,
            message_burst: 2048,
            bytes_per_second: 256 * 1024,
            byte_burst: 2 * 1024 * 1024,
            changes_per_second: 20,
            change_burst: 256,
            candidates_per_leg: 64,
            participants_per_call: 64,
            calls: 1000,
            connections_per_address: 256,
            connections_per_second: 20,
            connection_burst: 256,
            handshake: Duration::from_secs(5),
            name_length: 128,
            resume: Duration::from_secs(30),
            ringing: Duration::from_secs(60),
            queued_messages: 4096,
            queued_bytes: 4 * 1024 * 1024,
        }
    }
}

impl Limits {
    pub(super) fn messages(&self) -> Quota {
        Quota::per_second(self.messages_per_second, self.message_burst)
    }

    pub(super) fn bytes(&self) -> Quota {
        Quota::per_second(self.bytes_per_second, self.byte_burst)
    }

    pub(super) fn changes(&self) -> Quota {
        Quota::per_second(self.changes_per_second, self.change_burst)
    }

    pub(super) fn new_connections(&self) -> Quota {
        Quota::per_second(self.connections_per_second, self.connection_burst)
    }

    /// How long an address that opens connections at the maximum rate has to wait after one of them
    /// exceeded its rate: until the slowest of its bursts would be full again, so that reconnecting
    /// gains nothing. Otherwise a closed client could reconnect 20 times per second with full
    /// bursts. It is shorter than [`Limits::resume`], so that other lost clients behind the same
    /// router can resume in time.
    pub fn penalty(&self) -> Duration {
        [self.messages(), self.bytes(), self.changes()]
            .map(Quota::refill_time)
            .into_iter()
            .max()
            .unwrap_or_default()
    }
}
