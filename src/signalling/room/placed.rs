//! Placed calls: placing, inviting, and the status of the callees.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::call::Call;
use super::connection::{Identity, Phase};
use super::member::Entry;
use super::placed_state::Placed;
use super::rejection::Rejection;
use super::{Action, ConnectionId, Grants, Rooms, identity, random};
use crate::model::{CalleeState, ParticipantId};
use crate::signalling::message::{ErrorCode, PLACED, Resume, ServerMessage};

impl Rooms {
    /// Places a new call: its caller joins, the callees are rung.
    pub(super) fn place(
        &mut self,
        connection: ConnectionId,
        grants: Grants,
        callees: Vec<String>,
        entry: Entry,
        now: Instant,
    ) -> Result<(), Rejection> {
        grants.check_place("call others")?;
        let callees = self.callees(callees)?;
        let most = self.limits.participants_per_call.saturating_sub(1);
        if callees.is_empty() {
            let text = "there is nobody to call: name at least one user as callee";
            return Err(Rejection::new(ErrorCode::BadName, text));
        }
        if callees.contains(&entry.user) {
            let text = format!(
                "the user {:?} cannot call itself: name other users as callees",
                entry.user
            );
            return Err(Rejection::new(ErrorCode::BadName, text));
        }
        if callees.len() > most {
            let text = format!(
                "{} callees are too many for one call: call {most} at most",
                callees.len()
            );
            return Err(Rejection::new(ErrorCode::LimitExceeded, text));
        }
        self.end_abandoned(&entry.user, &callees, now);
        self.check_new_call()?;

        let token = random::token::<16>(&mut *self.random);
        let name = format!("{PLACED}{token}");
        let stage = Placed::Unanswered {
            caller: entry.user.clone(),
            failed: VecDeque::new(),
        };
        self.calls.insert(name.clone(), Call::placed(stage));
        let inviter = Identity {
            user: entry.user.clone(),
            display_name: entry.display_name.clone(),
        };
        let mut statuses = Vec::new();
        for callee in callees {
            if let Some(state) = self.ring(&name, &callee, &inviter, now) {
                statuses.push((callee, state));
            }
        }
        let key = random::token::<16>(&mut *self.random);
        let identity = Resume {
            participant: identity::id(&key, &entry.user, &name),
            session: 1,
            key,
        };
        let id = self.enter(connection, &name, entry, identity, None, now)?;
        let joined = Phase::Joined {
            call: name.clone(),
            id,
            place: true,
        };
        self.advance(connection, joined);
        for (callee, state) in statuses {
            self.broadcast_callee(&name, &callee, state);
        }
        self.end_if_finished(&name, now);
        Ok(())
    }

    /// Rings further users for the call `name` on the invitation of `id`.
    pub(super) fn invite(
        &mut self,
        connection: ConnectionId,
        name: &str,
        id: &ParticipantId,
        users: Vec<String>,
        now: Instant,
    ) -> Result<(), Rejection> {
        // The inviter stays in the call.
        let refused =
            |rejection: Rejection| Rejection::new(ErrorCode::InviteRefused, rejection.message);
        let users = self.callees(users).map_err(refused)?;
        let Some(call) = self.calls.get(name) else {
            return Ok(());
        };
        let Some(entry) = call.member(id).map(|member| &member.entry) else {
            return Ok(());
        };
        let inviter = Identity {
            user: entry.user.clone(),
            display_name: entry.display_name.clone(),
        };
        let (here, new): (Vec<String>, Vec<String>) = users
            .into_iter()
            .filter(|user| !call.ringing.contains(user))
            .partition(|user| call.has(user));
        let (present, ringing) = (call.len(), call.ringing.len());
        let most = self.limits.participants_per_call;
        if present + ringing + new.len() > most && !new.is_empty() {
            let text = format!(
                "the call has {present} participants and {ringing} are being rung, of {most} that \
                 it takes: invite {} at most, or when somebody has left",
                most.saturating_sub(present + ringing)
            );
            return Err(Rejection::new(ErrorCode::InviteRefused, text));
        }
        // The other participants need not know.
        for user in here {
            let state = CalleeState::Busy;
            let message = ServerMessage::Callee { user, state };
            self.actions.push_back(Action::Send(connection, message));
        }
        for user in new {
            if let Some(state) = self.ring(name, &user, &inviter, now) {
                self.broadcast_callee(name, &user, state);
            }
        }
        Ok(())
    }

    /// Sends a callee's status to everybody in the call, and keeps it if the callee failed to
    /// answer.
    pub(super) fn broadcast_callee(&mut self, name: &str, user: &str, state: CalleeState) {
        let Some(call) = self.calls.get_mut(name) else {
            return;
        };
        if !matches!(state, CalleeState::Ringing | CalleeState::Accepted)
            && let Some(placed) = &mut call.placed
        {
            placed.add_failed(user, state);
        }
        let user = user.to_owned();
        call.broadcast(&ServerMessage::Callee { user, state }, &mut self.actions);
    }

    /// Checks the named users and removes duplicates.
    fn callees(&self, named: Vec<String>) -> Result<Vec<String>, Rejection> {
        let mut known = BTreeSet::new();
        let mut callees = Vec::new();
        for user in named {
            self.limits.check_name("callee's name", &user)?;
            if known.insert(user.clone()) {
                callees.push(user);
            }
        }
        Ok(callees)
    }

    /// Ends a call that `caller` placed before, that rings one of `callees` and that has only lost
    /// sessions of the caller. The caller does not know of that call if the answer to `place` was
    /// lost, and would find the callees busy.
    fn end_abandoned(&mut self, caller: &str, callees: &[String], now: Instant) {
        let abandoned = |call: &Call| {
            matches!(&call.placed, Some(Placed::Unanswered { caller: c, .. }) if c == caller)
                && call.len() == call.lost()
        };
        let names: BTreeSet<String> = callees
            .iter()
            .filter_map(|callee| self.invitations.get(callee))
            .map(|invitation| invitation.call.clone())
            .filter(|name| self.calls.get(name).is_some_and(abandoned))
            .collect();
        for name in names {
            let reason = "its caller has placed another call".to_owned();
            self.end(&name, None, &ServerMessage::CallEnded { reason }, now);
        }
    }

    /// Handles the expired time to resume a placed call of another server.
    pub(super) fn restored(&mut self, name: &str, now: Instant) {
        if let Some(call) = self.calls.get_mut(name) {
            call.placed = Some(Placed::Answered);
        }
        self.end_if_finished(name, now);
    }
}

/// Returns the error for the caller of a call that nobody answered.
pub(super) fn unanswered_error(
    failed: &VecDeque<(String, CalleeState)>,
    ringing: Duration,
) -> ServerMessage {
    let mut message = String::from("the call was not answered: ");
    for (index, (user, state)) in failed.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let _ = match state {
            CalleeState::Declined => write!(message, "{separator}{user:?} declined"),
            CalleeState::Busy => write!(message, "{separator}{user:?} is busy with another call"),
            CalleeState::NoAnswer => write!(
                message,
                "{separator}{user:?} did not answer within {} s",
                ringing.as_secs_f32()
            ),
            _ => write!(message, "{separator}nobody waits for calls as {user:?}"),
        };
    }
    let (code, remedy) = match failed.back().map(|(_, state)| state) {
        Some(CalleeState::Declined) => (ErrorCode::CalleeDeclined, "call again later"),
        Some(CalleeState::Busy) => (ErrorCode::CalleeBusy, "call again later"),
        Some(CalleeState::NoAnswer) => (ErrorCode::CalleeNoAnswer, "call again later"),
        _ => (
            ErrorCode::CalleeUnknown,
            "check the name, and call when the user waits for calls",
        ),
    };
    let _ = write!(message, "; {remedy}");
    ServerMessage::Error { code, message }
}
