//! Our server: where it is, and the tokens it asks for.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use acscall::server::token::Claims;
use acscall::server::{Embedded, Secret};
use acscall::signalling::client::{ConnectError, Receiver, Sender, ServerUrl, connect};
use acscall::signalling::message::{ClientMessage, ErrorCode, ServerMessage, Token, VERSIONS};
use tokio::time::timeout;

use super::end::{Failure, Result};

/// The life of a token. It is made for the one connection that presents it at once.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// The time for the server to greet.
const PATIENCE: Duration = Duration::from_secs(5);

/// The way to our server.
pub(super) struct Calls {
    url: ServerUrl,
    secret: Option<Secret>,
    call: String,
    /// The one that runs here where nobody else serves.
    embedded: Mutex<Option<Embedded>>,
}

impl Calls {
    /// Connections to the server at `url`, for who comes into `call`.
    pub(super) fn new(url: ServerUrl, call: String, secret: Option<Secret>) -> Calls {
        Calls {
            url,
            secret,
            call,
            embedded: Mutex::new(None),
        }
    }

    /// Opens a connection. Where nobody serves on this machine, this process does.
    pub(super) async fn connect(&self) -> std::result::Result<(Sender, Receiver), ConnectError> {
        let url = self.url.to_string();
        match (connect(&url).await, self.url.loopback_addr()) {
            (Err(ConnectError::NobodyListens(_)), Some(address)) => {
                self.serve(address);
                connect(&url).await
            }
            (connected, _) => connected,
        }
    }

    /// Finds out whether the server is there and takes `user`.
    pub(super) async fn check(&self, user: &str) -> Result<()> {
        let (mut sender, mut receiver) = self.connect().await.map_err(unreachable)?;
        let mut hello = ClientMessage::Hello {
            versions: VERSIONS.to_vec(),
            user: user.to_owned(),
            display_name: None,
            token: None,
        };
        self.authorize(&mut hello);
        let greeting = async {
            sender.send(&hello).await?;
            receiver.next().await
        };
        let answer = timeout(PATIENCE, greeting).await;
        match answer {
            Ok(Ok(ServerMessage::Welcome { .. })) => {
                sender.close().await;
                Ok(())
            }
            Ok(Ok(ServerMessage::Error { code, message })) => {
                Err(Failure::Service(self.refusal(code, &message)))
            }
            Ok(Ok(_)) => Err(Failure::Machine(format!("{} does not greet", self.url))),
            Ok(Err(closed)) => Err(Failure::Machine(format!("{}: {closed}", self.url))),
            Err(_) => Err(Failure::Machine(format!(
                "{} did not answer within {} s",
                self.url,
                PATIENCE.as_secs()
            ))),
        }
    }

    /// Puts the proof of its user into a greeting, where there is a secret to make one with.
    pub(super) fn authorize(&self, message: &mut ClientMessage) {
        if let (ClientMessage::Hello { user, token, .. }, Some(secret)) = (message, &self.secret) {
            #[expect(clippy::disallowed_methods, reason = "the token is made now")]
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let claims = Claims {
                sub: user.clone(),
                call: self.call.clone(),
                exp: (now.unwrap_or_default() + LIFE).as_secs(),
                nbf: None,
                place: false,
            };
            *token = Some(Token(claims.sign(secret)));
        }
    }

    fn serve(&self, address: SocketAddr) {
        let mut embedded = self.embedded.lock().unwrap_or_else(PoisonError::into_inner);
        // One that nobody reaches has ended. A failure shows in the connection that is tried next:
        // perhaps another process has been quicker.
        *embedded = None;
        *embedded = Embedded::start(address).ok();
    }

    fn refusal(&self, code: ErrorCode, message: &str) -> String {
        let server = &self.url;
        match code {
            ErrorCode::TokenRequired => format!(
                "the server at {server} asks for tokens: give its secret with --secret-file or \
                 ACSCALL_SECRET, and the bridge makes them"
            ),
            ErrorCode::TokenSignature => format!(
                "the secret is not that of the server at {server}: give the one it was started \
                 with, with --secret-file or ACSCALL_SECRET"
            ),
            _ => format!("the server at {server} refuses: {message}"),
        }
    }
}

fn unreachable(error: ConnectError) -> Failure {
    Failure::Machine(match error {
        ConnectError::NobodyListens(authority) => format!(
            "nobody listens on {authority}: start our server there with `acscall serve`, or name \
             another with --server"
        ),
        ConnectError::NotOurs { authority, problem } => format!(
            "what listens on {authority} is not an acscall server ({problem}): name another with \
             --server"
        ),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use acscall::server::{Config, TOKEN_SECRET};

    use super::*;

    fn secret(byte: u8) -> Secret {
        Secret::new(&[byte; 32], TOKEN_SECRET).unwrap()
    }

    fn calls(address: SocketAddr, secret: Option<Secret>) -> Calls {
        let url = ServerUrl::parse(&format!("ws://{address}")).unwrap();
        Calls::new(url, "tea".to_owned(), secret)
    }

    #[tokio::test]
    async fn where_nobody_serves_on_this_machine_it_serves() {
        let server = Embedded::start("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = server.local_addr();
        let first = calls(address, None);
        first.check("bridge").await.unwrap();
        assert!(first.embedded.lock().unwrap().is_none());
        drop(server);
        first.check("bridge").await.unwrap();
        assert!(first.embedded.lock().unwrap().is_some());
        calls(address, None).check("bridge").await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_asks_for_tokens_gets_them() {
        let mut config = Config::default();
        config.secret = Some(secret(b'x'));
        let server = Embedded::start_with("127.0.0.1:0".parse().unwrap(), config).unwrap();
        let address = server.local_addr();
        calls(address, Some(secret(b'x')))
            .check("bridge")
            .await
            .unwrap();
        for (wrong, cure) in [
            (None, "--secret-file"),
            (Some(secret(b'y')), "--secret-file"),
        ] {
            let error = calls(address, wrong).check("bridge").await.unwrap_err();
            assert!(matches!(error, Failure::Service(_)));
            assert!(error.to_string().contains(cure), "{error}");
        }
    }

    #[tokio::test]
    async fn where_nobody_serves_and_this_machine_cannot_it_is_told() {
        // With TLS it would need a certificate.
        // Bound, so that nobody else gets it, but nobody listens.
        let nobody = tokio::net::TcpSocket::new_v4().unwrap();
        nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = nobody.local_addr().unwrap();
        let url = ServerUrl::parse(&format!("wss://{address}")).unwrap();
        let elsewhere = Calls::new(url, "tea".to_owned(), None);
        let error = elsewhere.check("bridge").await.unwrap_err();
        assert!(matches!(error, Failure::Machine(_)));
        assert!(error.to_string().contains("--server"), "{error}");
    }
}
