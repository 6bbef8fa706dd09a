//! What the server says.

use std::time::Instant;

use super::Call;
use crate::call::link::Step;
use crate::call::{Action, CallState, Event, Target, Trouble};
use crate::signalling::message::{
    ClientMessage, ErrorCode, IceServer, Participant, ParticipantId, Resume, ServerMessage,
    VERSIONS,
};

impl Call {
    pub(super) fn received(&mut self, message: ServerMessage, now: Instant) {
        match (self.link.step(), message) {
            // Of a connection that has been given up.
            (Step::Idle | Step::Opening | Step::Waiting, _) => {}
            (Step::Greeting, ServerMessage::Welcome { version, server }) => {
                self.welcomed(version, server, now);
            }
            (
                Step::Joining,
                ServerMessage::Joined {
                    resume,
                    participants,
                    ice_servers,
                    ..
                },
            ) => self.joined(resume, participants, ice_servers, now),
            (_, ServerMessage::Error { code, message }) => self.refused(code, message, now),
            (_, ServerMessage::CallEnded { reason }) => {
                self.out.tell(Event::Warning(Trouble::Ended(reason)));
                self.end(now);
            }
            (Step::Joined, ServerMessage::Participant { participant }) => {
                self.updated(participant, now);
            }
            (Step::Joined, ServerMessage::ParticipantLeft { participant, .. }) => {
                self.left(&participant, now);
            }
            (Step::Joined, ServerMessage::Signal { from, signal }) => {
                let (legs, mut scene) = self.legs(now);
                legs.signal(&from, signal, &mut scene);
            }
            // Out of order: what matters of it comes with the next Joined.
            (Step::Greeting | Step::Joining | Step::Joined, _) => {}
        }
    }

    fn welcomed(&mut self, version: u32, server: String, now: Instant) {
        if !VERSIONS.contains(&version) {
            let message = format!("the server speaks version {version}, which was not offered");
            self.refused(ErrorCode::UnsupportedVersion, message, now);
            return;
        }
        self.link.welcomed(server);
        self.told.join(self.roles, &self.media);
        let Target::Join(call) = &self.config.target else {
            return;
        };
        self.out.send(ClientMessage::Join {
            call: call.clone(),
            receives: self.roles.receives,
            sends: self.roles.sends,
            media: self.media.clone(),
            resume: self.link.resume(),
        });
    }

    fn joined(
        &mut self,
        resume: Resume,
        participants: Vec<Participant>,
        ice_servers: Vec<IceServer>,
        now: Instant,
    ) {
        let rejoin = self.link.joined(resume, now, &mut self.timers);
        self.set_state(CallState::Connected);
        self.legs.set_ice_servers(ice_servers);
        if rejoin.is_other_id {
            // The peers know nothing of legs with this participant.
            let (legs, mut scene) = self.legs(now);
            legs.close_all(&mut scene);
        } else if rejoin.is_other_run {
            self.roster.hold_wants();
        }

        let mut missing: Vec<(ParticipantId, bool)> = self
            .roster
            .iter()
            .map(|(id, entry)| (id.clone(), rejoin.is_other_run || entry.is_kept()))
            .collect();
        missing.retain(|(id, _)| !participants.iter().any(|listed| listed.id == *id));
        for (id, may_come) in missing {
            match may_come {
                true => self.roster.keep(&id, now, &mut self.timers, &mut self.out),
                false => self.left(&id, now),
            }
        }
        for participant in participants {
            let id = participant.id.clone();
            self.updated(participant, now);
            let (legs, mut scene) = self.legs(now);
            legs.renew(&id, &mut scene);
        }
    }

    fn updated(&mut self, participant: Participant, now: Instant) {
        if self.link.own() == Some(&participant.id) {
            return;
        }
        let id = participant.id.clone();
        let update = self
            .roster
            .update(participant, now, &mut self.timers, &mut self.out);
        if update.is_new {
            self.legs.add_peer(&id);
        }
        if update.is_new_to_server {
            self.told.doubt(&id);
        }
        if update.is_back {
            let (legs, mut scene) = self.legs(now);
            legs.renew(&id, &mut scene);
        }
    }

    pub(super) fn left(&mut self, id: &ParticipantId, now: Instant) {
        if self.roster.remove(id, &mut self.timers, &mut self.out) {
            self.told.forget(id);
            let (legs, mut scene) = self.legs(now);
            legs.remove_peer(id, &mut scene);
        }
    }

    fn refused(&mut self, code: ErrorCode, message: String, now: Instant) {
        let trouble = Trouble::Refused {
            code,
            message: message.clone(),
        };
        if !code.is_fatal() {
            // A participant may leave while something for it is on the way.
            if code != ErrorCode::UnknownParticipant {
                self.out.tell(Event::Warning(trouble));
            }
            return;
        }
        if self.link.own().is_none() || code.is_about_token() {
            self.fail(trouble, now);
            return;
        }
        match (self.link.step(), code) {
            // The loss itself is told, with the server's text.
            (Step::Joined, _) => {}
            (_, ErrorCode::BadResume) => self.link.forget_resume(),
            _ => self.link.tell_refusal(trouble, &mut self.out),
        }
        self.out.push(Action::Disconnect);
        self.lost(message, now);
    }
}
