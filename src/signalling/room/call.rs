//! One call: who is in it, and what each is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use super::{Action, ConnectionId, Refusal};
use crate::signalling::message::{
    ErrorCode, IceServer, Kinds, LegEnd, LegNumber, LegSignal, LegStep, Participant, ParticipantId,
    Resume, ServerMessage,
};

/// The legs per pair of participants whose candidates are counted; those of older legs, long
/// replaced, are forgotten. Bounds the memory that invented leg numbers can take.
const COUNTED_LEGS: usize = 8;

/// A call and its participants.
#[derive(Debug, Default)]
pub(super) struct Call {
    members: BTreeMap<ParticipantId, Member>,
}

/// A participant.
#[derive(Debug)]
pub(super) struct Member {
    /// What `hello` and `join` said of it.
    pub(super) entry: Entry,
    /// Its number among the user's presences, from 1.
    pub(super) presence: u32,
    /// What it has to show in order to come back.
    pub(super) key: String,
    /// Its connection.
    pub(super) link: Link,
    /// What it reads of the others.
    wants: BTreeMap<ParticipantId, Kinds>,
    /// The candidates it sent per receiver and leg, the newest leg last.
    candidates: BTreeMap<ParticipantId, VecDeque<(LegNumber, LegEnd, u32)>>,
}

/// What a participant says of itself.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) user: String,
    pub(super) display_name: Option<String>,
    pub(super) receives: bool,
    pub(super) sends: bool,
    pub(super) media: Kinds,
}

/// Where a client that comes in is answered, and with what.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) connection: ConnectionId,
    pub(super) ice_servers: Vec<IceServer>,
}

/// A participant's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// This one.
    Connected(ConnectionId),
    /// None; it may come back until then.
    Lost(Instant),
}

impl Call {
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

    /// The presence of `user` with this number, or with the lowest whose connection is lost.
    pub(super) fn presence_of(&self, user: &str, number: u32) -> Option<&ParticipantId> {
        self.of_user(user)
            .find(|(_, member)| member.presence == number)
            .map(|(id, _)| id)
    }

    /// The presence of `user` that a new one replaces: of those whose connection is lost, the one
    /// with the lowest number.
    pub(super) fn lost_presence_of(&self, user: &str) -> Option<(&ParticipantId, u32)> {
        self.of_user(user)
            .filter(|(_, member)| matches!(member.link, Link::Lost(_)))
            .map(|(id, member)| (id, member.presence))
            .min_by_key(|(_, presence)| *presence)
    }

    /// The lowest number that no presence of `user` has.
    pub(super) fn free_presence(&self, user: &str) -> u32 {
        let taken: BTreeSet<u32> = self
            .of_user(user)
            .map(|(_, member)| member.presence)
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
        seat: Seat,
        out: &mut VecDeque<Action>,
    ) {
        let Resume {
            participant: id,
            presence,
            key,
        } = identity;
        self.members.insert(
            id.clone(),
            Member {
                entry,
                presence,
                key,
                link: Link::Connected(seat.connection),
                wants: BTreeMap::new(),
                candidates: BTreeMap::new(),
            },
        );
        self.welcome(name, &id, seat, out);
    }

    /// A participant is back, at `seat`. Gives what its link was.
    pub(super) fn come_back(
        &mut self,
        name: &str,
        id: &ParticipantId,
        entry: Entry,
        seat: Seat,
        out: &mut VecDeque<Action>,
    ) -> Option<Link> {
        let member = self.members.get_mut(id)?;
        member.entry = entry;
        let before = std::mem::replace(&mut member.link, Link::Connected(seat.connection));
        self.welcome(name, id, seat, out);
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
            if let Link::Connected(connection) = member.link {
                let message = ServerMessage::ParticipantLeft {
                    participant: id.clone(),
                    reason: reason.to_owned(),
                };
                out.push_back(Action::Send(connection, message));
            }
        }
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
    ) -> Result<(), Refusal> {
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
    ) -> Result<(), Refusal> {
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
            return Err(Refusal::new(
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

    fn check_peer(&self, own: &ParticipantId, peer: &ParticipantId) -> Result<(), Refusal> {
        if own == peer {
            return Err(Refusal::new(
                ErrorCode::UnknownParticipant,
                format!("{peer} is this client itself: name another participant"),
            ));
        }
        if !self.members.contains_key(peer) {
            let shown: String = peer.0.chars().take(64).collect();
            return Err(Refusal::new(
                ErrorCode::UnknownParticipant,
                format!("there is no participant {shown} in this call: it may have left just now"),
            ));
        }
        Ok(())
    }

    /// Gives `id` the roster, and tells the others of it.
    fn welcome(&self, name: &str, id: &ParticipantId, seat: Seat, out: &mut VecDeque<Action>) {
        let Some(member) = self.members.get(id) else {
            return;
        };
        let joined = ServerMessage::Joined {
            call: name.to_owned(),
            resume: Resume {
                participant: id.clone(),
                presence: member.presence,
                key: member.key.clone(),
            },
            participants: self
                .members
                .iter()
                .filter(|(other, _)| *other != id)
                .map(|(other, member)| member.seen_by(other, id))
                .collect(),
            ringing: Vec::new(),
            ice_servers: seat.ice_servers,
        };
        out.push_back(Action::Send(seat.connection, joined));
        self.tell_others(id, out);
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

impl Member {
    /// This participant, `id`, as `viewer` sees it.
    fn seen_by(&self, id: &ParticipantId, viewer: &ParticipantId) -> Participant {
        Participant {
            id: id.clone(),
            user: self.entry.user.clone(),
            presence: self.presence,
            display_name: self.entry.display_name.clone(),
            receives: self.entry.receives,
            sends: self.entry.sends,
            media: self.entry.media.clone(),
            wants: self.wants.get(viewer).cloned().unwrap_or_default(),
            connected: matches!(self.link, Link::Connected(_)),
        }
    }

    /// Counts one candidate more; gives how many it are for that leg.
    fn count_candidate(&mut self, to: &ParticipantId, leg: LegNumber, by: LegEnd) -> u32 {
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
