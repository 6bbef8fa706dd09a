//! What the driver reports of the legs.

use std::time::Instant;

use super::{CANDIDATES, Context, Leg, Legs, Path};
use crate::call::bandwidth::PacketReport;
use crate::call::timers::Timer;
use crate::call::{CallError, Direction, Event, LegFailure, LegId};
use crate::model::{Candidate, Kind};
use crate::signalling::message::LegStep;

/// Why a leg may not connect although there are TURN servers.
const NO_RELAY: &str = "no TURN server gave an address: it cannot be reached, or does not accept \
                        the password, which is made with its secret and expires";

impl Legs {
    /// Sends this end's offer or answer. It is lost if the peer cannot be reached; [`Legs::renew`]
    /// makes up for that.
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

    /// Sends a candidate of this end.
    pub(in crate::call) fn candidate(
        &mut self,
        id: &LegId,
        candidate: Candidate,
        context: &mut Context<'_>,
    ) {
        let Some(leg) = self.find(id) else { return };
        leg.has_relay |= candidate.candidate.contains(" typ relay");
        // The end-of-candidates indication does not count.
        if !candidate.candidate.is_empty() {
            leg.candidates_sent += 1;
        }
        if leg.candidates_sent <= CANDIDATES {
            context.signal(id, LegStep::Candidate(candidate));
        }
    }

    /// Handles a leg that has connected.
    pub(in crate::call) fn connected(&mut self, id: &LegId, context: &mut Context<'_>) {
        if let Some(leg) = self.find(id) {
            leg.connected.get_or_insert(context.now);
            if id.direction == Direction::Send {
                leg.path
                    .get_or_insert_with(|| Path::new(context.start_bitrate));
            }
            context.timers.stop(&Timer::LegConnect(id.clone()));
            if let Some(known) = self.peers.get_mut(&id.peer) {
                known.connect_timeout.connected(id.direction);
            }
        }
    }

    /// Fails a leg that did not connect in time.
    pub(in crate::call) fn timed_out(&mut self, id: &LegId, context: &mut Context<'_>) {
        let Some(leg) = self.find(id) else { return };
        let text = format!("it did not connect within {} s", leg.timeout.as_secs());
        if let Some(known) = self.peers.get_mut(&id.peer) {
            known.connect_timeout.timed_out(id.direction);
        }
        self.failed(id, LegFailure::Connection(text), context);
    }

    /// Closes a leg that has failed. A sending leg is replaced later; the sender of a receiving
    /// leg is informed, so that it replaces the leg.
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

    /// Adds what probably kept the leg from connecting. A TURN server that refuses is no failure
    /// by itself: the ends may connect without it.
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

    fn has_turn_servers(&self) -> bool {
        let mut urls = self.ice_servers.iter().flat_map(|server| &server.urls);
        urls.any(|url| url.starts_with("turn:") || url.starts_with("turns:"))
    }

    /// Excludes a kind that one end of the leg cannot take. The call goes on without it.
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
            let error = CallError::Rejected(id.clone(), kind, reason);
            context.out.emit(Event::Warning(error));
        }
    }

    /// Handles the receiver's report about the packets of a sending leg. Returns whether this
    /// changes what the leg is fed with.
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
        path.update_slow(now)
    }
}
