//! Connections to our server, and their tokens.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use acscall::server::token::Claims;
use acscall::server::{Embedded, Secret};
use acscall::signalling::client::{ConnectError, Receiver, Sender, ServerUrl, connect};
use acscall::signalling::message::{ClientMessage, ErrorCode, ServerMessage, Token, VERSIONS};
use parking_lot::Mutex;
use tokio::time::timeout;

use super::end::{Failure, Result};

/// The lifetime of a token, which is made for one connection and used at once.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// The time for the server to answer `hello`.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connects to our server.
pub(super) struct Calls {
    url: ServerUrl,
    secret: Option<Secret>,
    call: String,
    /// The server in this process, if no other one runs.
    embedded: Mutex<Option<Embedded>>,
}

impl Calls {
    /// Makes connections to the server at `url`, for participants of `call`.
    pub(super) fn new(url: ServerUrl, call: String, secret: Option<Secret>) -> Calls {
        Calls {
            url,
            secret,
            call,
            embedded: Mutex::new(None),
        }
    }

    /// Opens a connection. Starts a server in this process if `url` is on this machine and none runs.
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

    /// Checks that the server runs and admits `user`.
    pub(super) async fn check(&self, user: &str) -> Result<()> {
        let (mut sender, mut receiver) = self.connect().await.map_err(unreachable)?;
        let mut hello = ClientMessage::Hello {
            versions: VERSIONS.to_vec(),
            user: user.to_owned(),
            display_name: None,
            token: None,
        };
        self.authorize(&mut hello);
        let exchange = async {
            sender.send(&hello).await?;
            receiver.next().await
        };
        let answer = timeout(PATIENCE, exchange).await;
        match answer {
            Ok(Ok(ServerMessage::Welcome { .. })) => {
                sender.close().await;
                Ok(())
            }
            Ok(Ok(ServerMessage::Error { code, message })) => {
                Err(Failure::Service(self.refusal(code, &message)))
            }
            Ok(Ok(_)) => Err(Failure::Machine(format!(
                "{} did not answer as an acscall server does",
                self.url
            ))),
            Ok(Err(closed)) => Err(Failure::Machine(format!("{}: {closed}", self.url))),
            Err(_) => Err(Failure::Machine(format!(
                "{} did not answer within {} s",
                self.url,
                PATIENCE.as_secs()
            ))),
        }
    }

    /// Adds a token for its user to a `hello`, if there is a secret.
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
        let mut embedded = self.embedded.lock();
        // A server that cannot be reached has ended. A failure shows in the next connection attempt:
        // perhaps another process was quicker.
        *embedded = None;
        *embedded = Embedded::start(address).ok();
    }

    fn refusal(&self, code: ErrorCode, message: &str) -> String {
        let server = &self.url;
        match code {
            ErrorCode::TokenRequired => format!(
                "the server at {server} requires tokens: give its secret with --secret-file or \
                 ACSCALL_SECRET, and the bridge makes them"
            ),
            ErrorCode::TokenSignature => format!(
                "the secret is not that of the server at {server}: give the server's own secret with \
                 --secret-file or ACSCALL_SECRET"
            ),
            _ => format!("the server at {server} refused: {message}"),
        }
    }
}

fn unreachable(error: ConnectError) -> Failure {
    Failure::Machine(match error {
        ConnectError::NobodyListens(authority) => format!(
            "nobody listens on {authority}: start a server there with `acscall serve`, or name \
             another one with --server"
        ),
        ConnectError::NotOurs { authority, problem } => format!(
            "{authority} is not an acscall server ({problem}): name another one with --server"
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
    async fn a_missing_server_on_this_machine_is_started() {
        let server = Embedded::start("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = server.local_addr();
        let first = calls(address, None);
        first.check("bridge").await.unwrap();
        assert!(first.embedded.lock().is_none());
        drop(server);
        first.check("bridge").await.unwrap();
        assert!(first.embedded.lock().is_some());
        calls(address, None).check("bridge").await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_requires_tokens_gets_them() {
        let mut config = Config::default();
        config.secret = Some(secret(b'x'));
        let server = Embedded::start_with("127.0.0.1:0".parse().unwrap(), config).unwrap();
        let address = server.local_addr();
        calls(address, Some(secret(b'x')))
            .check("bridge")
            .await
            .unwrap();
        for (wrong, remedy) in [
            (None, "--secret-file"),
            (Some(secret(b'y')), "--secret-file"),
        ] {
            let error = calls(address, wrong).check("bridge").await.unwrap_err();
            assert!(matches!(error, Failure::Service(_)));
            assert!(error.to_string().contains(remedy), "{error}");
        }
    }

    #[tokio::test]
    async fn a_missing_server_that_cannot_be_started_is_an_error() {
        // Starting a server with TLS needs a certificate. The port is bound, so that no other process
        // gets it, but nobody listens.
        let bound = tokio::net::TcpSocket::new_v4().unwrap();
        bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = bound.local_addr().unwrap();
        let url = ServerUrl::parse(&format!("wss://{address}")).unwrap();
        let calls = Calls::new(url, "tea".to_owned(), None);
        let error = calls.check("bridge").await.unwrap_err();
        assert!(matches!(error, Failure::Machine(_)));
        assert!(error.to_string().contains("--server"), "{error}");
    }
}
