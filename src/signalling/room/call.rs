//! One call: its participants, and the messages between them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use super::member::{Entry, Member, SessionState};
use super::placed_state::Placed;
use super::{Action, ConnectionId, Rejection};
use crate::model::{Kinds, ParticipantId};
use crate::signalling::message::{ErrorCode, LegSignal, LegStep, Resume, ServerMessage};

/// Guests that are remembered while they are not in the call. Bounds the memory that a call with
/// changing users can take.
const GUESTS: usize = 1024;

/// A call and its participants.
#[derive(Debug, Default)]
pub(super) struct Call {
    members: BTreeMap<ParticipantId, Member>,
    /// The users that are being rung.
    pub(super) ringing: BTreeSet<String>,
    /// Users that may join whatever their token allows, the oldest first.
    guests: VecDeque<String>,
    /// Its state, if it is a placed call.
    pub(super) placed: Option<Placed>,
}

impl Call {
    /// Creates a call that was placed, here or on another server.
    pub(super) fn placed(stage: Placed) -> Call {
        Call {
            placed: Some(stage),
            ..Call::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns the number of members whose connection is lost.
    pub(super) fn lost(&self) -> usize {
        let lost = |member: &&Member| matches!(member.state, SessionState::Lost(_));
        self.members.values().filter(lost).count()
    }

    pub(super) fn member(&self, id: &ParticipantId) -> Option<&Member> {
        self.members.get(id)
    }

    /// Returns all participants of a call that has ended.
    pub(super) fn into_members(self) -> impl Iterator<Item = (ParticipantId, Member)> {
        self.members.into_iter()
    }

    /// Whether `user` has a session in the call, connected or lost.
    pub(super) fn has(&self, user: &str) -> bool {
        self.of_user(user).next().is_some()
    }

    /// Whether `user` may join whatever its token allows.
    pub(super) fn is_guest(&self, user: &str) -> bool {
        self.guests.iter().any(|guest| guest == user)
    }

    /// Lets `user` join from now on whatever its token allows.
    pub(super) fn add_guest(&mut self, user: &str) {
        if self.is_guest(user) {
            return;
        }
        let is_elsewhere = |user: &String| !self.has(user) && !self.ringing.contains(user);
        if self.guests.len() >= GUESTS
            && let Some(oldest) = self.guests.iter().position(is_elsewhere)
        {
            self.guests.remove(oldest);
        }
        self.guests.push_back(user.to_owned());
    }

    /// Returns the session of `user` with this number, or else the lost one with the lowest number.
    pub(super) fn session_of(&self, user: &str, number: u32) -> Option<&ParticipantId> {
        self.of_user(user)
            .find(|(_, member)| member.session == number)
            .map(|(id, _)| id)
    }

    /// Returns the session of `user` that a new one replaces: the lost one with the lowest number.
    pub(super) fn lost_session_of(&self, user: &str) -> Option<(&ParticipantId, u32)> {
        self.of_user(user)
            .filter(|(_, member)| matches!(member.state, SessionState::Lost(_)))
            .map(|(id, member)| (id, member.session))
            .min_by_key(|(_, session)| *session)
    }

    /// Returns the lowest session number that `user` does not use.
    pub(super) fn free_session(&self, user: &str) -> u32 {
        let taken: BTreeSet<u32> = self
            .of_user(user)
            .map(|(_, member)| member.session)
            .collect();
        (1..)
            .find(|number| !taken.contains(number))
            .unwrap_or(u32::MAX)
    }

    /// Adds a new participant, sends it the roster and notifies the others.
    pub(super) fn enter(
        &mut self,
        name: &str,
        identity: Resume,
        entry: Entry,
        connection: ConnectionId,
        out: &mut VecDeque<Action>,
    ) {
        let Resume {
            participant: id,
            session,
            key,
        } = identity;
        if let Some(placed) = &mut self.placed {
            placed.joined(&entry.user);
            self.add_guest(&entry.user);
        }
        self.members.insert(
            id.clone(),
            Member {
                entry,
                session,
                key,
                state: SessionState::Connected(connection),
                wants: BTreeMap::new(),
                candidates: BTreeMap::new(),
            },
        );
        self.welcome(name, &id, connection, out);
    }

    /// Resumes a participant's session on `connection`. Returns the previous state.
    pub(super) fn resume(
        &mut self,
        name: &str,
        id: &ParticipantId,
        entry: Entry,
        connection: ConnectionId,
        out: &mut VecDeque<Action>,
    ) -> Option<SessionState> {
        let member = self.members.get_mut(id)?;
        member.entry = entry;
        let before = std::mem::replace(&mut member.state, SessionState::Connected(connection));
        self.welcome(name, id, connection, out);
        Some(before)
    }

    /// Marks a participant as lost: its connection closed without a `leave`.
    pub(super) fn mark_lost(
        &mut self,
        id: &ParticipantId,
        until: Instant,
        out: &mut VecDeque<Action>,
    ) {
        if let Some(member) = self.members.get_mut(id) {
            member.state = SessionState::Lost(until);
            self.notify_others(id, out);
        }
    }

    /// Removes a participant permanently.
    pub(super) fn remove(&mut self, id: &ParticipantId, reason: &str, out: &mut VecDeque<Action>) {
        if self.members.remove(id).is_none() {
            return;
        }
        for member in self.members.values_mut() {
            member.wants.remove(id);
            member.candidates.remove(id);
        }
        let message = ServerMessage::ParticipantLeft {
            participant: id.clone(),
            reason: reason.to_owned(),
        };
        self.broadcast(&message, out);
    }

    /// Updates a participant's roles or media and notifies the others if they changed.
    pub(super) fn change(
        &mut self,
        id: &ParticipantId,
        out: &mut VecDeque<Action>,
        change: impl FnOnce(&mut Entry),
    ) {
        let Some(member) = self.members.get_mut(id) else {
            return;
        };
        let before = (
            member.entry.receives,
            member.entry.sends,
            member.entry.media.clone(),
        );
        change(&mut member.entry);
        if before
            != (
                member.entry.receives,
                member.entry.sends,
                member.entry.media.clone(),
            )
        {
            self.notify_others(id, out);
        }
    }

    /// Sets the kinds that `from` reads from `of` and notifies only `of`.
    pub(super) fn want(
        &mut self,
        from: &ParticipantId,
        of: &ParticipantId,
        kinds: Kinds,
        out: &mut VecDeque<Action>,
    ) -> Result<(), Rejection> {
        self.check_peer(from, of)?;
        let Some(member) = self.members.get_mut(from) else {
            return Ok(());
        };
        let before = member
            .wants
            .insert(of.clone(), kinds.clone())
            .unwrap_or_default();
        if before != kinds {
            self.notify(of, from, out);
        }
        Ok(())
    }

    /// Relays a step of a leg. Nothing is relayed to a participant whose connection is lost: the
    /// ends of a leg retry by themselves.
    pub(super) fn signal(
        &mut self,
        from: &ParticipantId,
        to: &ParticipantId,
        signal: LegSignal,
        candidates_per_leg: u32,
        out: &mut VecDeque<Action>,
    ) -> Result<(), Rejection> {
        self.check_peer(from, to)?;
        let Some(SessionState::Connected(connection)) =
            self.members.get(to).map(|member| member.state)
        else {
            return Ok(());
        };
        if let LegStep::Candidate(candidate) = &signal.step
            && !candidate.candidate.is_empty()
            && let Some(member) = self.members.get_mut(from)
            && member.count_candidate(to, signal.leg, signal.by) > candidates_per_leg
        {
            return Err(Rejection::new(
                ErrorCode::LimitExceeded,
                format!(
                    "more than {candidates_per_leg} candidates for leg {} to {to}: send fewer, \
                     for example those of fewer network interfaces",
                    signal.leg
                ),
            ));
        }
        let message = ServerMessage::Signal {
            from: from.clone(),
            signal,
        };
        out.push_back(Action::Send(connection, message));
        Ok(())
    }

    fn of_user(&self, user: &str) -> impl Iterator<Item = (&ParticipantId, &Member)> {
        self.members
            .iter()
            .filter(move |(_, member)| member.entry.user == user)
    }

    fn check_peer(&self, own: &ParticipantId, peer: &ParticipantId) -> Result<(), Rejection> {
        if own == peer {
            return Err(Rejection::new(
                ErrorCode::UnknownParticipant,
                format!("{peer} is this client itself: name another participant"),
            ));
        }
        if !self.members.contains_key(peer) {
            let shown: String = peer.0.chars().take(64).collect();
            return Err(Rejection::new(
                ErrorCode::UnknownParticipant,
                format!("there is no participant {shown} in this call: it may have left just now"),
            ));
        }
        Ok(())
    }

    /// Sends the roster to `id` and notifies the others.
    fn welcome(
        &self,
        name: &str,
        id: &ParticipantId,
        connection: ConnectionId,
        out: &mut VecDeque<Action>,
    ) {
        let Some(member) = self.members.get(id) else {
            return;
        };
        let joined = ServerMessage::Joined {
            call: name.to_owned(),
            resume: Resume {
                participant: id.clone(),
                session: member.session,
                key: member.key.clone(),
            },
            participants: self
                .members
                .iter()
                .filter(|(other, _)| *other != id)
                .map(|(other, member)| member.seen_by(other, id))
                .collect(),
            ringing: self.ringing.iter().cloned().collect(),
            ice_servers: Vec::new(),
        };
        out.push_back(Action::Send(connection, joined));
        self.notify_others(id, out);
    }

    /// Sends a message to all connected participants.
    pub(super) fn broadcast(&self, message: &ServerMessage, out: &mut VecDeque<Action>) {
        for member in self.members.values() {
            if let SessionState::Connected(connection) = member.state {
                out.push_back(Action::Send(connection, message.clone()));
            }
        }
    }

    fn notify_others(&self, about: &ParticipantId, out: &mut VecDeque<Action>) {
        for receiver in self.members.keys().filter(|receiver| *receiver != about) {
            self.notify(receiver, about, out);
        }
    }

    fn notify(&self, receiver: &ParticipantId, about: &ParticipantId, out: &mut VecDeque<Action>) {
        if let Some(SessionState::Connected(connection)) =
            self.members.get(receiver).map(|m| m.state)
            && let Some(member) = self.members.get(about)
        {
            let participant = member.seen_by(about, receiver);
            out.push_back(Action::Send(
                connection,
                ServerMessage::Participant { participant },
            ));
        }
    }
}
