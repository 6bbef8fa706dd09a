//! What elements and the engine tell the driver.

use std::sync::Arc;

use acscall::call::{Input, LegFailure, LegId, PacketReport, ReaderId, Selector};
use acscall::model::Kind;
use tokio::time::Instant;

use super::{Command, Reader, Running};
use crate::call::Role;
use crate::call::engine::{EngineOutput, LegOutput, Packet};
use crate::call::reader::{Item, ReaderQueue};
use crate::call::source_health::SourceHealth;
use crate::call::time::system_time;

impl Running {
    pub(super) fn handle_command(&mut self, command: Command) {
        match command {
            Command::AddMember(id, role, listener) => {
                self.introduce(&listener);
                let is_first = self.members.is_empty();
                self.members.insert(id, (role, listener));
                self.tell_roles();
                if is_first {
                    // Not before: one that joined without a role would look to the others like
                    // somebody who receives nothing. Later ones change nothing.
                    self.input(Input::Start);
                }
            }
            Command::RemoveMember(id) => {
                self.members.remove(&id);
                // With the last one the call is left.
                if !self.members.is_empty() {
                    self.tell_roles();
                }
            }
            Command::AddReader(id, selector, queue) => self.add_reader(id, selector, queue),
            Command::RemoveReader(id) => {
                self.readers.remove(&id);
                self.engine.remove_reader(id);
                self.input(Input::RemoveReader(id));
            }
            Command::Available(kind, now) => {
                let changed = if now {
                    self.available.insert(kind)
                } else {
                    self.available.remove(&kind)
                };
                if changed {
                    self.input(Input::Media(self.available.clone()));
                }
                self.watch(kind);
            }
            Command::Watch(kind) => self.watch(kind),
            Command::MakeEncoder(kind) => {
                if let Err(error) = self.engine.make_encoder(kind) {
                    self.warn(&format!("{kind} cannot be encoded: {error}"));
                }
            }
            Command::Codec(kind, codec) => {
                if self.engine.set_codec(kind, codec) {
                    self.input(Input::Renegotiate);
                }
            }
            Command::MaxBitrate(kind, most) => self.input(Input::MaxBitrate(kind, most)),
            Command::Engine(EngineOutput::Leg(leg, output)) => self.leg_told(leg, output),
            Command::Engine(EngineOutput::Error(object, text)) => match self.engine.failed(&object)
            {
                Some(leg) => self.input(Input::LegFailed(leg, LegFailure::Connection(text))),
                None => self.warn(&text),
            },
            Command::Stats(reply) => {
                let estimates = self.machine.estimates().collect();
                let _nobody_waits = reply.try_send(self.engine.stats(&estimates));
            }
            Command::Ask(input) => self.input(input),
        }
    }

    fn add_reader(&mut self, id: ReaderId, selector: Selector, queue: Arc<ReaderQueue>) {
        if selector == Selector::MixedAudio {
            if let Err(error) = self.engine.read_mix(id, &queue) {
                self.warn(&format!("audio cannot be mixed: {error}"));
            }
            queue.push(Item::Available(true));
        }
        self.readers.insert(id, Reader { queue, bound: None });
        self.input(Input::AddReader(id, selector));
    }

    fn leg_told(&mut self, leg: LegId, output: LegOutput) {
        match output {
            LegOutput::Description(sdp) => self.input(Input::LegDescription(leg, sdp)),
            LegOutput::Candidate(candidate) => self.input(Input::LegCandidate(leg, candidate)),
            LegOutput::Connected => match self.engine.verify(&leg) {
                Ok(()) => self.input(Input::LegConnected(leg)),
                Err(failure) => self.input(Input::LegFailed(leg, failure)),
            },
            LegOutput::Rejected(kind, why) => self.input(Input::LegRejected(leg, kind, why)),
            LegOutput::Report(packets) => {
                let packets = since_now(&packets, Instant::now().into_std());
                self.input(Input::LegReport(leg, packets));
            }
            LegOutput::Failed(failure) => self.input(Input::LegFailed(leg, failure)),
            LegOutput::Stream(stream) => {
                if let Err(failure) = self.engine.stream_arrived(&leg, stream) {
                    self.input(Input::LegFailed(leg, failure));
                }
            }
        }
    }

    fn tell_roles(&mut self) {
        let has = |wanted| self.members.values().any(|(role, _)| *role == wanted);
        let (receives, sends) = (has(Role::Receive), has(Role::Send));
        self.input(Input::Roles { receives, sends });
    }
    pub(super) fn watch_due(&mut self, now: std::time::Instant) {
        let due = self.watches.iter().filter(|(_, at)| **at <= now);
        for kind in due.map(|(kind, _)| *kind).collect::<Vec<_>>() {
            self.watch(kind);
        }
    }

    /// Looks whether the stream's source has stalled, and when to look again.
    fn watch(&mut self, kind: Kind) {
        self.watches.remove(&kind);
        match self.slots.get(&kind).map(|slot| slot.check()) {
            Some(SourceHealth::Lives(time)) => {
                let at = Instant::now().into_std() + time.into();
                self.watches.insert(kind, at);
            }
            Some(SourceHealth::Stalled) => {
                self.available.remove(&kind);
                self.input(Input::Stalled(kind));
            }
            Some(SourceHealth::Never) | None => {}
        }
    }
}

/// The packets' times of the system clock on the machine's clock.
fn since_now(packets: &[Packet], now: std::time::Instant) -> Vec<PacketReport> {
    let clock = system_time();
    let report = |packet: &Packet| {
        let age = clock.saturating_sub(packet.sent).into();
        Some(PacketReport {
            sent: now.checked_sub(age)?,
            arrived: packet.arrived.map(Into::into),
            size: packet.size,
        })
    };
    packets.iter().filter_map(report).collect()
}
