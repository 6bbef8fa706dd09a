//! What the server knows of this end, and what it still has to be told.

use std::collections::BTreeMap;

use super::outbox::Outbox;
use super::readers::Readers;
use super::roster::Roster;
use crate::model::{Kinds, ParticipantId};
use crate::signalling::message::ClientMessage;

/// Whether any element receives, whether any sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Roles {
    pub(super) receives: bool,
    pub(super) sends: bool,
}

/// What the server was told last.
#[derive(Debug, Default)]
pub(super) struct AdvertisedState {
    roles: Roles,
    media: Kinds,
    /// For each participant that the server was told anything about, what; `None` where it may
    /// have forgotten that.
    wants: BTreeMap<ParticipantId, Option<Kinds>>,
}

impl AdvertisedState {
    /// A join is on its way with these.
    pub(super) fn join(&mut self, roles: Roles, media: &Kinds) {
        self.roles = roles;
        self.media = media.clone();
        for kinds in self.wants.values_mut() {
            *kinds = None;
        }
    }

    /// The server may have forgotten what it was told about this participant.
    pub(super) fn doubt(&mut self, id: &ParticipantId) {
        if let Some(kinds) = self.wants.get_mut(id) {
            *kinds = None;
        }
    }

    /// The participant is gone, and with it what was wanted of it.
    pub(super) fn forget(&mut self, id: &ParticipantId) {
        self.wants.remove(id);
    }

    /// Tells the server what changed. The connection is joined.
    pub(super) fn settle(
        &mut self,
        roles: Roles,
        media: &Kinds,
        roster: &Roster,
        readers: &Readers,
        out: &mut Outbox,
    ) {
        if self.roles != roles {
            self.roles = roles;
            let Roles { receives, sends } = roles;
            out.send(ClientMessage::Roles { receives, sends });
        }
        if self.media != *media {
            self.media = media.clone();
            out.send(ClientMessage::Media {
                kinds: media.clone(),
            });
        }
        for (of, entry) in roster.iter().filter(|(_, entry)| !entry.is_kept()) {
            let kinds = readers.wants(of);
            let is_known = match self.wants.get(of) {
                Some(told) => told.as_ref() == Some(&kinds),
                None => kinds.is_empty(),
            };
            if !is_known {
                let of = entry.info.id.clone();
                self.wants.insert(of.clone(), Some(kinds.clone()));
                out.send(ClientMessage::Want { of, kinds });
            }
        }
    }
}
