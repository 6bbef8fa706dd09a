//! The room machine on virtual time.

mod admission;
mod limits;
mod placing;
mod relay;
mod session;

use std::time::Duration;

use super::*;
use crate::model::{Candidate, Kind, Kinds, Participant};
use crate::signalling::message::{LegEnd, LegSignal, LegStep, Resume};

/// A deterministic source of "random" bytes: a counter.
struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
    }
}

/// A machine, its clock, and the messages that each connection received.
struct Stage {
    rooms: Rooms,
    now: Instant,
    connections: u64,
    received: BTreeMap<ConnectionId, Vec<ServerMessage>>,
    closed: BTreeSet<ConnectionId>,
    /// The grants of every client.
    grants: Result<Grants, Rejection>,
}

/// A client in a call.
#[derive(Clone, Debug)]
struct Client {
    connection: ConnectionId,
    resume: Resume,
    roster: Vec<Participant>,
}

impl Client {
    fn id(&self) -> &ParticipantId {
        &self.resume.participant
    }
}

impl Stage {
    fn new() -> Stage {
        Stage::with(Limits::default())
    }

    fn with(limits: Limits) -> Stage {
        #[expect(clippy::disallowed_methods, reason = "the epoch of the virtual time")]
        let now = Instant::now();
        Stage {
            rooms: Rooms::new(limits, Box::new(Counting(0))),
            now,
            connections: 0,
            received: BTreeMap::new(),
            closed: BTreeSet::new(),
            grants: Ok(Grants::unlimited()),
        }
    }

    /// Replaces the server by a new one on its port.
    fn another_server(&mut self) {
        let random = Box::new(Counting(100));
        self.rooms = Rooms::new(Limits::default(), random);
        self.received.clear();
        self.closed.clear();
    }

    fn open_from(&mut self, address: [u8; 4]) -> ConnectionId {
        self.connections += 1;
        let id = ConnectionId(self.connections);
        self.input(Input::Opened(id, IpAddr::from(address)));
        id
    }

    fn open(&mut self) -> ConnectionId {
        self.open_from([127, 0, 0, 1])
    }

    fn input(&mut self, input: Input) {
        self.rooms.handle(input, self.now);
        self.act();
    }

    fn act(&mut self) {
        while let Some(action) = self.rooms.poll_action() {
            match action {
                Action::Admit(id, _) => self
                    .rooms
                    .handle(Input::Admitted(id, self.grants.clone()), self.now),
                Action::Send(id, message) => {
                    assert!(
                        !self.closed.contains(&id),
                        "{message:?} after the close of {id:?}"
                    );
                    self.received.entry(id).or_default().push(message);
                }
                Action::Close(id) => assert!(self.closed.insert(id), "{id:?} is closed twice"),
            }
        }
    }

    fn text(&mut self, id: ConnectionId, text: &str) {
        self.input(Input::Text(id, text.to_owned()));
    }

    fn send(&mut self, id: ConnectionId, message: &ClientMessage) {
        self.text(id, &serde_json::to_string(message).unwrap());
    }

    fn hello(&mut self, user: &str) -> ConnectionId {
        let id = self.open();
        self.say_hello(id, user);
        assert!(matches!(
            self.take(id)[..],
            [ServerMessage::Welcome { version: 1, .. }]
        ));
        id
    }

    fn say_hello(&mut self, id: ConnectionId, user: &str) {
        let hello = ClientMessage::Hello {
            versions: vec![7, 1],
            user: user.to_owned(),
            display_name: Some(user.to_uppercase()),
            token: None,
        };
        self.send(id, &hello);
    }

    fn say_join(&mut self, id: ConnectionId, call: &str, resume: Option<Resume>) {
        let join = ClientMessage::Join {
            call: call.to_owned(),
            receives: true,
            sends: true,
            media: Kinds::new(),
            resume,
        };
        self.send(id, &join);
    }

    fn join(&mut self, user: &str, call: &str) -> Client {
        let id = self.hello(user);
        self.say_join(id, call, None);
        self.joined(id)
    }

    fn resume(&mut self, user: &str, call: &str, resume: &Resume) -> Client {
        let id = self.hello(user);
        self.say_join(id, call, Some(resume.clone()));
        self.joined(id)
    }

    fn joined(&mut self, connection: ConnectionId) -> Client {
        match only(self.take(connection)) {
            ServerMessage::Joined {
                resume,
                participants,
                ..
            } => Client {
                connection,
                resume,
                roster: participants,
            },
            other => panic!("{other:?}"),
        }
    }

    fn media(&mut self, client: &Client, kinds: &[Kind]) {
        self.send(
            client.connection,
            &ClientMessage::Media { kinds: set(kinds) },
        );
    }

    fn want(&mut self, client: &Client, of: &Client, kinds: &[Kind]) {
        let want = ClientMessage::Want {
            of: of.id().clone(),
            kinds: set(kinds),
        };
        self.send(client.connection, &want);
    }

    fn lose(&mut self, client: &Client) {
        self.input(Input::Closed(client.connection));
    }

    fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.rooms.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.rooms.handle_timeout(self.now);
            self.act();
        }
        self.now = end;
    }

    /// Returns the messages to the connection since the last call.
    fn take(&mut self, id: ConnectionId) -> Vec<ServerMessage> {
        self.received.remove(&id).unwrap_or_default()
    }

    fn received(&mut self, client: &Client) -> Vec<ServerMessage> {
        self.take(client.connection)
    }

    /// Returns the only participant announced to the client.
    fn participant(&mut self, client: &Client) -> Participant {
        match only(self.received(client)) {
            ServerMessage::Participant { participant } => participant,
            other => panic!("{other:?}"),
        }
    }

    /// Returns the only message to the connection, an error, and checks whether it was closed.
    fn error(&mut self, id: ConnectionId) -> (ErrorCode, String) {
        match only(self.take(id)) {
            ServerMessage::Error { code, message } => {
                assert_eq!(
                    self.closed.contains(&id),
                    code.is_fatal(),
                    "{code:?}: {message}"
                );
                (code, message)
            }
            other => panic!("{other:?}"),
        }
    }

    fn refused(&mut self, id: ConnectionId, expected: ErrorCode) -> String {
        let (code, message) = self.error(id);
        assert_eq!(code, expected, "{message}");
        message
    }
}

fn only(mut messages: Vec<ServerMessage>) -> ServerMessage {
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.remove(0)
}

fn set(kinds: &[Kind]) -> Kinds {
    kinds.iter().copied().collect()
}

fn candidate(to: &Client, leg: u64, by: LegEnd, text: &str) -> ClientMessage {
    let candidate = Candidate {
        candidate: text.to_owned(),
        line: 0,
    };
    let signal = LegSignal {
        leg,
        by,
        step: LegStep::Candidate(candidate),
    };
    ClientMessage::Signal {
        to: to.id().clone(),
        signal,
    }
}

fn offer(to: &Client, leg: u64) -> ClientMessage {
    let signal = LegSignal {
        leg,
        by: LegEnd::Sender,
        step: LegStep::Offer("v=0".into()),
    };
    ClientMessage::Signal {
        to: to.id().clone(),
        signal,
    }
}

fn left(client: &Client, message: &ServerMessage) -> bool {
    matches!(message, ServerMessage::ParticipantLeft { participant, .. } if participant == client.id())
}
