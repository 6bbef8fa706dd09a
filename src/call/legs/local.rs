//! What the driver says of the legs.

use std::time::Instant;

use super::{CANDIDATES, Context, Leg, Legs, NO_RELAY, Path};
use crate::call::bandwidth::PacketReport;
use crate::call::timers::Timer;
use crate::call::{CallError, Direction, Event, LegFailure, LegId};
use crate::model::{Candidate, Kind};
use crate::signalling::message::LegStep;

impl Legs {
    /// The driver has this end's offer or answer. It is lost where the peer cannot be reached;
    /// then [`Legs::renew`] makes up for it.
    pub(in crate::call) fn description(
        &mut self,
        id: &LegId,
        sdp: String,
        context: &mut Context<'_>,
    ) {
        if self.find(id).is_some() {
            let step = match id.direction {
                Direction::Send => LegStep::Offer(sdp),
                Direction::Receive => LegStep::Answer(sdp),
            };
            context.signal(id, step);
        }
    }

    /// The driver has a candidate.
    pub(in crate::call) fn candidate(
        &mut self,
        id: &LegId,
        candidate: Candidate,
        context: &mut Context<'_>,
    ) {
        let Some(leg) = self.find(id) else { return };
        leg.has_relay |= candidate.candidate.contains(" typ relay");
        // The end of candidates is no candidate.
        if !candidate.candidate.is_empty() {
            leg.candidates += 1;
        }
        if leg.candidates <= CANDIDATES {
            context.signal(id, LegStep::Candidate(candidate));
        }
    }

    /// The driver's leg is connected.
    pub(in crate::call) fn connected(&mut self, id: &LegId, context: &mut Context<'_>) {
        if let Some(leg) = self.find(id) {
            leg.connected.get_or_insert(context.now);
            if id.direction == Direction::Send {
                leg.path.get_or_insert_with(|| Path::new(context.start));
            }
            context.timers.stop(&Timer::Leg(id.clone()));
            if let Some(known) = self.peers.get_mut(&id.peer) {
                known.patience.connected(id.direction);
            }
        }
    }

    /// The leg's time to connect is over.
    pub(in crate::call) fn timed_out(&mut self, id: &LegId, context: &mut Context<'_>) {
        let Some(leg) = self.find(id) else { return };
        let text = format!("it did not connect within {} s", leg.limit.as_secs());
        if let Some(known) = self.peers.get_mut(&id.peer) {
            known.patience.timed_out(id.direction);
        }
        self.failed(id, LegFailure::Connection(text), context);
    }

    /// The leg cannot be used any more: a sending one is replaced, a receiving one's sender is
    /// told, so that it replaces it.
    pub(in crate::call) fn failed(
        &mut self,
        id: &LegId,
        failure: LegFailure,
        context: &mut Context<'_>,
    ) {
        let Some(leg) = self.close(id, context) else {
            return;
        };
        let failure = self.explain(failure, &leg);
        let text = failure.to_string();
        let repeats = match &failure {
            LegFailure::Connection(_) => false,
            LegFailure::Description(_) | LegFailure::Certificate => true,
        };
        context
            .out
            .emit(Event::Warning(CallError::Leg(id.clone(), failure)));
        match id.direction {
            Direction::Send => {
                context.signal(id, LegStep::Failed(text));
                self.retry(&id.peer, &leg, repeats, context);
            }
            Direction::Receive => {
                self.give_up(&id.peer, id.number, text);
            }
        }
    }

    /// Names what kept the leg from connecting, where that is known. A TURN server that refuses
    /// is no failure by itself: the ends may find each other without.
    fn explain(&self, failure: LegFailure, leg: &Leg) -> LegFailure {
        match failure {
            LegFailure::Connection(text)
                if leg.connected.is_none() && !leg.has_relay && self.has_turn_servers() =>
            {
                LegFailure::Connection(format!("{text}; {NO_RELAY}"))
            }
            failure => failure,
        }
    }

    /// One end of the leg cannot take this kind. The call goes on without it.
    pub(in crate::call) fn rejected(
        &mut self,
        id: &LegId,
        kind: Kind,
        reason: String,
        context: &mut Context<'_>,
    ) {
        if let Some(leg) = self.find(id)
            && leg.rejected.insert(kind)
        {
            let trouble = CallError::Rejected(id.clone(), kind, reason);
            context.out.emit(Event::Warning(trouble));
        }
    }

    /// The receiver of a sending leg told what arrived. True where that changes what it gets.
    pub(in crate::call) fn reported(
        &mut self,
        id: &LegId,
        packets: &[PacketReport],
        now: Instant,
    ) -> bool {
        let Some(path) = self.find(id).and_then(|leg| leg.path.as_mut()) else {
            return false;
        };
        path.report(packets, now);
        path.changes(now)
    }
}
