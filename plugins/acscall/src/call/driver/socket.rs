//! The call's WebSocket: closed, opening or open, and the server that this process runs where no
//! other does.

use std::sync::Arc;
use std::time::Duration;

use acscall::signalling::client::{self, Closed, ConnectError, ServerUrl};
use acscall::signalling::message::{ClientMessage, ServerMessage};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::call::{CAT, serve};

/// How many messages may wait for the connection. In a call of 64, one participant's offers and
/// candidates are some hundreds at once; a server that leaves so many unread is as good as gone.
const QUEUE: usize = 1024;

/// How long [`Socket::flush`] waits. A server that takes longer finds out by itself that this
/// participant has left.
const FLUSH_TIME: Duration = Duration::from_secs(3);

/// See the module.
#[derive(Default)]
pub(super) struct Socket {
    state: State,
    /// Sends the last messages of a connection that is being closed.
    closing: Writer,
    /// Serves as long as this is held.
    server: Option<Arc<serve::Server>>,
}

/// The task, if any, that writes to a connection. Aborted when dropped.
type Writer = JoinSet<Result<(), Closed>>;

#[derive(Default)]
enum State {
    #[default]
    Closed,
    Opening(JoinHandle<Opened>),
    Open {
        queue: mpsc::Sender<ClientMessage>,
        writer: Writer,
        receiver: client::Receiver,
    },
}

type Opened = (
    Option<Arc<serve::Server>>,
    Result<(client::Sender, client::Receiver), ConnectError>,
);

/// An event of a socket.
pub(super) enum SocketEvent {
    Opened,
    Message(ServerMessage),
    /// The socket could not be opened or is closed, and why.
    Closed(String),
}

impl Socket {
    /// Opens the socket. If nobody listens there and `may_serve` is set, this process serves.
    pub(super) fn open(&mut self, url: ServerUrl, may_serve: bool) {
        self.state = State::Opening(tokio::spawn(open(url, may_serve)));
    }

    /// Waits for the next event; for ever while the socket is closed. Cancelling it loses nothing.
    pub(super) async fn next(&mut self) -> SocketEvent {
        let result = match &mut self.state {
            State::Closed => std::future::pending().await,
            State::Open {
                receiver, writer, ..
            } => tokio::select! {
                // The server's reason says more than that of a failed write.
                biased;
                message = receiver.next() => message
                    .map(SocketEvent::Message)
                    .map_err(|closed| closed.to_string()),
                Some(written) = writer.join_next() => Err(match written {
                    Ok(Err(closed)) => closed.to_string(),
                    Ok(Ok(())) => "the connection is closed".to_owned(),
                    Err(panicked) => panicked.to_string(),
                }),
            },
            State::Opening(task) => {
                let (server, result) = task
                    .await
                    .unwrap_or_else(|error| (None, Err(ConnectError::Other(error.to_string()))));
                if server.is_some() {
                    self.server = server;
                }
                match result {
                    Ok((sender, receiver)) => {
                        self.opened(sender, receiver);
                        Ok(SocketEvent::Opened)
                    }
                    Err(error) => Err(error.to_string()),
                }
            }
        };
        result.unwrap_or_else(|reason| {
            self.state = State::Closed;
            SocketEvent::Closed(reason)
        })
    }

    fn opened(&mut self, sender: client::Sender, receiver: client::Receiver) {
        let (queue, messages) = mpsc::channel(QUEUE);
        let mut writer = Writer::new();
        writer.spawn(write(sender, messages));
        self.state = State::Open {
            queue,
            writer,
            receiver,
        };
    }

    /// Queues a message if the socket is open. Never waits.
    ///
    /// If the queue is full the connection is lost, and the error says why. A failed write is an
    /// event of [`Socket::next`].
    pub(super) fn send(&mut self, message: ClientMessage) -> Result<(), String> {
        let State::Open { queue, .. } = &self.state else {
            return Ok(());
        };
        match queue.try_send(message) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.state = State::Closed;
                Err("the server takes no more messages".to_owned())
            }
        }
    }

    /// Closes the socket after the queued messages, or stops opening it. Never waits.
    pub(super) fn close(&mut self) {
        match std::mem::take(&mut self.state) {
            // Without its queue the writer ends when it has sent what is in it.
            State::Open { writer, .. } => self.closing = writer,
            State::Opening(task) => task.abort(),
            State::Closed => {}
        }
    }

    /// Waits until a closed socket has sent its last messages, for at most [`FLUSH_TIME`].
    pub(super) async fn flush(&mut self) {
        // Whether they were sent or not, there is nothing more to do.
        let _ = timeout(FLUSH_TIME, self.closing.join_next()).await;
    }
}

async fn open(url: ServerUrl, may_serve: bool) -> Opened {
    let addr = url.loopback_addr().filter(|_| may_serve);
    let refused = match client::connect(&url.to_string()).await {
        Err(ConnectError::NobodyListens(text)) => ConnectError::NobodyListens(text),
        Ok(opened) => return (addr.and_then(serve::running), Ok(opened)),
        Err(error) => return (None, Err(error)),
    };
    let Some(addr) = addr else {
        return (None, Err(refused));
    };
    match serve::server(addr) {
        // If another process was faster, that one serves.
        Ok(server) => (server, client::connect(&url.to_string()).await),
        Err(error) => {
            gst::warning!(CAT, "the embedded server cannot listen on {addr}: {error}");
            (None, Err(refused))
        }
    }
}

/// Sends the messages in the order in which they come, and closes the connection after the last.
async fn write(
    mut sender: client::Sender,
    mut messages: mpsc::Receiver<ClientMessage>,
) -> Result<(), Closed> {
    while let Some(message) = messages.recv().await {
        sender.send(&message).await?;
    }
    sender.close().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc::channel;
    use std::thread;

    use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
    use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, accept_hdr};

    use super::*;

    const MESSAGE: ClientMessage = ClientMessage::Leave { for_everyone: true };

    /// Calls `test` with a socket that is open to a server which does as `serve` says.
    fn with_open_socket<S, F>(serve: S, test: impl FnOnce(Socket) -> F)
    where
        S: FnOnce(WebSocket<TcpStream>) + Send + 'static,
        F: Future<Output = ()>,
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (connection, _) = listener.accept().unwrap();
            #[expect(
                clippy::result_large_err,
                reason = "tungstenite's callback has this type"
            )]
            let select_subprotocol = |request: &Request, mut response: Response| {
                let name = "sec-websocket-protocol";
                let offered = request.headers()[name].clone();
                response.headers_mut().insert(name, offered);
                Ok(response)
            };
            serve(accept_hdr(connection, select_subprotocol).unwrap());
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut socket = Socket::default();
            socket.open(ServerUrl::parse(&url).unwrap(), false);
            match socket.next().await {
                SocketEvent::Opened => test(socket).await,
                SocketEvent::Closed(why) => panic!("{why}"),
                SocketEvent::Message(_) => panic!("a message before the socket is open"),
            }
        });
        server.join().unwrap();
    }

    #[test]
    fn a_server_that_reads_nothing_fills_the_queue_and_holds_nobody_up() {
        let (done, test_is_done) = channel();
        let reads_nothing = move |connection| {
            test_is_done.recv().unwrap();
            drop(connection);
        };
        with_open_socket(reads_nothing, async |mut socket| {
            // No await: nothing here can wait for the server.
            for _ in 0..QUEUE {
                socket.send(MESSAGE).unwrap();
            }
            socket.send(MESSAGE).unwrap_err();
            assert!(matches!(socket.state, State::Closed));
            done.send(()).unwrap();
        });
    }

    #[test]
    fn a_closed_socket_sends_what_was_queued_before() {
        let (sender, received) = channel();
        let reads_all = move |mut connection: WebSocket<TcpStream>| {
            loop {
                match connection.read() {
                    Ok(Message::Text(_)) => sender.send(()).unwrap(),
                    Ok(_) => {}
                    Err(Error::ConnectionClosed) => return,
                    Err(error) => panic!("{error}"),
                }
            }
        };
        with_open_socket(reads_all, async |mut socket| {
            for _ in 0..QUEUE {
                socket.send(MESSAGE).unwrap();
            }
            socket.close();
            socket.flush().await;
        });
        assert_eq!(received.iter().count(), QUEUE);
    }

    #[test]
    fn a_connection_that_the_server_drops_is_closed_once() {
        with_open_socket(drop, async |mut socket| {
            assert!(matches!(socket.next().await, SocketEvent::Closed(_)));
            socket.send(MESSAGE).unwrap();
            assert!(matches!(socket.state, State::Closed));
        });
    }
}
