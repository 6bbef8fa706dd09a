//! The thread that owns a call: its machine, its socket and its engine.

mod commands;
mod events;
mod running;
mod socket;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

use acscall::call::{CallState, Event, Input, ReaderId, Selector};
use acscall::model::Kind;
use parking_lot::Mutex;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::engine::{Codec, Engine, EngineOutput};
use super::publication::PublicationSlot;
use super::reader::ReaderQueue;
use super::threads;
use super::{CallSettings, Listener, MemberId, Role, Snapshot};
use running::Running;

/// A message from an element or the engine to the driver.
pub(super) enum Command {
    AddMember(MemberId, Role, Listener),
    RemoveMember(MemberId),
    AddReader(ReaderId, Selector, Arc<ReaderQueue>),
    RemoveReader(ReaderId),
    /// Whether a stream's source runs.
    Available(Kind, bool),
    /// The stall timeout of a stream's source has changed.
    CheckSource(Kind),
    MakeEncoder(Kind),
    /// The codec of a stream from now on.
    Codec(Kind, Codec),
    /// The maximum bit rate of a stream, in bit/s; `None` for the default.
    MaxBitrate(Kind, Option<u32>),
    Engine(EngineOutput),
    /// Sends the statistics.
    Stats(std::sync::mpsc::SyncSender<gst::Structure>),
    /// A request of the application.
    Input(Input),
    #[cfg(test)]
    Panic,
}

/// Leaves the call to the others.
pub(super) const LEAVE: Input = Input::Leave {
    for_everyone: false,
};

/// How long the property `stats` waits for the driver.
const STATS_TIMEOUT: Duration = Duration::from_millis(500);

/// The handle to a call's driver.
pub(super) struct Driver {
    commands: UnboundedSender<Command>,
    snapshot: Arc<Mutex<Snapshot>>,
    thread_id: ThreadId,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Driver {
    /// Starts the thread and joins the call.
    pub(super) fn start(
        settings: CallSettings,
        latency: Arc<OnceLock<u32>>,
        slots: BTreeMap<Kind, Arc<PublicationSlot>>,
    ) -> Result<Driver, String> {
        let (commands, received) = unbounded_channel();
        let engine = {
            let commands = commands.downgrade();
            Engine::new(
                &settings,
                latency,
                slots.clone(),
                Arc::new(move |output| {
                    if let Some(commands) = commands.upgrade() {
                        let _the_driver_ended = commands.send(Command::Engine(output));
                    }
                }),
            )
            .map_err(|error| error.to_string())?
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| error.to_string())?;
        let snapshot = Arc::new(Mutex::new(Snapshot::default()));
        let running = Running::new(settings, engine, slots, snapshot.clone());
        let thread = threads::spawn("acscall-driver", move || running.run(&runtime, received))
            .map_err(|error| error.to_string())?;
        Ok(Driver {
            commands,
            snapshot,
            thread_id: thread.thread().id(),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Never waits.
    pub(super) fn send(&self, command: Command) {
        // The driver has just ended: notify the new member.
        if let Err(SendError(Command::AddMember(_, _, listener))) = self.commands.send(command) {
            listener(&Event::State(CallState::Disconnected));
        }
    }

    pub(super) fn state(&self) -> CallState {
        self.snapshot.lock().state
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.snapshot.lock().clone()
    }

    /// Returns the statistics; without fields if the driver has ended or does not answer in time.
    pub(super) fn stats(&self) -> gst::Structure {
        let none = || gst::Structure::new_empty("application/x-acscall-stats");
        // A listener asks, while the driver waits for it.
        if thread::current().id() == self.thread_id {
            return running::stats_of_this_thread().unwrap_or_else(none);
        }
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.send(Command::Stats(sender));
        receiver
            .recv_timeout(STATS_TIMEOUT)
            .unwrap_or_else(|_| none())
    }
}

impl Drop for Driver {
    /// Leaves the call and waits until that is done: a process that ends right after must not look
    /// like one that lost its connection.
    fn drop(&mut self) {
        self.send(Command::Input(LEAVE));
        let thread = self.thread.lock().take();
        if let Some(thread) = thread
            // A listener may drop the last reference, on the driver's own thread.
            && thread.thread().id() != thread::current().id()
        {
            let _panicked = thread.join();
        }
    }
}
