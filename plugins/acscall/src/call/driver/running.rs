//! The state of a driver's thread, and its main loop.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use acscall::call::{Action, CallError, CallMachine, CallState, Config, Event, Input, ReaderId};
use acscall::model::{Kind, Kinds, ParticipantId};
use acscall::signalling::message::ClientMessage;
use parking_lot::Mutex;
use scoped_tls::scoped_thread_local;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::events::Brief;
use super::socket::{Socket, SocketEvent};
use super::{Command, LEAVE};
use crate::call::engine::{Engine, Rate};
use crate::call::publication::PublicationSlot;
use crate::call::reader::{Item, ReaderQueue};
use crate::call::{CAT, CallSettings, Listener, MemberId, Role, Snapshot};

// Set while listeners run: what they call may ask this thread's call for its statistics.
scoped_thread_local!(static RUNNING: Running);

/// Returns the statistics of this thread's call. `None` outside of its listeners.
pub(super) fn stats_of_this_thread() -> Option<gst::Structure> {
    RUNNING.is_set().then(|| RUNNING.with(Running::stats))
}

/// The state of the thread.
pub(super) struct Running {
    pub(super) settings: CallSettings,
    pub(super) machine: CallMachine,
    pub(super) engine: Engine,
    pub(super) members: BTreeMap<MemberId, (Role, Listener)>,
    pub(super) readers: BTreeMap<ReaderId, Reader>,
    pub(super) available: Kinds,
    pub(super) slots: BTreeMap<Kind, Arc<PublicationSlot>>,
    /// When to check next whether a source has stalled.
    pub(super) source_checks: BTreeMap<Kind, std::time::Instant>,
    /// When to check next whether a receiver still waits for a key frame.
    pub(super) key_frame_checks: BTreeMap<Kind, std::time::Instant>,
    pub(super) socket: Socket,
    pub(super) snapshot: Arc<Mutex<Snapshot>>,
}

pub(super) struct Reader {
    pub(super) queue: Arc<ReaderQueue>,
    pub(super) bound: Option<(ParticipantId, Kind)>,
}

/// The reason why the thread woke up.
enum Wakeup {
    Command(Option<Command>),
    Socket(SocketEvent),
    Timeout,
}

impl Running {
    pub(super) fn new(
        settings: CallSettings,
        engine: Engine,
        slots: BTreeMap<Kind, Arc<PublicationSlot>>,
        snapshot: Arc<Mutex<Snapshot>>,
    ) -> Running {
        let machine = CallMachine::new(Config {
            target: settings.target.clone(),
            user: settings.user.clone(),
            display_name: settings.display_name.clone(),
            token: settings.token.clone(),
        });
        Running {
            settings,
            machine,
            engine,
            members: BTreeMap::new(),
            readers: BTreeMap::new(),
            available: Kinds::new(),
            slots,
            source_checks: BTreeMap::new(),
            key_frame_checks: BTreeMap::new(),
            socket: Socket::default(),
            snapshot,
        }
    }

    /// Runs the call until its end. A panic ends the call for its elements, too.
    pub(super) fn run(mut self, runtime: &Runtime, mut commands: UnboundedReceiver<Command>) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(self.handle_all(&mut commands));
        }));
        if let Err(panic) = outcome {
            self.panicked(runtime, panic.as_ref());
        }
        self.finish(commands);
    }

    async fn handle_all(&mut self, commands: &mut UnboundedReceiver<Command>) {
        while !self.perform_actions().await {
            match self.wait(commands).await {
                Wakeup::Command(Some(command)) => self.handle_command(command),
                Wakeup::Command(None) => self.input(LEAVE),
                Wakeup::Socket(SocketEvent::Opened) => self.input(Input::SocketOpened),
                Wakeup::Socket(SocketEvent::Message(message)) => {
                    self.input(Input::Received(message));
                }
                Wakeup::Socket(SocketEvent::Closed(why)) => self.input(Input::SocketClosed(why)),
                Wakeup::Timeout => {
                    let now = Instant::now().into_std();
                    self.machine.handle_timeout(now);
                    self.check_due_sources(now);
                    self.check_due_key_frames(now);
                }
            }
        }
    }

    async fn wait(&mut self, commands: &mut UnboundedReceiver<Command>) -> Wakeup {
        let checks = self
            .source_checks
            .values()
            .chain(self.key_frame_checks.values());
        let timeout = self
            .machine
            .poll_timeout()
            .into_iter()
            .chain(checks.copied())
            .min();
        let timer = async {
            match timeout {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            command = commands.recv() => Wakeup::Command(command),
            event = self.socket.next() => Wakeup::Socket(event),
            () = timer => Wakeup::Timeout,
        }
    }

    pub(super) fn input(&mut self, input: Input) {
        gst::debug!(CAT, "{} ← {}", self.settings.user, Brief(&input));
        self.machine.handle(input, Instant::now().into_std());
    }

    /// Performs the machine's actions; returns true when the call is over.
    async fn perform_actions(&mut self) -> bool {
        while let Some(action) = self.machine.poll_action() {
            gst::debug!(CAT, "{} → {}", self.settings.user, Brief(&action));
            match action {
                Action::Connect => {
                    let CallSettings {
                        server,
                        embedded_server,
                        ..
                    } = &self.settings;
                    self.socket.open(server.clone(), *embedded_server);
                }
                Action::Disconnect => {
                    self.socket.close();
                    if self.machine.state() == CallState::Disconnected {
                        // The peers have to learn from the server that this end leaves before
                        // they see its legs close.
                        self.socket.flush().await;
                    }
                }
                Action::Send(message) => match self.socket.send(message) {
                    // Usually the message is out when the writing task has run once, before the
                    // actions that follow it.
                    Ok(()) => tokio::task::yield_now().await,
                    Err(why) => self.input(Input::SocketClosed(why)),
                },
                Action::OpenLeg { leg, ice_servers } => {
                    if let Err(failure) = self.engine.open_leg(&leg, &ice_servers) {
                        self.input(Input::LegFailed(leg, failure));
                    }
                }
                Action::RemoteDescription(leg, sdp) => {
                    if let Err(failure) = self.engine.set_remote_description(&leg, &sdp) {
                        self.input(Input::LegFailed(leg, failure));
                    }
                }
                Action::RemoteCandidate(leg, candidate) => {
                    self.engine.add_candidate(&leg, &candidate);
                }
                Action::CloseLeg(leg) => self.engine.close_leg(&leg),
                Action::Feed(leg, kinds) => self.engine.feed(&leg, &kinds),
                Action::Encode {
                    kind,
                    bitrate,
                    loss,
                } => self.engine.set_rate(kind, Rate { bitrate, loss }),
                Action::Bind(reader, to) => self.bind(reader, to),
                Action::Mix(participants) => {
                    if let Err(error) = self.engine.mix(&participants) {
                        self.warn(&format!("audio cannot be mixed: {error}"));
                    }
                }
                Action::Emit(event) => self.emit(&event),
                Action::Finished => return true,
            }
        }
        false
    }

    fn bind(&mut self, id: ReaderId, to: Option<(ParticipantId, Kind)>) {
        let Some(reader) = self.readers.get_mut(&id) else {
            return;
        };
        let participant = to
            .as_ref()
            .and_then(|(id, _)| self.machine.participant(id))
            .cloned();
        let available = match (&participant, &to) {
            (Some(participant), Some((_, kind))) => participant.media.contains(kind),
            _ => false,
        };
        reader.bound = to.clone();
        reader.queue.push(Item::Bound(participant));
        reader.queue.push(Item::Available(available));
        self.engine.bind(id, &reader.queue, to);
    }

    pub(super) fn stats(&self) -> gst::Structure {
        self.engine.stats(&self.machine.estimates().collect())
    }

    /// Calls listeners with this thread's call within reach of their requests for `stats`.
    pub(super) fn call_listeners(&self, call: impl FnOnce()) {
        RUNNING.set(self, call);
    }

    /// Leaves the call, and reports an error to each member. Whatever panics again is skipped.
    fn panicked(&mut self, runtime: &Runtime, panic: &(dyn Any + Send)) {
        let text = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a panic");
        gst::error!(CAT, "{}: the driver panicked: {text}", self.settings.user);
        self.snapshot.lock().set_state(CallState::Disconnected);
        let _panicked_again = catch_unwind(AssertUnwindSafe(|| {
            let leave = ClientMessage::Leave {
                for_everyone: false,
            };
            let _the_server_finds_out_later = self.socket.send(leave);
            self.socket.close();
            runtime.block_on(self.socket.flush());
        }));
        let error = Event::Error(CallError::Ended(format!(
            "an internal error, please report it: {text}"
        )));
        for event in [error, Event::State(CallState::Disconnected)] {
            for (_, listener) in self.members.values() {
                let call = AssertUnwindSafe(|| self.call_listeners(|| listener(&event)));
                let _panicked_again = catch_unwind(call);
            }
        }
    }

    /// Ends the readers' streams and stops the engine. A member that joins too late learns that
    /// the call is over.
    fn finish(self, mut commands: UnboundedReceiver<Command>) {
        commands.close();
        while let Ok(command) = commands.try_recv() {
            match command {
                Command::AddMember(_, _, listener) => {
                    let catch_up = AssertUnwindSafe(|| self.catch_up(&listener));
                    let _panicked = catch_unwind(catch_up);
                }
                Command::AddReader(_, _, queue) => queue.push(Item::Ended),
                _ => {}
            }
        }
        for reader in self.readers.values() {
            reader.queue.push(Item::Ended);
        }
        self.engine.stop();
    }
}
