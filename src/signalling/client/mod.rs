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

/// The time for the TCP connection and the handshake together. A server on another continent
/// needs four round trips of 0.3 s.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// The time without anything from the server after which it counts as gone: it pings every 10 s,
/// so two pings got lost.
const SILENCE: Duration = Duration::from_secs(25);
/// How often it is looked whether the address that the connection goes out from is still there.
const LOOK: Duration = Duration::from_millis(500);
/// The time for one message to get out before the server counts as gone.
const SEND_TIME: Duration = Duration::from_secs(10);
/// The time for the server to close after this end did. The last messages have arrived when it
/// does.
const CLOSE_TIME: Duration = Duration::from_secs(1);
/// The largest message taken from a server: a relayed one is at most as large as the server's
/// limit for clients (256 KiB), a roster of 64 about 100 KiB.
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
    /// Something else than a server of calls answered.
    #[error(
        "what listens on {authority} is not an acscall server ({problem}): use another port, \
         with the `server` property, or end that program"
    )]
    NotOurs {
        /// Host and port.
        authority: String,
        /// What it answered.
        problem: String,
    },
    /// The address cannot be read.
    #[error(transparent)]
    BadUrl(#[from] BadUrl),
    /// Nothing came in time.
    #[error("{authority} did not answer within {} s: is the address right, and is the server overloaded or behind a firewall?", CONNECT_TIME.as_secs())]
    TimedOut {
        /// Host and port.
        authority: String,
    },
    /// Anything else, among it that the server refused the connection.
    #[error("{0}")]
    Other(String),
}

/// The connection is closed; says why.
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
/// A `wss://` server's certificate has to be of a CA that the system trusts, or of one that the
/// environment's SSL_CERT_FILE (a file in PEM) or SSL_CERT_DIR names; these replace the system's.
///
/// # Errors
/// [`ConnectError`] tells whether nobody listens, something else does, or what went wrong.
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

/// As [`connect`], with CAs of the test's own.
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
    /// Sends a message; returns when the operating system has it.
    ///
    /// # Errors
    /// The connection is closed, or takes nothing for 10 s.
    pub async fn send(&mut self, message: &ClientMessage) -> Result<(), Closed> {
        let text =
            serde_json::to_string(message).map_err(|error| Closed::new(error.to_string()))?;
        match timeout(SEND_TIME, self.sink.send(Message::text(text))).await {
            Ok(result) => result.map_err(|error| Closed::new(error.to_string())),
            Err(_) => Err(Closed::new("the server takes no more messages")),
        }
    }

    /// Closes the connection after what was sent before is out, in at most 1 s. What comes from
    /// the server meanwhile is dropped, unless the [`Receiver`] takes it.
    pub async fn close(mut self) {
        let farewell = async {
            if self.sink.close().await.is_err() {
                return;
            }
            // Closing a TCP connection with something unread in it would reset it, and what was
            // sent last could be lost with it.
            while let Some(Ok(_)) = self.stream.lock().await.next().await {}
        };
        // Late or not, there is nothing more to do.
        let _ = timeout(CLOSE_TIME, farewell).await;
    }
}

/// The receiving half of a connection.
#[derive(Debug)]
pub struct Receiver {
    stream: Arc<Mutex<SplitStream<Socket>>>,
    heard: Instant,
    /// Where the connection goes out from.
    local: Option<IpAddr>,
    looked: Instant,
}

impl Receiver {
    /// The next message. Cancelling it loses nothing. Also keeps the connection alive, so it has
    /// to be awaited all the time.
    ///
    /// # Errors
    /// The connection is closed, also when nothing came for 25 s, or when its address is gone.
    pub async fn next(&mut self) -> Result<ServerMessage, Closed> {
        loop {
            let next = async { self.stream.lock().await.next().await };
            let until = (self.heard + SILENCE).min(self.looked + LOOK);
            let Ok(received) = timeout_at(until, next).await else {
                self.looked = Instant::now();
                if self.looked >= self.heard + SILENCE {
                    let text = format!("nothing came from the server for {} s", SILENCE.as_secs());
                    return Err(Closed::new(text));
                }
                if let Some(local) = self.local.filter(|local| is_gone(*local)) {
                    let text = format!("this machine no longer has the address {local}");
                    return Err(Closed::new(text));
                }
                continue;
            };
            self.heard = Instant::now();
            match received {
                Some(Ok(Message::Text(text))) => match parse(&text) {
                    Ok(message) => return Ok(message),
                    // A later version's; what needs an answer would not be sent to this one.
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
    // Messages are small and awaited; a lost option costs some latency only.
    let _ = tcp.set_nodelay(true);
    let local = tcp.local_addr().ok().map(|address| address.ip());
    let stream: Box<dyn Stream> = if url.is_tls() {
        // Reads a file of some hundred kilobytes.
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
            heard: Instant::now(),
            local,
            looked: Instant::now(),
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
            // A connection to a free port of the ephemeral range can meet itself.
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
        // It went away: perhaps a server that is just ending, worth another try.
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
    // A proxy may add its own.
    let mut servers = response.headers().get_all(header::SERVER).iter();
    servers.any(|server| server.as_bytes() == SERVER_NAME.as_bytes())
}
