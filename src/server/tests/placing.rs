//! Placed calls over real sockets.

use super::*;
use crate::model::{CalleeState, IncomingEnd};
use crate::server::token::Claims;
use crate::signalling::message::PLACED;

/// A server with tokens and TURN.
fn guarded() -> Embedded {
    let turn = Turn {
        urls: vec!["turn:t.example".to_owned()],
        secret: Secret::new(b"turn-secret", TURN_SECRET).unwrap(),
        lifetime: Duration::from_secs(60),
    };
    start_with(Config {
        secret: Some(tokens::secret()),
        ice: Ice {
            turn: Some(turn),
            ..Ice::default()
        },
        ..Config::default()
    })
}

/// A connection that was welcomed.
struct Welcomed {
    sender: Sender,
    receiver: Receiver,
}

impl Welcomed {
    async fn new(server: &Embedded, user: &str, call: &str, place: bool) -> Welcomed {
        let claims = Claims {
            call: call.to_owned(),
            place,
            ..tokens::claims(user)
        };
        let token = claims.sign(&tokens::secret());
        let at = server.local_addr();
        let (mut sender, receiver) = connect(&format!("ws://{at}")).await.unwrap();
        sender.send(&hello(user, Some(&token))).await.unwrap();
        let mut welcomed = Welcomed { sender, receiver };
        let welcome = welcomed.next().await;
        assert!(matches!(welcome, ServerMessage::Welcome { .. }));
        welcomed
    }

    async fn listen(server: &Embedded, user: &str) -> Welcomed {
        let mut welcomed = Welcomed::new(server, user, "elsewhere", false).await;
        welcomed.send(&ClientMessage::Listen {}).await;
        assert_eq!(welcomed.next().await, ServerMessage::Listening {});
        welcomed
    }

    async fn send(&mut self, message: &ClientMessage) {
        self.sender.send(message).await.unwrap();
    }

    async fn next(&mut self) -> ServerMessage {
        let next = timeout(PATIENCE, self.receiver.next()).await.unwrap();
        next.unwrap()
    }

    async fn place(&mut self, callee: &str) {
        let place = ClientMessage::Place {
            callees: vec![callee.to_owned()],
            receives: true,
            sends: true,
            media: Kinds::new(),
        };
        self.send(&place).await;
    }

    /// Returns the incoming call and its caller.
    async fn incoming(&mut self) -> (String, String) {
        match self.next().await {
            ServerMessage::Incoming { call, user, .. } => (call, user),
            other => panic!("{other:?}"),
        }
    }

    async fn joined(mut self) -> (Client, String) {
        match self.next().await {
            ServerMessage::Joined {
                call,
                resume,
                participants,
                ice_servers,
                ..
            } => {
                let client = Client {
                    sender: self.sender,
                    receiver: self.receiver,
                    resume,
                    roster: participants,
                    ice_servers,
                };
                (client, call)
            }
            other => panic!("{other:?}"),
        }
    }
}

fn callee(user: &str, state: CalleeState) -> ServerMessage {
    let user = user.to_owned();
    ServerMessage::Callee { user, state }
}

#[tokio::test]
async fn a_user_is_called_answers_and_hangs_up() {
    let server = guarded();
    let mut bert = Welcomed::listen(&server, "bert").await;
    let mut other = Welcomed::listen(&server, "bert").await;
    let mut anna = Welcomed::new(&server, "anna", "elsewhere", true).await;
    anna.place("bert").await;
    let (mut anna, call) = anna.joined().await;
    assert!(call.starts_with(PLACED));
    assert_eq!(anna.next().await, callee("bert", CalleeState::Ringing));
    let expected = (call.clone(), "anna".to_owned());
    assert_eq!(bert.incoming().await, expected);
    assert_eq!(other.incoming().await, expected);

    let accept = ClientMessage::Accept {
        call: call.clone(),
        receives: true,
        sends: true,
        media: Kinds::new(),
    };
    bert.send(&accept).await;
    let (mut bert, joined) = bert.joined().await;
    assert_eq!(joined, call);
    assert_eq!(bert.roster[0].id, anna.resume.participant);
    let turn = |client: &Client| client.ice_servers[0].username.clone().unwrap();
    assert!(turn(&bert).ends_with(":bert"), "{}", turn(&bert));
    assert!(turn(&anna).ends_with(":anna"), "{}", turn(&anna));
    assert_eq!(anna.next().await, callee("bert", CalleeState::Accepted));
    assert_eq!(anna.participant().await.id, bert.resume.participant);
    let reason = IncomingEnd::AnsweredElsewhere;
    let ended = ServerMessage::IncomingEnded { call, reason };
    assert_eq!(other.next().await, ended);
    anna.send(&bert.offer("v=0")).await;
    assert!(matches!(bert.next().await, ServerMessage::Signal { .. }));

    let leave = ClientMessage::Leave { for_everyone: true };
    bert.send(&leave).await;
    bert.closed().await;
    let ServerMessage::CallEnded { reason } = anna.next().await else {
        panic!("no end")
    };
    assert!(reason.contains("bert"), "{reason}");
    anna.closed().await;
}

#[tokio::test]
async fn declining_ends_the_call_for_the_caller_and_the_callee_keeps_listening() {
    let server = guarded();
    let mut bert = Welcomed::listen(&server, "bert").await;
    for _ in 0..2 {
        let mut anna = Welcomed::new(&server, "anna", "*", true).await;
        anna.place("bert").await;
        let (mut anna, call) = anna.joined().await;
        assert_eq!(bert.incoming().await.0, call);
        bert.send(&ClientMessage::Reject { call }).await;
        assert_eq!(anna.next().await, callee("bert", CalleeState::Ringing));
        assert_eq!(anna.next().await, callee("bert", CalleeState::Declined));
        let (code, text) = refused(&mut anna.receiver).await;
        assert_eq!(code, ErrorCode::CalleeDeclined);
        assert!(text.contains("\"bert\" declined"), "{text}");
    }
}

#[tokio::test]
async fn placing_a_call_without_permission_is_an_error() {
    let server = guarded();
    let mut bert = Welcomed::listen(&server, "bert").await;
    let mut anna = Welcomed::new(&server, "anna", CALL, false).await;
    anna.place("bert").await;
    let error = anna.next().await;
    assert!(
        matches!(
            &error,
            ServerMessage::Error {
                code: ErrorCode::TokenPlace,
                ..
            }
        ),
        "{error:?}"
    );
    anna.send(&join(CALL, None)).await;
    anna.joined().await;
    // Bert has received nothing: his next message is about the next placed call.
    let mut carl = Welcomed::new(&server, "carl", "*", true).await;
    carl.place("bert").await;
    assert_eq!(bert.incoming().await.1, "carl");
}

#[tokio::test]
async fn a_new_server_on_the_same_port_restores_a_placed_call() {
    let server = start();
    let at = server.local_addr();
    let open = async |user: &str| {
        let (mut sender, mut receiver) = connect(&format!("ws://{at}")).await.unwrap();
        sender.send(&hello(user, None)).await.unwrap();
        let welcome = receiver.next().await.unwrap();
        assert!(matches!(welcome, ServerMessage::Welcome { .. }));
        Welcomed { sender, receiver }
    };
    let mut bert = open("bert").await;
    bert.send(&ClientMessage::Listen {}).await;
    assert_eq!(bert.next().await, ServerMessage::Listening {});
    let mut anna = open("anna").await;
    anna.place("bert").await;
    let (mut anna, call) = anna.joined().await;
    bert.incoming().await;
    let accept = format!(r#"{{"type":"accept","call":"{call}"}}"#);
    bert.send(&serde_json::from_str(&accept).unwrap()).await;
    let (mut bert, _) = bert.joined().await;
    drop(server);
    anna.closed().await;
    bert.closed().await;

    let _server = Embedded::start(at).unwrap();
    let resume = async |user: &str, client: &Client| {
        let mut back = open(user).await;
        back.send(&join(&call, Some(client.resume.clone()))).await;
        back.joined().await.0
    };
    let bert_again = resume("bert", &bert).await;
    let anna_again = resume("anna", &anna).await;
    assert_eq!(anna_again.resume, anna.resume);
    assert_eq!(anna_again.roster[0].id, bert_again.resume.participant);
    let mut eve = open("eve").await;
    eve.send(&join(&call, None)).await;
    assert_eq!(refused(&mut eve.receiver).await.0, ErrorCode::NotInvited);
}
