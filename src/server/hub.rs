//! The driver of the room machine: one task that owns the machine, with an input queue and an
//! output queue per connection.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::admission::Admission;
use super::metrics::Metrics;
use crate::signalling::message::{ErrorCode, ServerMessage};
use crate::signalling::room::{Action, ConnectionId, Input, Limits, Rooms, Stats};

/// The length of the input queue; connections wait while it is full.
const INPUTS: usize = 256;

/// The task that owns the machine.
pub(super) struct Hub {
    rooms: Rooms,
    events: mpsc::Receiver<Event>,
    /// The connections that are not being closed.
    connections: BTreeMap<ConnectionId, ClientHandle>,
    /// The connections whose task is still running.
    open: BTreeSet<ConnectionId>,
    queued_bytes: usize,
    admission: Admission,
    metrics: Arc<Metrics>,
}

/// A handle by which connections reach the hub.
#[derive(Clone)]
pub(super) struct HubHandle {
    events: mpsc::Sender<Event>,
    next: Arc<AtomicU64>,
    limits: Limits,
}

enum Event {
    Opened(ConnectionId, IpAddr, ClientHandle),
    Input(Input),
    Stats(oneshot::Sender<Stats>),
}

/// The hub's end of a connection.
struct ClientHandle {
    /// The user, after the admission.
    user: String,
    /// The output queue. Dropping it closes the connection once the queue is empty.
    texts: mpsc::Sender<String>,
    waiting: Arc<AtomicUsize>,
    /// Drops the connection immediately.
    abort: oneshot::Sender<()>,
}

/// The connection's end of the hub.
pub(super) struct HubConnection {
    hub: mpsc::Sender<Event>,
    /// The connection's id.
    pub(super) id: ConnectionId,
    /// The messages to send to the client. When they end, the connection closes.
    pub(super) texts: Outbound,
    /// Signals that the connection is to be dropped immediately.
    pub(super) abort: oneshot::Receiver<()>,
}

/// The output queue of a client.
pub(super) struct Outbound {
    texts: mpsc::Receiver<String>,
    waiting: Arc<AtomicUsize>,
}

impl HubHandle {
    /// Returns the maximum size of a client's message, in bytes.
    pub(super) fn message_size(&self) -> usize {
        self.limits.message_size
    }

    /// Returns the current counts; `None` if the server is stopping.
    pub(super) async fn stats(&self) -> Option<Stats> {
        let (reply, stats) = oneshot::channel();
        self.events.send(Event::Stats(reply)).await.ok()?;
        stats.await.ok()
    }

    /// Registers a connection; `None` if the server is stopping.
    pub(super) async fn open(&self, address: IpAddr) -> Option<HubConnection> {
        let id = ConnectionId(self.next.fetch_add(1, Ordering::Relaxed));
        let (texts_in, texts) = mpsc::channel(self.limits.queued_messages);
        let (abort_in, abort) = oneshot::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let client = ClientHandle {
            user: String::new(),
            texts: texts_in,
            waiting: waiting.clone(),
            abort: abort_in,
        };
        self.events
            .send(Event::Opened(id, address, client))
            .await
            .ok()?;
        Some(HubConnection {
            hub: self.events.clone(),
            id,
            texts: Outbound { texts, waiting },
            abort,
        })
    }
}

/// The sender of a connection's inputs.
#[derive(Clone)]
pub(super) struct Inputs(mpsc::Sender<Event>);

impl Inputs {
    /// Passes an input to the machine; returns false if the server is stopping.
    pub(super) async fn send(&self, input: Input) -> bool {
        self.0.send(Event::Input(input)).await.is_ok()
    }
}

impl HubConnection {
    pub(super) fn inputs(&self) -> Inputs {
        Inputs(self.hub.clone())
    }
}

impl Outbound {
    /// Returns the next message; `None` if the connection is to be closed. It is cancel-safe.
    pub(super) async fn next(&mut self) -> Option<String> {
        let text = self.texts.recv().await?;
        self.waiting.fetch_sub(text.len(), Ordering::Relaxed);
        Some(text)
    }
}

impl Hub {
    pub(super) fn new(
        rooms: Rooms,
        limits: &Limits,
        admission: Admission,
        metrics: Arc<Metrics>,
    ) -> (Hub, HubHandle) {
        let (events_in, events) = mpsc::channel(INPUTS);
        let next = Arc::new(AtomicU64::new(0));
        let handle = HubHandle {
            events: events_in,
            next,
            limits: limits.clone(),
        };
        let queued_bytes = limits.queued_bytes;
        let hub = Hub {
            rooms,
            events,
            connections: BTreeMap::new(),
            open: BTreeSet::new(),
            queued_bytes,
            admission,
            metrics,
        };
        (hub, handle)
    }

    /// Runs the machine until `until` is ready, then closes all connections, with `close_time` for
    /// their last messages.
    pub(super) async fn run(
        mut self,
        until: impl Future<Output = io::Result<()>>,
        close_time: Duration,
    ) -> io::Result<()> {
        tokio::pin!(until);
        let result = loop {
            let due = self.rooms.poll_timeout();
            let timer = async {
                match due {
                    Some(due) => sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                result = &mut until => break result,
                // `until` holds a handle, so the channel stays open.
                Some(event) = self.events.recv() => self.event(event),
                () = timer => self.rooms.handle_timeout(Instant::now().into_std()),
            }
            self.act();
        };
        // A connection without its queue closes and ends.
        self.connections.clear();
        let ended = async {
            while !self.open.is_empty()
                && let Some(event) = self.events.recv().await
            {
                if let Event::Input(Input::Closed(id)) = event {
                    self.open.remove(&id);
                }
            }
        };
        let _ = timeout(close_time, ended).await;
        result
    }

    fn event(&mut self, event: Event) {
        let now = Instant::now().into_std();
        let input = match event {
            Event::Opened(id, address, client) => {
                self.connections.insert(id, client);
                self.open.insert(id);
                self.metrics.connections_opened.inc();
                Input::Opened(id, address)
            }
            Event::Input(input) => {
                match &input {
                    Input::Closed(id) => {
                        self.connections.remove(id);
                        self.open.remove(id);
                    }
                    Input::Text(..) | Input::Broken(..) => {
                        self.metrics.messages_received.inc();
                    }
                    Input::Opened(..) | Input::Admitted(..) => {}
                }
                input
            }
            Event::Stats(reply) => {
                let _nobody_waits = reply.send(self.rooms.stats());
                return;
            }
        };
        self.rooms.handle(input, now);
    }

    fn act(&mut self) {
        while let Some(action) = self.rooms.poll_action() {
            match action {
                Action::Admit(id, credentials) => {
                    let grants = self.admission.admit(&credentials, unix_now());
                    if grants.is_ok() {
                        tracing::debug!(connection = id.0, user = credentials.user, "admitted");
                        if let Some(client) = self.connections.get_mut(&id) {
                            client.user = credentials.user;
                        }
                    }
                    let now = Instant::now().into_std();
                    self.rooms.handle(Input::Admitted(id, grants), now);
                }
                Action::Send(id, message) => self.send(id, message),
                Action::Close(id) => drop(self.connections.remove(&id)),
            }
        }
    }

    fn send(&mut self, id: ConnectionId, mut message: ServerMessage) {
        let Some(client) = self.connections.get(&id) else {
            return;
        };
        if let ServerMessage::Joined { ice_servers, .. } = &mut message {
            *ice_servers = self.admission.ice_servers(&client.user, unix_now());
        }
        let text = match serde_json::to_string(&message) {
            Ok(text) => text,
            Err(error) => {
                tracing::error!(connection = id.0, %error, "a message cannot be written");
                return;
            }
        };
        self.log_message(id, &message);
        self.metrics.messages_sent.inc();
        let waiting = client.waiting.fetch_add(text.len(), Ordering::Relaxed) + text.len();
        if waiting > self.queued_bytes || client.texts.try_send(text).is_err() {
            self.metrics.slow_readers.inc();
            tracing::info!(connection = id.0, "reads too slowly, or is gone: dropped");
            if let Some(client) = self.connections.remove(&id) {
                // The task may have ended already.
                let _ = client.abort.send(());
            }
        }
    }

    /// Logs a message to a client, and counts errors.
    fn log_message(&self, id: ConnectionId, message: &ServerMessage) {
        match message {
            ServerMessage::Joined { call, resume, .. } => {
                let participant = &resume.participant.0;
                tracing::info!(connection = id.0, call, participant, "joined");
            }
            ServerMessage::Listening {} => tracing::info!(connection = id.0, "listens"),
            ServerMessage::Incoming { call, user, .. } => {
                tracing::info!(connection = id.0, call, by = user, "rung");
            }
            ServerMessage::CallEnded { reason } => {
                tracing::info!(connection = id.0, reason, "call ended");
            }
            ServerMessage::Error { code, message } => {
                self.metrics.refused(*code);
                let reason = is_server_text(*code).then_some(message);
                tracing::info!(connection = id.0, ?code, reason, "refused");
            }
            _ => {}
        }
    }
}

/// Whether the server wrote the whole error text. Some errors quote the client's message, which may
/// contain part of a secret.
fn is_server_text(code: ErrorCode) -> bool {
    !matches!(
        code,
        ErrorCode::Malformed
            | ErrorCode::UnknownMessage
            | ErrorCode::UnknownParticipant
            | ErrorCode::TokenAlgorithm
            | ErrorCode::Other
    )
}

/// Returns the seconds since 1970, for tokens and TURN passwords.
#[expect(clippy::disallowed_methods, reason = "the driver has the wall clock")]
fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}
