//! The driver of the room machine: one task that owns it, with a queue in and one per connection
//! out.

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

/// Inputs that wait for the machine; connections wait while it is full.
const INPUTS: usize = 256;

/// Owns the machine.
pub(super) struct Hub {
    rooms: Rooms,
    events: mpsc::Receiver<Event>,
    /// The way to those that are to stay.
    connections: BTreeMap<ConnectionId, ClientHandle>,
    /// All whose task has not ended.
    open: BTreeSet<ConnectionId>,
    queued_bytes: usize,
    admission: Admission,
    metrics: Arc<Metrics>,
}

/// How connections reach the hub.
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

/// What the hub has of a connection.
struct ClientHandle {
    /// The user whose it is, once that is admitted.
    user: String,
    /// Dropped in order to close the connection when all is out.
    texts: mpsc::Sender<String>,
    waiting: Arc<AtomicUsize>,
    /// Sent in order to drop the connection at once.
    abort: oneshot::Sender<()>,
}

/// What a connection has of the hub.
pub(super) struct HubConnection {
    hub: mpsc::Sender<Event>,
    /// Names the connection.
    pub(super) id: ConnectionId,
    /// What to send to the client; its end is that of the connection.
    pub(super) texts: Outbound,
    /// Drop the connection at once.
    pub(super) abort: oneshot::Receiver<()>,
}

/// What waits for a client.
pub(super) struct Outbound {
    texts: mpsc::Receiver<String>,
    waiting: Arc<AtomicUsize>,
}

impl HubHandle {
    /// The largest message of a client, in bytes.
    pub(super) fn message_size(&self) -> usize {
        self.limits.message_size
    }

    /// How much there is now; `None` if the server is stopping.
    pub(super) async fn stats(&self) -> Option<Stats> {
        let (reply, stats) = oneshot::channel();
        self.events.send(Event::Stats(reply)).await.ok()?;
        stats.await.ok()
    }

    /// Makes a connection known; `None` if the server is stopping.
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

/// The way for what a connection reads.
#[derive(Clone)]
pub(super) struct Inputs(mpsc::Sender<Event>);

impl Inputs {
    /// Gives it to the machine; false if the server is stopping.
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
    /// The next text; `None` when the connection is to be closed. Cancelling it loses nothing.
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
                // A handle lives in `until`, so there is always a next one.
                Some(event) = self.events.recv() => self.event(event),
                () = timer => self.rooms.handle_timeout(Instant::now().into_std()),
            }
            self.act();
        };
        // Without its queue, a connection says goodbye and ends.
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
                // The task may have ended by itself.
                let _ = client.abort.send(());
            }
        }
    }

    /// Logs and counts what a client is told.
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

/// Whether the message of an error is all the server's own words. Some name what cannot be read
/// in the client's message, which may be a part of a secret.
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

/// Seconds since 1970, for tokens and TURN passwords.
#[expect(clippy::disallowed_methods, reason = "the driver has the wall clock")]
fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}
