//! A participant of a call on the server.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use super::ConnectionId;
use super::connection::Identity;
use crate::model::{Kinds, LegNumber, Participant, ParticipantId};
use crate::signalling::message::LegEnd;

/// The number of legs per pair of participants whose candidates are counted. Older legs have been
/// replaced and are forgotten. Bounds the memory that invented leg numbers can take.
const COUNTED_LEGS: usize = 8;

/// A participant.
#[derive(Debug)]
pub(super) struct Member {
    /// Its description from `hello` and `join`.
    pub(super) entry: Entry,
    /// Its number among the user's sessions, from 1.
    pub(super) session: u32,
    /// The key for resuming the session.
    pub(super) key: String,
    /// Whether it is connected.
    pub(super) state: SessionState,
    /// The kinds that it reads, by their sender.
    pub(super) wants: BTreeMap<ParticipantId, Kinds>,
    /// The candidates it sent per receiver and leg, the newest leg last.
    pub(super) candidates: BTreeMap<ParticipantId, VecDeque<(LegNumber, LegEnd, u32)>>,
}

/// A participant's description of itself.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) user: String,
    pub(super) display_name: Option<String>,
    pub(super) receives: bool,
    pub(super) sends: bool,
    pub(super) media: Kinds,
}

impl Entry {
    pub(super) fn new(identity: Identity, receives: bool, sends: bool, media: Kinds) -> Entry {
        let Identity { user, display_name } = identity;
        Entry {
            user,
            display_name,
            receives,
            sends,
            media,
        }
    }
}

/// The state of a participant's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionState {
    /// Connected by this connection.
    Connected(ConnectionId),
    /// The connection is lost; the session can be resumed until then.
    Lost(Instant),
}

impl Member {
    /// Returns this participant, `id`, as sent to `viewer`.
    pub(super) fn seen_by(&self, id: &ParticipantId, viewer: &ParticipantId) -> Participant {
        Participant {
            id: id.clone(),
            user: self.entry.user.clone(),
            session: self.session,
            display_name: self.entry.display_name.clone(),
            receives: self.entry.receives,
            sends: self.entry.sends,
            media: self.entry.media.clone(),
            wants: self.wants.get(viewer).cloned().unwrap_or_default(),
            connected: matches!(self.state, SessionState::Connected(_)),
        }
    }

    /// Increments the candidate count of a leg and returns it.
    pub(super) fn count_candidate(
        &mut self,
        to: &ParticipantId,
        leg: LegNumber,
        by: LegEnd,
    ) -> u32 {
        let legs = self.candidates.entry(to.clone()).or_default();
        if let Some((_, _, count)) = legs.iter_mut().find(|(l, b, _)| (*l, *b) == (leg, by)) {
            *count = count.saturating_add(1);
            return *count;
        }
        if legs.len() == COUNTED_LEGS {
            legs.pop_front();
        }
        legs.push_back((leg, by, 1));
        1
    }
}
