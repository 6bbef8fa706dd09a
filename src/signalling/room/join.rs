//! Who comes into a call: a new presence, one in the place of a lost one, one that comes back, and
//! one that another run of the server made.

use super::call::{Call, Entry, Link, Seat};
use super::connection::Phase;
use super::refusal::Refusal;
use super::{Action, ConnectionId, Pass, Rooms, Timer};
use super::{identity, random};
use crate::signalling::message::{ErrorCode, ParticipantId, Resume, ServerMessage};

impl Rooms {
    pub(super) fn join(
        &mut self,
        connection: ConnectionId,
        pass: Pass,
        name: String,
        entry: Entry,
        resume: Option<Resume>,
    ) -> Result<(), Refusal> {
        self.limits.check_name("call's name", &name)?;
        pass.check_call(&name)?;
        let seat = Seat {
            connection,
            ice_servers: pass.ice_servers,
        };
        let id = match resume {
            Some(resume) => self.come_back(seat, &name, entry, resume)?,
            None => {
                let lost = self.calls.get(&name).and_then(|call| {
                    call.lost_presence_of(&entry.user)
                        .map(|(id, number)| (id.clone(), number))
                });
                let (replaced, presence) = match lost {
                    Some((id, number)) => (Some(id), number),
                    None => (None, self.free_presence(&name, &entry.user)),
                };
                let key = random::token::<16>(&mut *self.random);
                let identity = Resume {
                    participant: identity::id(&key, &entry.user, &name),
                    presence,
                    key,
                };
                self.enter(seat, &name, entry, identity, replaced)?
            }
        };
        if let Some(connection_state) = self.connections.get_mut(&connection) {
            let joined = Phase::Joined { call: name, id };
            if let Phase::New { deadline } | Phase::Greeted { deadline, .. } =
                std::mem::replace(&mut connection_state.phase, joined)
            {
                self.timers
                    .remove(&(deadline, Timer::Handshake(connection)));
            }
        }
        Ok(())
    }

    /// Takes up the presence that `resume` names, or makes it anew as it was on another server.
    fn come_back(
        &mut self,
        seat: Seat,
        name: &str,
        entry: Entry,
        resume: Resume,
    ) -> Result<ParticipantId, Refusal> {
        let id = resume.participant.clone();
        // Of a presence that this server knows as of one that another server made: only who was
        // given the key can come as this participant.
        if !identity::is_proven(&resume, &entry.user, name) {
            let text = "the key is not that of this participant of this user and call: join \
                        without resume";
            return Err(Refusal::new(ErrorCode::BadResume, text));
        }
        let Some(call) = self
            .calls
            .get_mut(name)
            .filter(|call| call.member(&id).is_some())
        else {
            return self.accept_foreign(seat, name, entry, resume);
        };
        match call.come_back(name, &id, entry, seat, &mut self.actions) {
            Some(Link::Lost(until)) => {
                self.timers
                    .remove(&(until, Timer::Lost(name.to_owned(), id.clone())));
            }
            Some(Link::Connected(old)) => {
                if let Some(old) = self.connections.get_mut(&old) {
                    old.phase = Phase::Closing;
                }
                let code = ErrorCode::Replaced;
                let message = "this participant came back on another connection, which goes on";
                let error = ServerMessage::Error {
                    code,
                    message: message.to_owned(),
                };
                self.actions.push_back(Action::Send(old, error));
                self.actions.push_back(Action::Close(old));
            }
            None => {}
        }
        Ok(id)
    }

    /// Takes a presence over as another run of the server made it.
    fn accept_foreign(
        &mut self,
        seat: Seat,
        name: &str,
        entry: Entry,
        mut resume: Resume,
    ) -> Result<ParticipantId, Refusal> {
        let call = self.calls.get(name);
        let highest = u32::try_from(self.limits.participants_per_call).unwrap_or(u32::MAX);
        let owner = call
            .and_then(|call| call.presence_of(&entry.user, resume.presence))
            .cloned();
        let owner_is_lost = |id: &ParticipantId| {
            let member = call.and_then(|call| call.member(id));
            member.is_some_and(|member| matches!(member.link, Link::Lost(_)))
        };
        let replaced = owner.clone().filter(owner_is_lost);
        if owner != replaced || !(1..=highest).contains(&resume.presence) {
            resume.presence = self.free_presence(name, &entry.user);
        }
        self.enter(seat, name, entry, resume, replaced)
    }

    /// Lets a new participant in, in the place of `replaced` if there is one.
    fn enter(
        &mut self,
        seat: Seat,
        name: &str,
        entry: Entry,
        identity: Resume,
        replaced: Option<ParticipantId>,
    ) -> Result<ParticipantId, Refusal> {
        let limits = &self.limits;
        let present = self.calls.get(name).map_or(0, Call::len) - usize::from(replaced.is_some());
        if present >= limits.participants_per_call {
            return Err(Refusal::new(
                ErrorCode::LimitExceeded,
                format!("the call is full: it has {present} participants; join when one has left"),
            ));
        }
        if !self.calls.contains_key(name) && self.calls.len() >= limits.calls {
            return Err(Refusal::new(
                ErrorCode::LimitExceeded,
                format!(
                    "the server has its {} calls: join one of them or wait",
                    limits.calls
                ),
            ));
        }
        let id = identity.participant.clone();
        let call = self.calls.entry(name.to_owned()).or_default();
        if let Some(replaced) = replaced {
            if let Some(Link::Lost(until)) = call.member(&replaced).map(|member| member.link) {
                self.timers
                    .remove(&(until, Timer::Lost(name.to_owned(), replaced.clone())));
            }
            call.remove(&replaced, "its user joined anew", &mut self.actions);
        }
        call.enter(name, identity, entry, seat, &mut self.actions);
        Ok(id)
    }

    fn free_presence(&self, name: &str, user: &str) -> u32 {
        self.calls
            .get(name)
            .map_or(1, |call| call.free_presence(user))
    }
}
