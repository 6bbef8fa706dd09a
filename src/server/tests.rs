//! The server and the client over real sockets.

mod hostile;
mod http;

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::signalling::client::{Closed, Receiver, Sender, connect};
use crate::signalling::message::{
    ClientMessage, ErrorCode, Kind, Kinds, LegEnd, LegSignal, LegStep, Participant, Resume,
    ServerMessage,
};

const PATIENCE: Duration = Duration::from_secs(20);

fn start() -> Embedded {
    Embedded::start("127.0.0.1:0".parse().unwrap()).unwrap()
}

/// A client in a call.
struct Client {
    sender: Sender,
    receiver: Receiver,
    resume: Resume,
    roster: Vec<Participant>,
}

impl Client {
    async fn join(server: SocketAddr, user: &str) -> Client {
        Client::enter(server, user, None).await
    }

    async fn enter(server: SocketAddr, user: &str, resume: Option<Resume>) -> Client {
        let (mut sender, mut receiver) = connect(&format!("ws://{server}")).await.unwrap();
        let hello = ClientMessage::Hello {
            versions: vec![1],
            user: user.to_owned(),
            display_name: None,
            token: None,
        };
        sender.send(&hello).await.unwrap();
        let welcome = receiver.next().await.unwrap();
        assert!(
            matches!(welcome, ServerMessage::Welcome { .. }),
            "{welcome:?}"
        );
        let join = ClientMessage::Join {
            call: "tea & Kuchen/ü".into(),
            receives: true,
            sends: true,
            media: Kinds::new(),
            resume,
        };
        sender.send(&join).await.unwrap();
        match receiver.next().await.unwrap() {
            ServerMessage::Joined {
                resume,
                participants,
                ..
            } => Client {
                sender,
                receiver,
                resume,
                roster: participants,
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
    bert.send(&ClientMessage::Leave {}).await;
    bert.sender.close().await;
    let left = anna.next().await;
    assert!(
        matches!(left, ServerMessage::ParticipantLeft { .. }),
        "{left:?}"
    );
}

#[tokio::test]
async fn closing_at_once_after_leaving_loses_nothing() {
    let server = start();
    let mut anna = Client::join(server.local_addr(), "anna").await;
    for _ in 0..20 {
        let mut bert = Client::join(server.local_addr(), "bert").await;
        assert!(anna.participant().await.connected);
        bert.send(&ClientMessage::Leave {}).await;
        bert.sender.close().await;
        drop(bert.receiver);
        let left = anna.next().await;
        assert!(
            matches!(left, ServerMessage::ParticipantLeft { .. }),
            "{left:?}"
        );
    }
}

/// A server in the test's own runtime, for tests that stop the clock.
fn spawn() -> SocketAddr {
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), Config::default()).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.serve(std::future::pending()));
    address
}

#[tokio::test]
async fn who_does_not_answer_pings_is_lost_and_who_does_is_not() {
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
    assert_eq!(start.elapsed().as_secs(), 25);
    let left = anna.receiver.next().await.unwrap();
    assert!(
        matches!(left, ServerMessage::ParticipantLeft { .. }),
        "{left:?}"
    );
    assert_eq!(start.elapsed().as_secs(), 55);
    drop(bert);
}

#[tokio::test]
async fn a_new_server_on_the_same_port_takes_the_participants_back() {
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
