//! Handles the commands of elements and the engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acscall::call::{Input, LegFailure, LegId, PacketReport, ReaderId, Selector};
use acscall::model::{Kind, Kinds};
use tokio::time::Instant;

use super::Command;
use super::running::{Reader, Running};
use crate::call::Role;
use crate::call::engine::{EngineOutput, LegOutput, Packet};
use crate::call::reader::{Item, ReaderQueue};
use crate::call::source_health::SourceHealth;
use crate::call::time::system_time;

/// A source that gives no frame for this long stands still.
const STILL: Duration = Duration::from_millis(100);

impl Running {
    pub(super) fn handle_command(&mut self, command: Command) {
        match command {
            Command::AddMember(id, role, listener) => {
                self.catch_up(&listener);
                let is_first = self.members.is_empty();
                self.members.insert(id, (role, listener));
                self.update_roles();
                if is_first {
                    // Not before the roles: to the others, a participant without one would look
                    // as if it received nothing.
                    self.input(Input::Start);
                }
            }
            Command::RemoveMember(id) => {
                self.members.remove(&id);
                // With the last member the call is left.
                if !self.members.is_empty() {
                    self.update_roles();
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
                self.check_source(kind);
            }
            Command::CheckSource(kind) => self.check_source(kind),
            Command::MakeEncoder(kind) => self.make_encoder(kind),
            Command::Codec(kind, codec) => {
                if self.engine.set_codec(kind, codec) {
                    self.input(Input::Renegotiate);
                }
            }
            Command::MaxBitrate(kind, max) => self.input(Input::MaxBitrate(kind, max)),
            Command::Engine(EngineOutput::Leg(leg, output)) => self.handle_leg_output(leg, output),
            Command::Engine(EngineOutput::Error(object, text)) => {
                match self.engine.failed(&object) {
                    Some(leg) => self.input(Input::LegFailed(leg, LegFailure::Connection(text))),
                    None => self.warn(&text),
                }
            }
            Command::Engine(EngineOutput::KeyFrameRequested(kind)) => {
                let at = Instant::now().into_std() + STILL;
                self.key_frame_checks.entry(kind).or_insert(at);
            }
            Command::Stats(reply) => {
                let _nobody_waits = reply.try_send(self.stats());
            }
            Command::Input(input) => self.input(input),
            #[cfg(test)]
            Command::Panic => panic!("a test's panic"),
        }
    }

    /// Makes an encoder, unless a request from before a change of the codec has made it. If that
    /// fails, a later frame requests it again.
    fn make_encoder(&mut self, kind: Kind) {
        let Some(slot) = self.slots.get(&kind).cloned() else {
            return;
        };
        if slot.encoder().is_some() {
            return;
        }
        if let Err(error) = self.engine.make_encoder(kind) {
            let _there_is_none = slot.take_failed_encoder();
            self.warn(&format!("{kind} cannot be encoded: {error}"));
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

    fn handle_leg_output(&mut self, leg: LegId, output: LegOutput) {
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

    fn update_roles(&mut self) {
        let has = |wanted| self.members.values().any(|(role, _)| *role == wanted);
        let (receives, sends) = (has(Role::Receive), has(Role::Send));
        self.input(Input::Roles { receives, sends });
    }

    pub(super) fn check_due_sources(&mut self, now: std::time::Instant) {
        for kind in take_due(&mut self.source_checks, now) {
            self.check_source(kind);
        }
    }

    /// Repeats the newest frame of each source that stands still while a receiver waits for a key
    /// frame, such as slides that somebody joins late.
    pub(super) fn check_due_key_frames(&mut self, now: std::time::Instant) {
        for kind in take_due(&mut self.key_frame_checks, now) {
            let slot = self.slots.get(&kind).filter(|slot| slot.has_frame());
            let Some(slot) = slot.filter(|_| self.engine.awaits_key_frame(kind)).cloned() else {
                continue;
            };
            if slot.repeat_newest(STILL.try_into().unwrap_or_default()) {
                self.make_encoder(kind);
            }
            // The limit on the receiver's requests may delay the key frame.
            self.key_frame_checks.insert(kind, now + STILL);
        }
    }

    /// Checks whether the stream's source has stalled, and sets when to check again.
    fn check_source(&mut self, kind: Kind) {
        self.source_checks.remove(&kind);
        match self.slots.get(&kind).map(|slot| slot.check()) {
            Some(SourceHealth::Alive(time)) => {
                let at = Instant::now().into_std() + time.into();
                self.source_checks.insert(kind, at);
            }
            Some(SourceHealth::Stalled) => {
                self.available.remove(&kind);
                self.input(Input::Stalled(kind));
            }
            Some(SourceHealth::Unmonitored) | None => {}
        }
    }
}

/// Removes and returns the kinds whose checks are due.
fn take_due(checks: &mut BTreeMap<Kind, std::time::Instant>, now: std::time::Instant) -> Kinds {
    let due: Kinds = checks
        .iter()
        .filter(|(_, at)| **at <= now)
        .map(|(kind, _)| *kind)
        .collect();
    checks.retain(|kind, _| !due.contains(kind));
    due
}

/// Converts the packets' times from the system clock's to the machine's.
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
