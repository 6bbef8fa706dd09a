//! How participants leave and calls end.

use std::time::Instant;

use super::connection::Phase;
use super::grants::check_place;
use super::member::SessionState;
use super::placed::unanswered_error;
use super::placed_state::Placed;
use super::rejection::Rejection;
use super::{Action, ConnectionId, Rooms, Timer};
use crate::model::{IncomingEnd, ParticipantId};
use crate::signalling::message::ServerMessage;

/// The end of a call, for a participant that resumes later.
#[derive(Debug)]
pub(super) struct Tombstone {
    /// The time until which it is kept.
    pub(super) until: Instant,
    /// The message about the end.
    pub(super) message: ServerMessage,
}

impl Rooms {
    /// Handles `leave` in any phase.
    pub(super) fn leave(
        &mut self,
        connection: ConnectionId,
        for_everyone: bool,
        now: Instant,
    ) -> Result<(), Rejection> {
        let phase = self.connections.get(&connection).map(|c| c.phase.clone());
        if let Some(Phase::Joined { call, id, place }) = phase {
            if for_everyone {
                self.end_for_everyone(&call, &id, place, now)?;
            } else {
                self.remove(&call, &id, "left the call", now);
            }
        }
        self.hang_up(connection, now);
        Ok(())
    }

    /// Handles the expired time for a participant to resume.
    pub(super) fn resume_timed_out(&mut self, name: String, id: ParticipantId, now: Instant) {
        let reason = format!(
            "its connection was lost and did not come back within {} s",
            self.limits.resume.as_secs_f32()
        );
        self.remove(&name, &id, &reason, now);
        self.tombstones.remove(&(name, id));
    }

    /// Removes a participant, and ends the call if it is finished.
    fn remove(&mut self, name: &str, id: &ParticipantId, reason: &str, now: Instant) {
        if let Some(call) = self.calls.get_mut(name) {
            call.remove(id, reason, &mut self.actions);
            self.end_if_finished(name, now);
        }
    }

    /// Ends the call `name` if it is finished: it is empty, or it is a placed call in which nobody
    /// is being rung and only one participant or only its caller is left.
    pub(super) fn end_if_finished(&mut self, name: &str, now: Instant) {
        let Some(call) = self.calls.get(name) else {
            return;
        };
        let tombstone = match &call.placed {
            _ if call.is_empty() => ended("everybody has left"),
            Some(Placed::Unanswered { failed, .. }) if call.ringing.is_empty() => {
                unanswered_error(failed, self.limits.ringing)
            }
            Some(Placed::Answered) if call.ringing.is_empty() && call.len() == 1 => {
                ended("everybody else has left")
            }
            _ => return,
        };
        self.end(name, None, &tombstone, now);
    }

    /// Ends the call `name`: stops ringing and notifies all participants but `except`. Lost
    /// participants get the message when they resume.
    pub(super) fn end(
        &mut self,
        name: &str,
        except: Option<&ParticipantId>,
        tombstone: &ServerMessage,
        now: Instant,
    ) {
        let Some(call) = self.calls.remove(name) else {
            return;
        };
        if let Some(Placed::Restored { until }) = call.placed {
            self.timers
                .remove(&(until, Timer::Restored(name.to_owned())));
        }
        for user in &call.ringing {
            self.stop_ringing(user, IncomingEnd::Cancelled, None);
        }
        for (id, member) in call.into_members() {
            match member.state {
                _ if except == Some(&id) => {}
                SessionState::Connected(connection) => {
                    self.actions
                        .push_back(Action::Send(connection, tombstone.clone()));
                    self.hang_up(connection, now);
                }
                // The timer of the lost session also removes the tombstone.
                SessionState::Lost(until) => {
                    let message = tombstone.clone();
                    self.tombstones
                        .insert((name.to_owned(), id), Tombstone { until, message });
                }
            }
        }
    }

    fn end_for_everyone(
        &mut self,
        name: &str,
        id: &ParticipantId,
        place: bool,
        now: Instant,
    ) -> Result<(), Rejection> {
        let Some(call) = self.calls.get(name) else {
            return Ok(());
        };
        if call.placed.is_none() {
            check_place(place, "end a call for everyone")?;
        }
        let Some(member) = call.member(id) else {
            return Ok(());
        };
        let entry = &member.entry;
        let who = entry.display_name.as_ref().unwrap_or(&entry.user);
        let tombstone = ended(&format!("{who} ended the call for everyone"));
        self.end(name, Some(id), &tombstone, now);
        Ok(())
    }
}

fn ended(reason: &str) -> ServerMessage {
    ServerMessage::CallEnded {
        reason: reason.to_owned(),
    }
}
