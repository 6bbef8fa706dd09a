//! The server and the client over real sockets.

mod hostile;
mod http;
mod limits;
mod logs;
#[cfg(feature = "metrics")]
mod metrics;
mod placing;
mod proxy;
mod tls;
mod tokens;

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::model::{IceServer, Kind, Kinds, Participant};
use crate::signalling::client::{Closed, Receiver, Sender, connect};
use crate::signalling::message::{
    ClientMessage, ErrorCode, LegEnd, LegSignal, LegStep, Resume, ServerMessage, Token,
};
use crate::signalling::room::Limits;

const PATIENCE: Duration = Duration::from_secs(60);

/// The default call of clients.
const CALL: &str = "tea & Kuchen/ü";

fn start() -> Embedded {
    Embedded::start("127.0.0.1:0".parse().unwrap()).unwrap()
}

fn start_with(config: Config) -> Embedded {
    Embedded::start_with("127.0.0.1:0".parse().unwrap(), config).unwrap()
}

fn hello(user: &str, token: Option<&str>) -> ClientMessage {
    ClientMessage::Hello {
        versions: vec![1],
        user: user.to_owned(),
        display_name: None,
        token: token.map(|token| Token(token.to_owned())),
    }
}

fn join(call: &str, resume: Option<Resume>) -> ClientMessage {
    ClientMessage::Join {
        call: call.to_owned(),
        receives: true,
        sends: true,
        media: Kinds::new(),
        resume,
    }
}

/// Returns the next message, an error, and asserts that the server closes after it.
async fn refused(receiver: &mut Receiver) -> (ErrorCode, String) {
    let next = timeout(PATIENCE, receiver.next()).await.unwrap();
    let ServerMessage::Error { code, message } = next.unwrap() else {
        panic!("no error")
    };
    timeout(PATIENCE, receiver.next())
        .await
        .unwrap()
        .unwrap_err();
    (code, message)
}

/// A client in a call.
struct Client {
    sender: Sender,
    receiver: Receiver,
    resume: Resume,
    roster: Vec<Participant>,
    ice_servers: Vec<IceServer>,
}

impl Client {
    async fn join(server: SocketAddr, user: &str) -> Client {
        Client::enter(server, user, None).await
    }

    async fn enter(server: SocketAddr, user: &str, resume: Option<Resume>) -> Client {
        let (sender, receiver) = connect(&format!("ws://{server}")).await.unwrap();
        Client::enter_on(sender, receiver, user, None, resume).await
    }

    async fn enter_on(
        mut sender: Sender,
        mut receiver: Receiver,
        user: &str,
        token: Option<&str>,
        resume: Option<Resume>,
    ) -> Client {
        sender.send(&hello(user, token)).await.unwrap();
        let welcome = receiver.next().await.unwrap();
        assert!(
            matches!(welcome, ServerMessage::Welcome { .. }),
            "{welcome:?}"
        );
        sender.send(&join(CALL, resume)).await.unwrap();
        match receiver.next().await.unwrap() {
            ServerMessage::Joined {
                resume,
                participants,
                ice_servers,
                ..
            } => Client {
                sender,
                receiver,
                resume,
                roster: participants,
                ice_servers,
            },
            other => panic!("{other:?}"),
        }
    }

    async fn next(&mut self) -> ServerMessage {
        timeout(PATIENCE, self.receiver.next())
            .await
            .unwrap()
            .unwrap()
    }

    async fn participant(&mut self) -> Participant {
        match self.next().await {
            ServerMessage::Participant { participant } => participant,
            other => panic!("{other:?}"),
        }
    }

    async fn participant_left(&mut self) {
        let left = self.next().await;
        assert!(
            matches!(left, ServerMessage::ParticipantLeft { .. }),
            "{left:?}"
        );
    }

    async fn closed(&mut self) -> Closed {
        loop {
            if let Err(closed) = timeout(PATIENCE, self.receiver.next()).await.unwrap() {
                return closed;
            }
        }
    }

    async fn send(&mut self, message: &ClientMessage) {
        self.sender.send(message).await.unwrap();
    }

    async fn leave(&mut self) {
        self.send(&ClientMessage::Leave {
            for_everyone: false,
        })
        .await;
    }

    fn offer(&self, sdp: &str) -> ClientMessage {
        let step = LegStep::Offer(sdp.to_owned());
        let signal = LegSignal {
            leg: 1,
            by: LegEnd::Sender,
            step,
        };
        ClientMessage::Signal {
            to: self.resume.participant.clone(),
            signal,
        }
    }
}

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn two_clients_meet_and_signal() {
    let server = start();
    let mut anna = Client::join(server.local_addr(), "anna").await;
    let mut bert = Client::join(server.local_addr(), "bert").await;
    assert_eq!(bert.roster.len(), 1);
    assert_eq!(bert.roster[0].user, "anna");
    assert_eq!(anna.participant().await.user, "bert");

    bert.send(&anna.offer("v=0")).await;
    let ServerMessage::Signal { from, signal } = anna.next().await else {
        panic!()
    };
    assert_eq!(from, bert.resume.participant);
    assert_eq!(signal.step, LegStep::Offer("v=0".into()));

    bert.send(&ClientMessage::Media {
        kinds: [Kind::Screen].into(),
    })
    .await;
    assert_eq!(anna.participant().await.media, [Kind::Screen].into());
    bert.leave().await;
    bert.sender.close().await;
    anna.participant_left().await;
}

#[tokio::test]
async fn closing_at_once_after_leaving_loses_nothing() {
    let server = start();
    let mut anna = Client::join(server.local_addr(), "anna").await;
    for _ in 0..20 {
        let mut bert = Client::join(server.local_addr(), "bert").await;
        assert!(anna.participant().await.connected);
        bert.leave().await;
        bert.sender.close().await;
        drop(bert.receiver);
        anna.participant_left().await;
    }
}

/// A server in the runtime of the test, for tests that pause the clock.
fn spawn() -> SocketAddr {
    spawn_with(Config::default())
}

fn spawn_with(config: Config) -> SocketAddr {
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), config).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.serve(std::future::pending()));
    address
}

/// Returns the seconds since `start`, on a clock that was paused about then.
fn seconds_since(start: tokio::time::Instant) -> u64 {
    start.elapsed().as_secs_f64().round() as u64
}

#[tokio::test]
async fn a_client_that_does_not_answer_pings_is_lost_and_one_that_does_is_not() {
    let at = spawn();
    let mut anna = Client::join(at, "anna").await;
    let bert = Client::join(at, "bert").await;
    assert!(anna.participant().await.connected);
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let lost = anna.receiver.next().await.unwrap();
    assert!(
        matches!(&lost, ServerMessage::Participant { participant: p } if !p.connected),
        "{lost:?}"
    );
    assert_eq!(seconds_since(start), 25);
    let left = anna.receiver.next().await.unwrap();
    assert!(
        matches!(left, ServerMessage::ParticipantLeft { .. }),
        "{left:?}"
    );
    assert_eq!(seconds_since(start), 55);
    drop(bert);
}

#[tokio::test]
async fn a_new_server_on_the_same_port_readmits_the_participants() {
    let server = start();
    let at = server.local_addr();
    let mut anna = Client::join(at, "anna").await;
    let mut bert = Client::join(at, "bert").await;
    drop(server);
    let closed = anna.closed().await;
    assert!(closed.reason.contains("server"), "{closed}");
    bert.closed().await;

    let server = Embedded::start(at).unwrap();
    assert_eq!(server.local_addr(), at);
    let bert_again = Client::enter(at, "bert", Some(bert.resume.clone())).await;
    assert_eq!(bert_again.resume, bert.resume);
    let anna_again = Client::enter(at, "anna", Some(anna.resume.clone())).await;
    assert_eq!(anna_again.resume, anna.resume);
    assert_eq!(anna_again.roster[0].id, bert.resume.participant);
}
