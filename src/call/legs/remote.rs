//! What the peers signal about the legs.

use super::replacement::REMINDER_INTERVAL;
use super::{CANDIDATES, Context, Legs};
use crate::call::timers::Timer;
use crate::call::{Action, CallError, Direction, Event, LegId};
use crate::model::{Candidate, ParticipantId};
use crate::signalling::message::{LegEnd, LegSignal, LegStep};

impl Legs {
    /// Handles a message of a participant about a leg.
    pub(in crate::call) fn signal(
        &mut self,
        from: &ParticipantId,
        signal: LegSignal,
        context: &mut Context<'_>,
    ) {
        if context.topology.roster.get(from).is_none() {
            return;
        }
        let id = LegId {
            peer: from.clone(),
            direction: match signal.by {
                LegEnd::Sender => Direction::Receive,
                LegEnd::Receiver => Direction::Send,
            },
            number: signal.leg,
        };
        match (signal.by, signal.step) {
            (LegEnd::Sender, LegStep::Offer(sdp)) => self.offered(id, sdp, context),
            (LegEnd::Receiver, LegStep::Answer(sdp)) => self.answered(id, sdp, context),
            (_, LegStep::Candidate(candidate)) => self.remote_candidate(id, candidate, context),
            (LegEnd::Sender, LegStep::Slow(is_slow)) => self.remote_slow(&id, is_slow, context),
            (_, LegStep::Failed(reason)) => self.remote_failed(id, reason, context),
            // Only a peer that breaks the protocol offers as receiver or answers as sender.
            (LegEnd::Receiver, LegStep::Offer(_) | LegStep::Slow(_))
            | (LegEnd::Sender, LegStep::Answer(_)) => {}
        }
    }

    fn offered(&mut self, id: LegId, sdp: String, context: &mut Context<'_>) {
        let peer = self.peers.entry(id.peer.clone()).or_default();
        if peer.last_offer.is_some_and(|last| last >= id.number) {
            return;
        }
        peer.last_offer = Some(id.number);
        peer.given_up = None;
        context.timers.stop(&Timer::Remind(id.peer.clone()));
        if let Some(old) = self.id(&id.peer, Direction::Receive) {
            self.close(&old, context);
        }
        if self.try_acquire(&id.peer, context.now).is_err() {
            // The sender learns of it with the next reminder, not at once: there may be many.
            let reason = "legs are offered too often".to_owned();
            self.give_up(&id.peer, id.number, reason);
            let remind = Timer::Remind(id.peer.clone());
            context
                .timers
                .set_once(remind, context.now + REMINDER_INTERVAL);
            return;
        }
        let topology = context.topology;
        if !topology.needs_leg(&id.peer, Direction::Receive) {
            let reason = match topology.roles.receives {
                false => "this participant does not receive",
                true => "it was offered by a participant that had not said that it sends",
            };
            context.signal(&id, LegStep::Failed(reason.to_owned()));
            return;
        }
        self.open(&id, context);
        if let Some(leg) = self.find(&id) {
            leg.has_remote_description = true;
        }
        context.out.push(Action::RemoteDescription(id, sdp));
    }

    fn answered(&mut self, id: LegId, sdp: String, context: &mut Context<'_>) {
        let Some(leg) = self.find(&id) else { return };
        if leg.has_remote_description {
            return;
        }
        leg.has_remote_description = true;
        let pending = std::mem::take(&mut leg.pending_candidates);
        context.out.push(Action::RemoteDescription(id.clone(), sdp));
        for candidate in pending {
            context
                .out
                .push(Action::RemoteCandidate(id.clone(), candidate));
        }
    }

    fn remote_candidate(&mut self, id: LegId, candidate: Candidate, context: &mut Context<'_>) {
        let Some(leg) = self.find(&id) else { return };
        if leg.has_remote_description {
            context.out.push(Action::RemoteCandidate(id, candidate));
        } else if leg.pending_candidates.len() < CANDIDATES {
            leg.pending_candidates.push(candidate);
        }
    }

    /// Closes a leg that the peer gave up. A sending leg is replaced later.
    fn remote_failed(&mut self, id: LegId, reason: String, context: &mut Context<'_>) {
        let Some(leg) = self.close(&id, context) else {
            return;
        };
        context
            .out
            .emit(Event::Warning(CallError::LegRefused(id.clone(), reason)));
        if id.direction == Direction::Send {
            self.retry(&id.peer, &leg, false, context);
        }
    }
}
