//! Which legs this end needs, and which kinds each end requests from the other.
//!
//! The topology is a full mesh: each participant that sends has one leg to each participant that
//! receives, including other sessions of its own user. Only this module decides who is connected to
//! whom: [`Legs`](super::legs::Legs) opens and feeds the legs accordingly, and
//! [`AdvertisedState`](super::advertised::AdvertisedState) sends the requests.

use super::readers::Readers;
use super::roster::Roster;
use super::{Direction, ParticipantState};
use crate::model::{Kind, Kinds, ParticipantId};

/// Whether any element receives, and whether any sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Roles {
    pub(super) receives: bool,
    pub(super) sends: bool,
}

/// The topology that follows from what is known at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Topology<'a> {
    /// The roles of this end.
    pub(super) roles: Roles,
    /// The kinds that have a running source at this end.
    pub(super) media: &'a Kinds,
    pub(super) roster: &'a Roster,
    pub(super) readers: &'a Readers,
}

impl<'a> Topology<'a> {
    /// Whether this end needs a leg with `peer` in this direction.
    pub(super) fn needs_leg(&self, peer: &ParticipantId, direction: Direction) -> bool {
        let Some(entry) = self.roster.get(peer) else {
            return false;
        };
        match direction {
            Direction::Send => self.roles.sends && entry.info.receives,
            Direction::Receive => self.roles.receives && entry.info.sends,
        }
    }

    /// Whether the server can deliver a message to `peer`, provided that this end is joined.
    pub(super) fn is_reachable(&self, peer: &ParticipantId) -> bool {
        let entry = self.roster.get(peer);
        entry.is_some_and(|entry| entry.state() == ParticipantState::Connected)
    }

    /// The participants to whom this end's requests can be sent: the current server instance
    /// knows them.
    pub(super) fn senders(&self) -> impl Iterator<Item = &'a ParticipantId> {
        let known = self.roster.iter().filter(|(_, entry)| !entry.is_kept());
        known.map(|(id, _)| id)
    }

    /// The kinds that this end requests from `sender`: those that any of its readers reads.
    pub(super) fn requested_from(&self, sender: &ParticipantId) -> Kinds {
        let bound = self.readers.bound().filter(|(of, _)| *of == sender);
        let mut kinds: Kinds = bound.map(|(_, kind)| kind).collect();
        if self.readers.mixed().contains(sender) {
            kinds.insert(Kind::Audio);
        }
        kinds
    }

    /// The kinds that `receiver` requests from this end. A leg is fed with them whether or not
    /// their sources run, so that a source that starts needs no message first.
    pub(super) fn requested_by(&self, receiver: &ParticipantId) -> Kinds {
        let entry = self.roster.get(receiver);
        entry.map_or_else(Kinds::new, |entry| entry.wants())
    }

    /// Those of `kinds` that have a running source: they take bandwidth.
    pub(super) fn active(&self, kinds: &Kinds) -> Kinds {
        kinds & self.media
    }
}
