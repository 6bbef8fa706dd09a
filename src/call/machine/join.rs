//! Joining, rejoining, and the participants of the call.

use std::time::Instant;

use super::CallMachine;
use crate::call::connection::ConnectionState;
use crate::call::{CallError, CallState, Event, Target};
use crate::model::{IceServer, Participant, ParticipantId};
use crate::signalling::message::{ClientMessage, ErrorCode, Resume, VERSIONS};

impl CallMachine {
    pub(super) fn welcomed(&mut self, version: u32, server: String, now: Instant) {
        if !VERSIONS.contains(&version) {
            let message = format!("the server speaks version {version}, which was not offered");
            self.handle_error(ErrorCode::UnsupportedVersion, message, now);
            return;
        }
        // If the connection was lost just after this end accepted a call, `join` resumes that call,
        // or completes the acceptance.
        let unconfirmed = self.incoming.unconfirmed().map(str::to_owned);
        let call = self.name.as_ref().or(unconfirmed.as_ref());
        let (receives, sends) = (self.roles.receives, self.roles.sends);
        let media = self.media.clone();
        let message = match (call, &self.config.target) {
            (None, Target::Answer { .. }) => {
                self.connection
                    .welcomed(server, ConnectionState::Subscribing);
                self.out.send(ClientMessage::Listen {});
                return;
            }
            (None, Target::Place(callees)) => ClientMessage::Place {
                callees: callees.clone(),
                receives,
                sends,
                media,
            },
            (Some(call), _) | (None, Target::Join(call)) => ClientMessage::Join {
                call: call.clone(),
                receives,
                sends,
                media,
                resume: self.connection.resume(),
            },
        };
        self.connection.welcomed(server, ConnectionState::Joining);
        self.advertised.join(self.roles, &self.media);
        self.out.send(message);
    }

    pub(super) fn joined(
        &mut self,
        call: String,
        resume: Resume,
        participants: Vec<Participant>,
        ringing: Vec<String>,
        ice_servers: Vec<IceServer>,
        now: Instant,
    ) {
        let is_alone = participants
            .iter()
            .all(|other| other.id == resume.participant);
        let rings_nowhere = self.state == CallState::Ringing && is_alone && ringing.is_empty();
        let rejoin = self.connection.joined(resume, now, &mut self.timers);
        if self.name.is_none() {
            self.enter_call(call, is_alone);
        }
        self.callees.replace(ringing, &participants, &mut self.out);
        if rings_nowhere {
            let reason = match rejoin.is_other_instance {
                true => "the server was restarted while it rang: call again",
                false => "it rang until the connection to the server was lost: call again",
            };
            self.fail(CallError::Ended(reason.into()), now);
            return;
        }
        self.legs.set_ice_servers(ice_servers);
        if rejoin.is_other_id {
            // The peers know no legs with this participant.
            let (legs, mut context) = self.legs(now);
            legs.close_all(&mut context);
        } else if rejoin.is_other_instance {
            self.roster.hold_wants();
        }

        let mut missing: Vec<(ParticipantId, bool)> = self
            .roster
            .iter()
            .map(|(id, entry)| (id.clone(), rejoin.is_other_instance || entry.is_kept()))
            .collect();
        missing.retain(|(id, _)| !participants.iter().any(|listed| listed.id == *id));
        for (id, may_rejoin) in missing {
            match may_rejoin {
                true => self.roster.keep(&id, now, &mut self.timers, &mut self.out),
                false => self.participant_left(&id, now),
            }
        }
        for participant in participants {
            let id = participant.id.clone();
            self.participant_updated(participant, now);
            let (legs, mut context) = self.legs(now);
            legs.renew(&id, &mut context);
        }
    }

    /// Emits the name and the state of the new call.
    fn enter_call(&mut self, call: String, is_alone: bool) {
        self.name = Some(call.clone());
        if self.state == CallState::None {
            self.set_state(CallState::Connecting);
        }
        self.out.emit(Event::Named(call.clone()));
        let rings = is_alone && matches!(self.config.target, Target::Place(_));
        self.set_state(match rings {
            true => CallState::Ringing,
            false => CallState::Connected,
        });
        self.end_ringing(&call);
    }

    /// Handles a participant that joined or changed.
    pub(super) fn participant_updated(&mut self, participant: Participant, now: Instant) {
        if self.connection.own_id() == Some(&participant.id) {
            return;
        }
        let id = participant.id.clone();
        if self.roster.get(&id).is_none() {
            self.callees.joined(&participant.user, &mut self.out);
            // With the first participant the call stops ringing.
            self.set_state(CallState::Connected);
        }
        let update = self
            .roster
            .update(participant, now, &mut self.timers, &mut self.out);
        if update.is_new {
            self.legs.add_peer(&id);
        }
        if update.is_new_to_server {
            self.advertised.invalidate(&id);
        }
        if update.is_back {
            let (legs, mut context) = self.legs(now);
            legs.renew(&id, &mut context);
        }
    }

    pub(super) fn participant_left(&mut self, id: &ParticipantId, now: Instant) {
        if self.roster.remove(id, &mut self.timers, &mut self.out) {
            self.advertised.remove(id);
            let (legs, mut context) = self.legs(now);
            legs.remove_peer(id, &mut context);
        }
    }

    pub(super) fn invite(&mut self, users: Vec<String>) {
        let reason = match (&self.name, self.connection.state()) {
            (_, ConnectionState::Joined) => return self.out.send(ClientMessage::Invite { users }),
            (None, _) => "there is no call yet: invite when its state is ringing or connected",
            (Some(_), _) => "the connection to the signalling server is lost: invite again later",
        };
        let error = CallError::Uninvited(reason);
        self.out.emit(Event::Warning(error));
    }
}
