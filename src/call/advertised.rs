//! What the server knows of this end, and the messages that bring it up to date.

use std::collections::BTreeMap;

use super::outbox::Outbox;
use super::topology::{Roles, Topology};
use crate::model::{Kinds, ParticipantId};
use crate::signalling::message::ClientMessage;

/// The state last sent to the server.
#[derive(Debug, Default)]
pub(super) struct AdvertisedState {
    roles: Roles,
    media: Kinds,
    /// The kinds last requested from each participant; `None` if the server may have forgotten
    /// the request.
    requested: BTreeMap<ParticipantId, Option<Kinds>>,
}

impl AdvertisedState {
    /// Records that these are sent with the request to join.
    pub(super) fn join(&mut self, roles: Roles, media: &Kinds) {
        self.roles = roles;
        self.media = media.clone();
        for kinds in self.requested.values_mut() {
            *kinds = None;
        }
    }

    /// Marks the request to this participant as one that the server may have forgotten.
    pub(super) fn invalidate(&mut self, id: &ParticipantId) {
        if let Some(kinds) = self.requested.get_mut(id) {
            *kinds = None;
        }
    }

    /// Forgets a participant that left.
    pub(super) fn remove(&mut self, id: &ParticipantId) {
        self.requested.remove(id);
    }

    /// Sends the server what has changed. This end is joined.
    pub(super) fn advertise(&mut self, topology: Topology<'_>, out: &mut Outbox) {
        let Topology { roles, media, .. } = topology;
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
        for of in topology.senders() {
            let kinds = topology.requested_from(of);
            let is_known = match self.requested.get(of) {
                Some(requested) => requested.as_ref() == Some(&kinds),
                None => kinds.is_empty(),
            };
            if !is_known {
                let of = of.clone();
                self.requested.insert(of.clone(), Some(kinds.clone()));
                out.send(ClientMessage::Want { of, kinds });
            }
        }
    }
}
