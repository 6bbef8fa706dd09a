//! What a client may use of a server.

use std::time::Duration;

use crate::rate_limit::Quota;

/// The server's limits. Passing one is answered with
/// [`ErrorCode::LimitExceeded`](crate::signalling::message::ErrorCode::LimitExceeded) and a close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message: 256 KiB. The largest that has a use is an offer; with every codec of
    /// a browser and candidates in it that is below 32 KiB.
    pub message_size: usize,
    /// Messages per second of one connection in the long run: 100. Of those that name users, each
    /// user counts as one, since all in the call may be told of each. A client in a call of 64 says a
    /// few per second; this is far above it, and far below what would keep the server busy.
    pub messages_per_second: u32,
    /// Messages of one connection at once: 2048. Entering a full call makes 63 legs each way with
    /// a description and about a dozen candidates each, 1700 messages. It is half of what waits
    /// for a slow reader ([`Limits::queued_messages`]), so that no member can drown another.
    pub message_burst: u32,
    /// Bytes per second of one connection in the long run: 256 KiB.
    pub bytes_per_second: u32,
    /// Bytes of one connection at once: 2 MiB, 126 descriptions of 12 KiB and their candidates;
    /// half of [`Limits::queued_bytes`] for the reason given at [`Limits::message_burst`].
    pub byte_burst: u32,
    /// Changes of what a participant sends, reads and is there for, per second of one connection in
    /// the long run: 20. Unlike the steps of legs they concern everybody: each is told to all in
    /// the call, and by them to their applications.
    pub changes_per_second: u32,
    /// Such changes at once: 256. Who enters a full call says of each of 63 what it reads.
    pub change_burst: u32,
    /// Candidates that one end may send for one leg: 64. A machine with ten addresses has 30.
    pub candidates_per_leg: u32,
    /// Participants of one call, those whose connection is lost included, and with them those that
    /// are being rung when somebody is invited: 64. Everybody has a leg
    /// to everybody, and 63 legs are more than a machine encodes or decodes.
    pub participants_per_call: usize,
    /// Calls at once: 1000.
    pub calls: usize,
    /// Connections from one address at once: 256, for many participants behind one router or on
    /// one machine, below the 1024 files that a process commonly may open.
    pub connections_per_address: usize,
    /// New connections per second from one address in the long run: 20. A client that cannot get
    /// through tries every 0.2 to 5 s. One that says too much counts as [`Limits::penalty`] of
    /// them.
    pub connections_per_second: u32,
    /// New connections from one address at once: 256, as many as it may have: after a restart of
    /// the server all of them come back together.
    pub connection_burst: u32,
    /// The time from the connection to a successful `join`, `place` or `listen`: 5 s.
    pub handshake: Duration,
    /// Characters of a name, at least one: 128.
    pub name_length: usize,
    /// How long a participant whose connection is lost may come back: 30 s.
    pub resume: Duration,
    /// How long a user is rung: 60 s, longer than telephones do, since whoever does not want the
    /// call can decline it.
    pub ringing: Duration,
    /// Messages that wait for a slow reader before its connection counts as lost: 4096.
    pub queued_messages: usize,
    /// Bytes that wait for a slow reader before its connection counts as lost: 4 MiB.
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

    /// How long an address that opens connections as fast as it may has to wait because one of them
    /// said too much: until the slowest of its bursts would have been full again. So coming back
    /// gains nothing: before, a client that was closed came back 20 times per second, with bursts
    /// that were full. Shorter than [`Limits::resume`], so that others behind the same router whose
    /// connection is lost meanwhile are back in time.
    pub fn penalty(&self) -> Duration {
        [self.messages(), self.bytes(), self.changes()]
            .map(Quota::refill_time)
            .into_iter()
            .max()
            .unwrap_or_default()
    }
}
