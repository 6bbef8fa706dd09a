//! The thread that owns a call: its machine, its socket and its engine.

mod commands;
mod events;
mod socket;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use acscall::call::{Action, CallMachine, Config, Input, ReaderId, Selector};
use acscall::model::{Kind, Kinds, ParticipantId};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::engine::{Codec, Engine, EngineOutput, Rate};
use super::publication::PublicationSlot;
use super::reader::{Item, ReaderQueue};
use super::{CAT, CallSettings, Listener, MemberId, Role, Snapshot};
use events::Brief;
use socket::{Happened, Socket};

/// What elements and the engine tell the driver.
pub(super) enum Command {
    AddMember(MemberId, Role, Listener),
    RemoveMember(MemberId),
    AddReader(ReaderId, Selector, Arc<ReaderQueue>),
    RemoveReader(ReaderId),
    /// A stream's source runs, or not.
    Available(Kind, bool),
    /// How long the stream's source may give nothing has changed.
    Watch(Kind),
    MakeEncoder(Kind),
    /// How a stream is coded from now on.
    Codec(Kind, Codec),
    /// The most that a stream may take, in bit/s; `None` for the default.
    MaxBitrate(Kind, Option<u32>),
    Engine(EngineOutput),
    /// Fills in the statistics.
    Stats(std::sync::mpsc::SyncSender<gst::Structure>),
    /// What the application asks of the call.
    Ask(Input),
}

/// Leaves the call to the others.
const LEAVE: Input = Input::Leave {
    for_everyone: false,
};

/// How long the property `stats` waits for the driver.
const STATS_TIMEOUT: Duration = Duration::from_millis(500);

/// The handle to a call's driver.
pub(super) struct Driver {
    commands: UnboundedSender<Command>,
    snapshot: Arc<Mutex<Snapshot>>,
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
        let thread = thread::Builder::new()
            .name("acscall-driver".into())
            .spawn(move || runtime.block_on(running.run(received)))
            .map_err(|error| error.to_string())?;
        Ok(Driver {
            commands,
            snapshot,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Never waits.
    pub(super) fn send(&self, command: Command) {
        let _the_driver_ended = self.commands.send(command);
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        lock(&self.snapshot).clone()
    }

    pub(super) fn stats(&self) -> gst::Structure {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.send(Command::Stats(sender));
        receiver
            .recv_timeout(STATS_TIMEOUT)
            .unwrap_or_else(|_| gst::Structure::new_empty("application/x-acscall-stats"))
    }
}

impl Drop for Driver {
    /// Leaves the call and waits until that is done: a process that ends right after must not
    /// look like one that was lost.
    fn drop(&mut self) {
        self.send(Command::Ask(LEAVE));
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            // The last reference may go on the driver's own thread, within a listener.
            && thread.thread().id() != thread::current().id()
        {
            let _panicked = thread.join();
        }
    }
}

/// What the thread owns.
struct Running {
    settings: CallSettings,
    machine: CallMachine,
    engine: Engine,
    members: BTreeMap<MemberId, (Role, Listener)>,
    readers: BTreeMap<ReaderId, Reader>,
    available: Kinds,
    slots: BTreeMap<Kind, Arc<PublicationSlot>>,
    /// When to look whether a source has stalled.
    watches: BTreeMap<Kind, std::time::Instant>,
    socket: Socket,
    snapshot: Arc<Mutex<Snapshot>>,
}

struct Reader {
    queue: Arc<ReaderQueue>,
    bound: Option<(ParticipantId, Kind)>,
}

/// What the thread woke up for.
enum Woken {
    Command(Option<Command>),
    Socket(Happened),
    Timeout,
}

impl Running {
    fn new(
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
            watches: BTreeMap::new(),
            socket: Socket::default(),
            snapshot,
        }
    }

    async fn run(mut self, mut commands: UnboundedReceiver<Command>) {
        loop {
            if self.act().await {
                break;
            }
            match self.wake(&mut commands).await {
                Woken::Command(Some(command)) => self.handle_command(command),
                Woken::Command(None) => self.input(LEAVE),
                Woken::Socket(Happened::Opened) => self.input(Input::SocketOpened),
                Woken::Socket(Happened::Message(message)) => self.input(Input::Received(message)),
                Woken::Socket(Happened::Closed(why)) => self.input(Input::SocketClosed(why)),
                Woken::Timeout => {
                    let now = Instant::now().into_std();
                    self.machine.handle_timeout(now);
                    self.watch_due(now);
                }
            }
        }
        for reader in self.readers.values() {
            reader.queue.push(Item::Ended);
        }
        self.engine.stop();
    }

    async fn wake(&mut self, commands: &mut UnboundedReceiver<Command>) -> Woken {
        let watched = self.watches.values().min().copied();
        let timeout = self.machine.poll_timeout().into_iter().chain(watched).min();
        let timer = async {
            match timeout {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            command = commands.recv() => Woken::Command(command),
            happened = self.socket.next() => Woken::Socket(happened),
            () = timer => Woken::Timeout,
        }
    }

    fn input(&mut self, input: Input) {
        gst::debug!(CAT, "{} ← {}", self.settings.user, Brief(&input));
        self.machine.handle(input, Instant::now().into_std());
    }

    /// Performs what the machine asks for; true when the call is over.
    async fn act(&mut self) -> bool {
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
                Action::Disconnect => self.socket.close().await,
                Action::Send(message) => {
                    if let Err(why) = self.socket.send(&message).await {
                        self.input(Input::SocketClosed(why));
                    }
                }
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
                Action::Emit(event) => self.tell(&event),
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
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
