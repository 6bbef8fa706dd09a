//! The thread that owns a call: its machine, its socket and its engine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use acscall::call::{
    Action, Call as Machine, CallState, Config, Event, Input, LegFailure, LegId, Presence,
    ReaderId, Selector, Trouble,
};
use acscall::signalling::client::{self, ConnectError};
use acscall::signalling::message::{Kind, Kinds, ParticipantId, ServerMessage, Token};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::engine::{Engine, EngineOutput, LegOutput};
use super::outgoing::Port;
use super::reader::{Item, ReaderQueue};
use super::{CAT, CallSettings, Listener, MemberId, Role, Snapshot, serve};

/// What elements and the engine tell the driver.
pub(super) enum Command {
    AddMember(MemberId, Role, Listener),
    RemoveMember(MemberId),
    AddReader(ReaderId, Selector, Arc<ReaderQueue>),
    RemoveReader(ReaderId),
    /// A stream's source runs, or not.
    Available(Kind, bool),
    MakeEncoder(Kind),
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
    server: Option<Arc<serve::Server>>,
    snapshot: Arc<Mutex<Snapshot>>,
}

struct Reader {
    queue: Arc<ReaderQueue>,
    bound: Option<(ParticipantId, Kind)>,
}

enum Socket {
    Closed,
    Opening(tokio::task::JoinHandle<Opened>),
    Open(client::Sender, client::Receiver),
}

type Opened = (
    Option<Arc<serve::Server>>,
    Result<(client::Sender, client::Receiver), ConnectError>,
);

/// What the thread woke up for.
enum Woken {
    Command(Option<Command>),
    Opened(Opened),
    Message(Result<ServerMessage, client::Closed>),
    Timeout,
}

impl Running {
    fn new(settings: CallSettings, engine: Engine, snapshot: Arc<Mutex<Snapshot>>) -> Running {
        let machine = Machine::new(Config {
            call: settings.call.clone(),
            user: settings.user.clone(),
            display_name: settings.display_name.clone(),
            token: settings.token.clone().map(Token),
        });
        Running {
            settings,
            machine,
            engine,
            members: BTreeMap::new(),
            readers: BTreeMap::new(),
            available: Kinds::new(),
            socket: Socket::Closed,
            server: None,
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
                Woken::Opened((server, result)) => self.opened(server, result),
                Woken::Message(Ok(message)) => self.input(Input::Received(message)),
                Woken::Message(Err(closed)) => {
                    self.socket = Socket::Closed;
                    self.input(Input::SocketClosed(closed.to_string()));
                }
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
        let socket = async {
            match &mut self.socket {
                Socket::Closed => std::future::pending().await,
                Socket::Opening(task) => match task.await {
                    Ok(opened) => Woken::Opened(opened),
                    Err(error) => {
                        Woken::Opened((None, Err(ConnectError::Other(error.to_string()))))
                    }
                },
                Socket::Open(_, receiver) => Woken::Message(receiver.next().await),
            }
        };
        tokio::select! {
            command = commands.recv() => Woken::Command(command),
            woken = socket => woken,
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
            Command::Engine(EngineOutput::Leg(leg, output)) => self.leg_told(leg, output),
            Command::Engine(EngineOutput::Error(object, text)) => match self.engine.failed(&object)
            {
                Some(leg) => self.input(Input::LegFailed(leg, LegFailure::Connection(text))),
                None => self.warn(&text),
            },
            Command::Stats(reply) => {
                let _nobody_waits = reply.try_send(self.engine.stats());
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
                Action::Connect => self.connect(),
                Action::Disconnect => match std::mem::replace(&mut self.socket, Socket::Closed) {
                    Socket::Open(sender, _) => sender.close().await,
                    Socket::Opening(task) => task.abort(),
                    Socket::Closed => {}
                },
                Action::Send(message) => {
                    if let Socket::Open(sender, _) = &mut self.socket
                        && let Err(closed) = sender.send(&message).await
                    {
                        self.socket = Socket::Closed;
                        self.input(Input::SocketClosed(closed.to_string()));
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

    fn connect(&mut self) {
        let url = self.settings.server.clone();
        let may_serve = self.settings.embedded_server;
        self.socket = Socket::Opening(tokio::spawn(async move {
            let refused = match client::connect(&url.to_string()).await {
                Err(ConnectError::NobodyListens(text)) => ConnectError::NobodyListens(text),
                other => return (None, other),
            };
            let server = url
                .loopback_addr()
                .filter(|_| may_serve)
                .and_then(serve::server);
            match server {
                // Also where another process was faster: then it serves.
                Some(server) => (server, client::connect(&url.to_string()).await),
                None => (None, Err(refused)),
            }
        }));
    }

    fn opened(
        &mut self,
        server: Option<Arc<serve::Server>>,
        result: Result<(client::Sender, client::Receiver), ConnectError>,
    ) {
        if server.is_some() {
            self.server = server;
        }
        match result {
            Ok((sender, receiver)) => {
                self.socket = Socket::Open(sender, receiver);
                self.input(Input::SocketOpened);
            }
            Err(error) => {
                self.socket = Socket::Closed;
                self.input(Input::SocketClosed(error.to_string()));
            }
        }
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

    fn tell(&mut self, event: &Event) {
        self.note(event);
        for (_, listener) in self.members.values() {
            listener(event);
        }
    }

    /// Keeps what applications can read, and tells the readers what concerns them.
    fn note(&mut self, event: &Event) {
        match event {
            Event::State(state) => lock(&self.snapshot).state = *state,
            Event::Participant(participant, Presence::Disconnected) => {
                lock(&self.snapshot)
                    .participants
                    .retain(|(known, _)| known.id != participant.id);
                self.engine.forget(&participant.id);
            }
            Event::Participant(participant, presence) => {
                let mut snapshot = lock(&self.snapshot);
                let known = snapshot
                    .participants
                    .iter_mut()
                    .find(|(known, _)| known.id == participant.id);
                match known {
                    Some(known) => *known = (participant.clone(), *presence),
                    None => snapshot.participants.push((participant.clone(), *presence)),
                }
            }
            Event::Stream {
                participant,
                kind,
                available,
            } => {
                let mut snapshot = lock(&self.snapshot);
                let known = snapshot
                    .participants
                    .iter_mut()
                    .find(|(known, _)| known.id == participant.id);
                if let Some((known, _)) = known {
                    known.media = participant.media.clone();
                }
                drop(snapshot);
                let stream = (participant.id.clone(), *kind);
                let readers = self.readers.values();
                for reader in readers.filter(|reader| reader.bound.as_ref() == Some(&stream)) {
                    reader.queue.push(Item::Available(*available));
                }
            }
            Event::Reached(_) | Event::Warning(_) | Event::Error(_) => {}
        }
    }

    /// Tells a new member what the others were told before.
    fn introduce(&self, listener: &Listener) {
        let snapshot = lock(&self.snapshot).clone();
        if snapshot.state == CallState::None {
            return;
        }
        listener(&Event::State(snapshot.state));
        for (participant, presence) in &snapshot.participants {
            listener(&Event::Participant(participant.clone(), *presence));
        }
        for (participant, kind) in snapshot.streams() {
            let participant = participant.clone();
            listener(&Event::Stream {
                participant,
                kind,
                available: true,
            });
        }
        for participant in self.engine.reached() {
            listener(&Event::Reached(participant.clone()));
        }
    }

    fn warn(&mut self, text: &str) {
        self.tell(&Event::Warning(Trouble::Media(text.into())));
    }
}

/// The beginning of what `Debug` writes. Tokens write nothing of themselves.
struct Brief<'a, T>(&'a T);

impl<T: std::fmt::Debug> std::fmt::Display for Brief<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const LENGTH: usize = 160;
        let text = format!("{:?}", self.0);
        f.write_str(&text.chars().take(LENGTH).collect::<String>())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
