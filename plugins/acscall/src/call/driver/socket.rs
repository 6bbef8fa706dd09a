//! The call's WebSocket: closed, opening or open, and the server that this process runs where
//! nobody else does.

use std::sync::Arc;

use acscall::signalling::client::{self, ConnectError, ServerUrl};
use acscall::signalling::message::{ClientMessage, ServerMessage};

use crate::call::serve;

/// See the module.
#[derive(Default)]
pub(super) struct Socket {
    state: State,
    /// Served as long as this is held.
    server: Option<Arc<serve::Server>>,
}

#[derive(Default)]
enum State {
    #[default]
    Closed,
    Opening(tokio::task::JoinHandle<Opened>),
    Open(client::Sender, client::Receiver),
}

type Opened = (
    Option<Arc<serve::Server>>,
    Result<(client::Sender, client::Receiver), ConnectError>,
);

/// What happens to a socket.
pub(super) enum Happened {
    Opened,
    Message(ServerMessage),
    /// It could not be opened, or is closed. Says why.
    Closed(String),
}

impl Socket {
    /// Opens it, and serves where nobody does if that is allowed.
    pub(super) fn open(&mut self, url: ServerUrl, may_serve: bool) {
        self.state = State::Opening(tokio::spawn(async move {
            let refused = match client::connect(&url.to_string()).await {
                Err(ConnectError::NobodyListens(text)) => ConnectError::NobodyListens(text),
                other => return (None, other),
            };
            let server = url
                .loopback_addr()
                .filter(|_| may_serve)
                .and_then(serve::server);
            match server {
                // Also where another process was faster: then it serves.
                Some(server) => (server, client::connect(&url.to_string()).await),
                None => (None, Err(refused)),
            }
        }));
    }

    /// Waits for what happens next; for ever while it is closed. Can be dropped and called again.
    pub(super) async fn next(&mut self) -> Happened {
        let result = match &mut self.state {
            State::Closed => std::future::pending().await,
            State::Open(_, receiver) => receiver
                .next()
                .await
                .map(Happened::Message)
                .map_err(|closed| closed.to_string()),
            State::Opening(task) => {
                let (server, result) = task
                    .await
                    .unwrap_or_else(|error| (None, Err(ConnectError::Other(error.to_string()))));
                if server.is_some() {
                    self.server = server;
                }
                match result {
                    Ok((sender, receiver)) => {
                        self.state = State::Open(sender, receiver);
                        Ok(Happened::Opened)
                    }
                    Err(error) => Err(error.to_string()),
                }
            }
        };
        result.unwrap_or_else(|reason| {
            self.state = State::Closed;
            Happened::Closed(reason)
        })
    }

    /// Sends a message, if it is open; where that fails it is closed, and the error says why.
    pub(super) async fn send(&mut self, message: &ClientMessage) -> Result<(), String> {
        let State::Open(sender, _) = &mut self.state else {
            return Ok(());
        };
        let result = sender.send(message).await;
        result.map_err(|closed| {
            self.state = State::Closed;
            closed.to_string()
        })
    }

    /// Closes it after what was sent is out, or stops opening it.
    pub(super) async fn close(&mut self) {
        match std::mem::take(&mut self.state) {
            State::Open(sender, _) => sender.close().await,
            State::Opening(task) => task.abort(),
            State::Closed => {}
        }
    }
}
