//! The thread that owns a call: its machine, its socket and its engine.

mod socket;
mod telling;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use acscall::call::{
    Action, Call as Machine, Config, Input, LegFailure, LegId, PacketReport, ReaderId, Selector,
};
use acscall::signalling::message::{Kind, Kinds, ParticipantId};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::engine::{Codec, Engine, EngineOutput, LegOutput, Packet, Rate};
use super::outgoing::Port;
use super::reader::{Item, ReaderQueue};
use super::time::system_time;
use super::{CAT, CallSettings, Listener, MemberId, Role, Snapshot};
use socket::{Happened, Socket};
use telling::Brief;

/// What elements and the engine tell the driver.
pub(super) enum Command {
    AddMember(MemberId, Role, Listener),
    RemoveMember(MemberId),
    AddReader(ReaderId, Selector, Arc<ReaderQueue>),
    RemoveReader(ReaderId),
    /// A stream's source runs, or not.
    Available(Kind, bool),
    MakeEncoder(Kind),
    /// How a stream is coded from now on.
    Codec(Kind, Codec),
    /// The most that a stream may take, in bit/s; `None` for the default.
    MaxBitrate(Kind, Option<u32>),
    Engine(EngineOutput),
    /// Fills in the statistics.
    Stats(std::sync::mpsc::SyncSender<gst::Structure>),
    Leave,
}

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
        ports: BTreeMap<Kind, Arc<Port>>,
    ) -> Result<Driver, String> {
        let (commands, received) = unbounded_channel();
        let engine = {
            let commands = commands.downgrade();
            Engine::new(
                &settings,
                latency,
                ports,
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
        let running = Running::new(settings, engine, snapshot.clone());
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
        self.send(Command::Leave);
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
    machine: Machine,
    engine: Engine,
    members: BTreeMap<MemberId, (Role, Listener)>,
    readers: BTreeMap<ReaderId, Reader>,
    available: Kinds,
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
    fn new(settings: CallSettings, engine: Engine, snapshot: Arc<Mutex<Snapshot>>) -> Running {
        let machine = Machine::new(Config {
            call: settings.call.clone(),
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
            socket: Socket::default(),
            snapshot,
        }
    }

    async fn run(mut self, mut commands: UnboundedReceiver<Command>) {
        self.input(Input::Start);
        loop {
            if self.act().await {
                break;
            }
            match self.wake(&mut commands).await {
                Woken::Command(Some(command)) => self.obey(command),
                Woken::Command(None) => self.input(Input::Leave),
                Woken::Socket(Happened::Opened) => self.input(Input::SocketOpened),
                Woken::Socket(Happened::Message(message)) => self.input(Input::Received(message)),
                Woken::Socket(Happened::Closed(why)) => self.input(Input::SocketClosed(why)),
                Woken::Timeout => self.machine.handle_timeout(Instant::now().into_std()),
            }
        }
        for reader in self.readers.values() {
            reader.queue.push(Item::Ended);
        }
        self.engine.stop();
    }

    async fn wake(&mut self, commands: &mut UnboundedReceiver<Command>) -> Woken {
        let timeout = self.machine.poll_timeout();
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

    fn obey(&mut self, command: Command) {
        match command {
            Command::AddMember(id, role, listener) => {
                self.introduce(&listener);
                self.members.insert(id, (role, listener));
                self.tell_roles();
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
            }
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
            Command::Leave => self.input(Input::Leave),
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
            LegOutput::Stream { kind, pad, gate } => {
                if let Err(failure) = self.engine.stream_arrived(&leg, kind, pad, gate) {
                    self.input(Input::LegFailed(leg, failure));
                }
            }
        }
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
                Action::Tell(event) => self.tell(&event),
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

    fn tell_roles(&mut self) {
        let has = |wanted| self.members.values().any(|(role, _)| *role == wanted);
        let (receives, sends) = (has(Role::Receive), has(Role::Send));
        self.input(Input::Roles { receives, sends });
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
