//! The WebSocket client: a participant's connection to the server.

mod tcp;
#[cfg(test)]
mod tests;
mod tls;
mod url;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use rustls::RootCertStore;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::message::{ClientMessage, ServerMessage};
use super::parse::{ParseError, parse};
use super::{SERVER_NAME, SUBPROTOCOL};
pub use tcp::is_gone;
use tls::Stream;
use url::Target;
pub use url::{BadUrl, ServerUrl};

/// The time limit for the TCP connection and the handshake together. A server on another continent
/// needs four round trips of 0.3 s.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// The time without data from the server after which the connection counts as lost. The server
/// pings every 10 s, so two pings were lost.
const IDLE_TIMEOUT: Duration = Duration::from_secs(25);
/// The interval for checking that the connection's local address still exists.
const ADDRESS_CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// The time limit for sending one message.
const SEND_TIME: Duration = Duration::from_secs(10);
/// The time limit for the server to close after this end did. When it closes, the last messages
/// have arrived.
const CLOSE_TIME: Duration = Duration::from_secs(1);
/// The largest message accepted from a server: a relayed one has at most the server's limit for
/// clients (256 KiB), a roster of 64 about 100 KiB.
const MESSAGE_SIZE: usize = 1024 * 1024;

type Socket = WebSocketStream<Box<dyn Stream>>;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// No program listens at that address.
    #[error(
        "nobody listens on {0}: start a server there with `acscall serve`, \
         or name another with the `server` property"
    )]
    NobodyListens(String),
    /// Another program answered.
    #[error(
        "what listens on {authority} is not an acscall server ({problem}): use another port, \
         with the `server` property, or end that program"
    )]
    NotOurs {
        /// Host and port.
        authority: String,
        /// The unexpected answer.
        problem: String,
    },
    /// The address is invalid.
    #[error(transparent)]
    BadUrl(#[from] BadUrl),
    /// The server did not answer in time.
    #[error("{authority} did not answer within {} s: is the address right, and is the server overloaded or behind a firewall?", CONNECT_TIME.as_secs())]
    TimedOut {
        /// Host and port.
        authority: String,
    },
    /// Any other problem, including a connection that the server refused.
    #[error("{0}")]
    Other(String),
}

/// The connection is closed, for this reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Closed {
    /// For people.
    pub reason: String,
}

impl Closed {
    fn new(reason: impl Into<String>) -> Closed {
        Closed {
            reason: reason.into(),
        }
    }
}

/// Opens a connection to the server at `url`, in at most 5 s.
///
/// The certificate of a `wss://` server needs a CA that the system trusts, or one in the
/// environment's SSL_CERT_FILE (a PEM file) or SSL_CERT_DIR, which replace the system's.
///
/// # Errors
/// [`ConnectError`] distinguishes a free port, another program and other problems.
pub async fn connect(url: &str) -> Result<(Sender, Receiver), ConnectError> {
    let url = ServerUrl::parse(url)?;
    timeout(CONNECT_TIME, open(&url, tls::system_roots))
        .await
        .unwrap_or_else(|_| {
            Err(ConnectError::TimedOut {
                authority: url.authority(),
            })
        })
}

/// Like [`connect`], with the test's CAs.
#[cfg(test)]
pub(crate) async fn connect_trusting(
    url: &str,
    roots: RootCertStore,
) -> Result<(Sender, Receiver), ConnectError> {
    open(&ServerUrl::parse(url)?, move || roots).await
}

/// The sending half of a connection.
#[derive(Debug)]
pub struct Sender {
    sink: SplitSink<Socket, Message>,
    stream: Arc<Mutex<SplitStream<Socket>>>,
}

impl Sender {
    /// Sends a message. Returns when the operating system has it.
    ///
    /// # Errors
    /// The connection is closed, or accepts nothing for 10 s.
    pub async fn send(&mut self, message: &ClientMessage) -> Result<(), Closed> {
        let text =
            serde_json::to_string(message).map_err(|error| Closed::new(error.to_string()))?;
        match timeout(SEND_TIME, self.sink.send(Message::text(text))).await {
            Ok(result) => result.map_err(|error| Closed::new(error.to_string())),
            Err(_) => Err(Closed::new("the server takes no more messages")),
        }
    }

    /// Closes the connection after sending the queued messages, in at most 1 s. Messages from the
    /// server are dropped meanwhile, unless the [`Receiver`] reads them.
    pub async fn close(mut self) {
        let closing = async {
            if self.sink.close().await.is_err() {
                return;
            }
            // Closing a TCP connection with unread data would reset it, and the last messages sent
            // could be lost.
            while let Some(Ok(_)) = self.stream.lock().await.next().await {}
        };
        // After the timeout there is nothing more to do.
        let _ = timeout(CLOSE_TIME, closing).await;
    }
}

/// The receiving half of a connection.
#[derive(Debug)]
pub struct Receiver {
    stream: Arc<Mutex<SplitStream<Socket>>>,
    last_received: Instant,
    /// The local address.
    local: Option<IpAddr>,
    last_check: Instant,
}

impl Receiver {
    /// Returns the next message. It is cancel-safe. It also keeps the connection alive, so it has
    /// to be awaited all the time.
    ///
    /// # Errors
    /// The connection is closed, nothing was received for 25 s, or the local address no longer
    /// exists.
    pub async fn next(&mut self) -> Result<ServerMessage, Closed> {
        loop {
            let next = async { self.stream.lock().await.next().await };
            let until =
                (self.last_received + IDLE_TIMEOUT).min(self.last_check + ADDRESS_CHECK_INTERVAL);
            let Ok(received) = timeout_at(until, next).await else {
                self.last_check = Instant::now();
                if self.last_check >= self.last_received + IDLE_TIMEOUT {
                    let text = format!(
                        "nothing came from the server for {} s",
                        IDLE_TIMEOUT.as_secs()
                    );
                    return Err(Closed::new(text));
                }
                if let Some(local) = self.local.filter(|local| is_gone(*local)) {
                    let text = format!("this machine no longer has the address {local}");
                    return Err(Closed::new(text));
                }
                continue;
            };
            self.last_received = Instant::now();
            match received {
                Some(Ok(Message::Text(text))) => match parse(&text) {
                    Ok(message) => return Ok(message),
                    // A later version's message. None that needs an answer is sent to this version.
                    Err(ParseError::UnknownType(_)) => {}
                    Err(ParseError::Malformed(error)) => {
                        let text = format!("the server sent what cannot be read: {error}");
                        return Err(Closed::new(text));
                    }
                },
                Some(Ok(Message::Close(Some(frame)))) if !frame.reason.is_empty() => {
                    return Err(Closed::new(frame.reason.to_string()));
                }
                Some(Ok(Message::Close(_))) | None => {
                    return Err(Closed::new("the server closed the connection"));
                }
                Some(Ok(Message::Binary(_))) => {
                    return Err(Closed::new("the server sent a binary message"));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Err(Closed::new(error.to_string())),
            }
        }
    }
}

async fn open(
    url: &ServerUrl,
    roots: impl FnOnce() -> RootCertStore + Send + 'static,
) -> Result<(Sender, Receiver), ConnectError> {
    let tcp = open_tcp(url).await?;
    // Messages are small and urgent. Without the option they are only slower.
    let _ = tcp.set_nodelay(true);
    let local = tcp.local_addr().ok().map(|address| address.ip());
    let stream: Box<dyn Stream> = if url.is_tls() {
        // Reads a file of several hundred kilobytes.
        let roots = spawn_blocking(roots)
            .await
            .map_err(|error| ConnectError::Other(error.to_string()))?;
        tls::secure(url, tcp, roots).await?
    } else {
        Box::new(tcp)
    };
    let other = |error: Error| ConnectError::Other(error.to_string());
    let mut request = url.to_string().into_client_request().map_err(other)?;
    let protocol = HeaderValue::from_static(SUBPROTOCOL);
    request
        .headers_mut()
        .insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_SIZE))
        .max_frame_size(Some(MESSAGE_SIZE));
    let (socket, _) = client_async_with_config(request, stream, Some(config))
        .await
        .map_err(|error| handshake_error(url, error))?;
    let (sink, stream) = socket.split();
    let stream = Arc::new(Mutex::new(stream));
    let sender = Sender {
        sink,
        stream: stream.clone(),
    };
    Ok((
        sender,
        Receiver {
            stream,
            last_received: Instant::now(),
            local,
            last_check: Instant::now(),
        },
    ))
}

async fn open_tcp(url: &ServerUrl) -> Result<TcpStream, ConnectError> {
    let authority = url.authority();
    let other = |error| ConnectError::Other(format!("cannot connect to {authority}: {error}"));
    let addresses = match url.target() {
        Target::Addresses(addresses) => addresses,
        Target::LookUp(name, port) => tokio::net::lookup_host((name, port))
            .await
            .map_err(other)?
            .collect(),
    };
    let mut refused = false;
    let mut last = io::Error::other("its name has no address");
    for address in addresses {
        match tcp::connect(address).await {
            // A connection to a free ephemeral port can connect to itself.
            Ok(tcp) if tcp.local_addr().ok() == tcp.peer_addr().ok() => refused = true,
            Ok(tcp) => return Ok(tcp),
            Err(error) => {
                refused |= error.kind() == io::ErrorKind::ConnectionRefused;
                last = error;
            }
        }
    }
    Err(if refused {
        ConnectError::NobodyListens(authority.clone())
    } else {
        other(last)
    })
}

fn handshake_error(url: &ServerUrl, error: Error) -> ConnectError {
    let authority = url.authority();
    match error {
        // The peer closed the connection, perhaps because its server is stopping: worth a retry.
        Error::Io(_) | Error::Protocol(ProtocolError::HandshakeIncomplete) => ConnectError::Other(
            format!("{authority} closed the connection before the WebSocket was open: {error}"),
        ),
        Error::Http(response) if is_ours(&response) => {
            let body = response
                .body()
                .as_deref()
                .map(String::from_utf8_lossy)
                .unwrap_or_default();
            let status = response.status();
            ConnectError::Other(format!(
                "the server at {url} refused: {status} {}",
                body.trim()
            ))
        }
        Error::Http(response) => ConnectError::NotOurs {
            authority,
            problem: format!("it answered with HTTP status {}", response.status()),
        },
        error => ConnectError::NotOurs {
            authority,
            problem: error.to_string(),
        },
    }
}

fn is_ours<T>(response: &Response<T>) -> bool {
    // A proxy may add its own name.
    let mut servers = response.headers().get_all(header::SERVER).iter();
    servers.any(|server| server.as_bytes() == SERVER_NAME.as_bytes())
}
