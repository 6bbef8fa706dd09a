//! One call: who is in it, and what each is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use super::member::{Entry, Link, Member};
use super::placed::Placed;
use super::{Action, ConnectionId, Rejection};
use crate::model::{Kinds, ParticipantId};
use crate::signalling::message::{ErrorCode, LegSignal, LegStep, Resume, ServerMessage};

/// The users who may come in whatever their token says, that are remembered while they are not in
/// the call. Bounds the memory that a call of changing users can take.
const GUESTS: usize = 1024;

/// A call and its participants.
#[derive(Debug, Default)]
pub(super) struct Call {
    members: BTreeMap<ParticipantId, Member>,
    /// The users who are being rung for it.
    pub(super) ringing: BTreeSet<String>,
    /// The users who may come in whatever their token says, the longest known first.
    guests: VecDeque<String>,
    /// Where it stands, if it is a placed one.
    pub(super) placed: Option<Placed>,
}

impl Call {
    /// One that was placed, or was on another server.
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

    /// Members whose connection is lost.
    pub(super) fn lost(&self) -> usize {
        let lost = |member: &&Member| matches!(member.link, Link::Lost(_));
        self.members.values().filter(lost).count()
    }

    pub(super) fn member(&self, id: &ParticipantId) -> Option<&Member> {
        self.members.get(id)
    }

    /// All participants, of a call that is over.
    pub(super) fn into_members(self) -> impl Iterator<Item = (ParticipantId, Member)> {
        self.members.into_iter()
    }

    /// Whether a session of `user` is in it, or may come back.
    pub(super) fn has(&self, user: &str) -> bool {
        self.of_user(user).next().is_some()
    }

    /// Whether `user` may come in whatever its token says.
    pub(super) fn is_guest(&self, user: &str) -> bool {
        self.guests.iter().any(|guest| guest == user)
    }

    /// `user` may come in from now on whatever its token says.
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

    /// The session of `user` with this number, or with the lowest whose connection is lost.
    pub(super) fn session_of(&self, user: &str, number: u32) -> Option<&ParticipantId> {
        self.of_user(user)
            .find(|(_, member)| member.session == number)
            .map(|(id, _)| id)
    }

    /// The session of `user` that a new one replaces: of those whose connection is lost, the one
    /// with the lowest number.
    pub(super) fn lost_session_of(&self, user: &str) -> Option<(&ParticipantId, u32)> {
        self.of_user(user)
            .filter(|(_, member)| matches!(member.link, Link::Lost(_)))
            .map(|(id, member)| (id, member.session))
            .min_by_key(|(_, session)| *session)
    }

    /// The lowest number that no session of `user` has.
    pub(super) fn free_session(&self, user: &str) -> u32 {
        let taken: BTreeSet<u32> = self
            .of_user(user)
            .map(|(_, member)| member.session)
            .collect();
        (1..)
            .find(|number| !taken.contains(number))
            .unwrap_or(u32::MAX)
    }

    /// Lets a new participant in: it gets the roster, the others learn of it.
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
            placed.entered(&entry.user);
            self.add_guest(&entry.user);
        }
        self.members.insert(
            id.clone(),
            Member {
                entry,
                session,
                key,
                link: Link::Connected(connection),
                wants: BTreeMap::new(),
                candidates: BTreeMap::new(),
            },
        );
        self.welcome(name, &id, connection, out);
    }

    /// A participant is back, on `connection`. Gives what its link was.
    pub(super) fn come_back(
        &mut self,
        name: &str,
        id: &ParticipantId,
        entry: Entry,
        connection: ConnectionId,
        out: &mut VecDeque<Action>,
    ) -> Option<Link> {
        let member = self.members.get_mut(id)?;
        member.entry = entry;
        let before = std::mem::replace(&mut member.link, Link::Connected(connection));
        self.welcome(name, id, connection, out);
        Some(before)
    }

    /// A participant's connection is gone without a `leave`.
    pub(super) fn lose(&mut self, id: &ParticipantId, until: Instant, out: &mut VecDeque<Action>) {
        if let Some(member) = self.members.get_mut(id) {
            member.link = Link::Lost(until);
            self.tell_others(id, out);
        }
    }

    /// A participant is gone for good.
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
        self.tell_all(&message, out);
    }

    /// Changes what a participant says of itself, and tells the others if it is a change.
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
            self.tell_others(id, out);
        }
    }

    /// `from` reads these kinds of `of`, who alone is told.
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
            self.tell(of, from, out);
        }
        Ok(())
    }

    /// Relays a step of a leg. To a participant whose connection is lost nothing is relayed: the
    /// ends of a leg try again by themselves.
    pub(super) fn signal(
        &mut self,
        from: &ParticipantId,
        to: &ParticipantId,
        signal: LegSignal,
        candidates_per_leg: u32,
        out: &mut VecDeque<Action>,
    ) -> Result<(), Rejection> {
        self.check_peer(from, to)?;
        let Some(Link::Connected(connection)) = self.members.get(to).map(|member| member.link)
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

    /// Gives `id` the roster, and tells the others of it.
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
        self.tell_others(id, out);
    }

    /// Tells everybody whose connection is there.
    pub(super) fn tell_all(&self, message: &ServerMessage, out: &mut VecDeque<Action>) {
        for member in self.members.values() {
            if let Link::Connected(connection) = member.link {
                out.push_back(Action::Send(connection, message.clone()));
            }
        }
    }

    fn tell_others(&self, about: &ParticipantId, out: &mut VecDeque<Action>) {
        for receiver in self.members.keys().filter(|receiver| *receiver != about) {
            self.tell(receiver, about, out);
        }
    }

    fn tell(&self, receiver: &ParticipantId, about: &ParticipantId, out: &mut VecDeque<Action>) {
        if let Some(Link::Connected(connection)) = self.members.get(receiver).map(|m| m.link)
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
