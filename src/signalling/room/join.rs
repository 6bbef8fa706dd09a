//! Joining a call: as a new session, in place of a lost one, by resuming a session, or by restoring
//! one of another server.

use std::time::Instant;

use super::call::Call;
use super::connection::Phase;
use super::member::{Entry, SessionState};
use super::placed_state::Placed;
use super::rejection::Rejection;
use super::{Action, CallScope, ConnectionId, Grants, Rooms, Timer};
use super::{identity, random};
use crate::model::ParticipantId;
use crate::signalling::message::{ErrorCode, PLACED, Resume, ServerMessage};

impl Rooms {
    pub(super) fn join(
        &mut self,
        connection: ConnectionId,
        grants: Grants,
        name: String,
        entry: Entry,
        resume: Option<Resume>,
        now: Instant,
    ) -> Result<(), Rejection> {
        self.limits.check_name("call's name", &name)?;
        self.check_open(&grants, &name, &entry.user, resume.is_some())?;
        let id = match resume {
            Some(resume) => match self.resume(connection, &name, entry, resume, now)? {
                Some(id) => id,
                None => return Ok(()),
            },
            None => self.join_as_new(connection, &name, entry, now)?,
        };
        let joined = Phase::Joined {
            call: name,
            id,
            place: grants.place,
        };
        self.advance(connection, joined);
        Ok(())
    }

    /// Checks that `user` may join the call `name`.
    fn check_open(
        &self,
        grants: &Grants,
        name: &str,
        user: &str,
        comes_back: bool,
    ) -> Result<(), Rejection> {
        let call = self.calls.get(name);
        if call.is_some_and(|call| call.is_guest(user)) {
            return Ok(());
        }
        if !name.starts_with(PLACED) {
            return grants.check_call(name);
        }
        let text = match call.map(|call| &call.placed) {
            // A participant of a call on another server has a key. But a client can invent a key
            // for a call that never existed, so a key must not permit more than the token does.
            None | Some(Some(Placed::Restored { .. })) if comes_back => {
                if grants.place || grants.calls == CallScope::Any {
                    return Ok(());
                }
                "the server has restarted, and the token opens no call that was placed before: \
                 call again, or get a token for all calls"
            }
            None => {
                "this call is over, or never was: only its caller makes a call whose name begins \
                 so; call again, or join a call by another name"
            }
            Some(_) => {
                "this user was not called into this call: have somebody in it invite the user"
            }
        };
        Err(Rejection::new(ErrorCode::NotInvited, text))
    }

    /// Adds a new session, in place of a lost one of its user if there is one.
    pub(super) fn join_as_new(
        &mut self,
        connection: ConnectionId,
        name: &str,
        entry: Entry,
        now: Instant,
    ) -> Result<ParticipantId, Rejection> {
        let lost = self.calls.get(name).and_then(|call| {
            call.lost_session_of(&entry.user)
                .map(|(id, number)| (id.clone(), number))
        });
        let (replaced, session) = match lost {
            Some((id, number)) => (Some(id), number),
            None => (None, self.free_session(name, &entry.user)),
        };
        let key = random::token::<16>(&mut *self.random);
        let identity = Resume {
            participant: identity::id(&key, &entry.user, name),
            session,
            key,
        };
        self.enter(connection, name, entry, identity, replaced, now)
    }

    /// Resumes the session that `resume` names, or restores it from another server. Returns `None`
    /// if the call has ended; the client is then sent the reason.
    fn resume(
        &mut self,
        connection: ConnectionId,
        name: &str,
        entry: Entry,
        resume: Resume,
        now: Instant,
    ) -> Result<Option<ParticipantId>, Rejection> {
        let id = resume.participant.clone();
        // For sessions of this and of other servers alike: only the owner of the key can be this
        // participant.
        if !identity::is_proven(&resume, &entry.user, name) {
            let text = "the key is not that of this participant of this user and call: join \
                        without resume";
            return Err(Rejection::new(ErrorCode::BadResume, text));
        }
        let session = (name.to_owned(), id.clone());
        if let Some(tombstone) = self.tombstones.remove(&session) {
            let (call, id) = session;
            self.timers
                .remove(&(tombstone.until, Timer::Lost(call, id)));
            self.actions
                .push_back(Action::Send(connection, tombstone.message));
            self.hang_up(connection, now);
            return Ok(None);
        }
        let Some(call) = self
            .calls
            .get_mut(name)
            .filter(|call| call.member(&id).is_some())
        else {
            return self
                .restore_from_other_server(connection, name, entry, resume, now)
                .map(Some);
        };
        match call.resume(name, &id, entry, connection, &mut self.actions) {
            Some(SessionState::Lost(until)) => {
                self.timers
                    .remove(&(until, Timer::Lost(name.to_owned(), id.clone())));
            }
            Some(SessionState::Connected(old)) => {
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
        Ok(Some(id))
    }

    /// Restores a session of another server.
    fn restore_from_other_server(
        &mut self,
        connection: ConnectionId,
        name: &str,
        entry: Entry,
        mut resume: Resume,
        now: Instant,
    ) -> Result<ParticipantId, Rejection> {
        let call = self.calls.get(name);
        let highest = u32::try_from(self.limits.participants_per_call).unwrap_or(u32::MAX);
        let owner = call
            .and_then(|call| call.session_of(&entry.user, resume.session))
            .cloned();
        let owner_is_lost = |id: &ParticipantId| {
            let member = call.and_then(|call| call.member(id));
            member.is_some_and(|member| matches!(member.state, SessionState::Lost(_)))
        };
        let replaced = owner.clone().filter(owner_is_lost);
        if owner != replaced || !(1..=highest).contains(&resume.session) {
            resume.session = self.free_session(name, &entry.user);
        }
        self.enter(connection, name, entry, resume, replaced, now)
    }

    /// Adds a new participant, in place of `replaced` if given.
    pub(super) fn enter(
        &mut self,
        connection: ConnectionId,
        name: &str,
        entry: Entry,
        identity: Resume,
        replaced: Option<ParticipantId>,
        now: Instant,
    ) -> Result<ParticipantId, Rejection> {
        let limits = &self.limits;
        let present = self.calls.get(name).map_or(0, Call::len) - usize::from(replaced.is_some());
        if present >= limits.participants_per_call {
            return Err(Rejection::new(
                ErrorCode::LimitExceeded,
                format!("the call is full: it has {present} participants; join when one has left"),
            ));
        }
        if !self.calls.contains_key(name) {
            self.check_new_call()?;
            self.open(name, now);
        }
        let id = identity.participant.clone();
        self.answered(name, &entry.user, connection);
        let Some(call) = self.calls.get_mut(name) else {
            return Ok(id);
        };
        if let Some(replaced) = replaced {
            if let Some(SessionState::Lost(until)) =
                call.member(&replaced).map(|member| member.state)
            {
                self.timers
                    .remove(&(until, Timer::Lost(name.to_owned(), replaced.clone())));
            }
            call.remove(&replaced, "its user joined again", &mut self.actions);
        }
        call.enter(name, identity, entry, connection, &mut self.actions);
        Ok(id)
    }

    /// Checks the limit on calls.
    pub(super) fn check_new_call(&self) -> Result<(), Rejection> {
        let most = self.limits.calls;
        if self.calls.len() < most {
            return Ok(());
        }
        Err(Rejection::new(
            ErrorCode::LimitExceeded,
            format!("the server has its {most} calls: join one of them or wait"),
        ))
    }

    /// Opens the call that somebody joins: a named call, or a placed call of another server.
    fn open(&mut self, name: &str, now: Instant) {
        let call = if name.starts_with(PLACED) {
            let until = now + self.limits.resume;
            self.timers
                .insert((until, Timer::Restored(name.to_owned())));
            Call::placed(Placed::Restored { until })
        } else {
            Call::default()
        };
        self.calls.insert(name.to_owned(), call);
    }

    fn free_session(&self, name: &str, user: &str) -> u32 {
        self.calls
            .get(name)
            .map_or(1, |call| call.free_session(user))
    }
}
