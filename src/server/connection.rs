//! A WebSocket of the server.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite;

use super::hub::{HubConnection, HubHandle, Inputs, Outbound};
use crate::signalling::room::{Broken, ConnectionId, Input};

/// The interval between pings, short enough that no middlebox drops the connection.
const PING: Duration = Duration::from_secs(10);
/// The time without data from the client after which it counts as gone: two unanswered pings and
/// the time for an answer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(25);
/// The time limit for the client to read the last messages and to close. Closing a socket with
/// unread data would reset it, and the client might never read the error.
const CLOSE_TIME: Duration = Duration::from_secs(1);

/// Serves a WebSocket until it closes.
pub(super) async fn run(socket: WebSocket, hub: HubHandle, address: IpAddr) {
    let Some(connection) = hub.open(address).await else {
        return;
    };
    drop(hub);
    let (id, inputs) = (connection.id, connection.inputs());
    tracing::debug!(connection = id.0, %address, "opened");
    exchange(socket, connection).await;
    tracing::debug!(connection = id.0, "closed");
    // A stopping server does not need the event.
    let _ = inputs.send(Input::Closed(id)).await;
}

async fn exchange(socket: WebSocket, connection: HubConnection) {
    let inputs = connection.inputs();
    let HubConnection {
        id, texts, abort, ..
    } = connection;
    let (sink, mut stream) = socket.split();
    let writer = write(sink, texts);
    tokio::pin!(writer);
    let aborted = async {
        if abort.await.is_err() {
            // The hub only dropped the sender; the writer closes the connection.
            std::future::pending::<()>().await;
        }
    };
    tokio::pin!(aborted);
    let broken = tokio::select! {
        end = read(&mut stream, &inputs, id) => end,
        () = &mut writer => return,
        () = &mut aborted => return,
    };
    if let End::Broken = broken {
        // The stream cannot be read further. The hub knows and answers by closing.
        tokio::select! {
            () = &mut writer => {}
            () = &mut aborted => {}
        }
    }
}

enum End {
    /// The client is gone.
    Gone,
    /// The client sent an unreadable message; it still listens.
    Broken,
}

async fn read(stream: &mut SplitStream<WebSocket>, inputs: &Inputs, id: ConnectionId) -> End {
    loop {
        let Ok(Some(received)) = timeout(IDLE_TIMEOUT, stream.next()).await else {
            return End::Gone;
        };
        let input = match received {
            Ok(Message::Text(text)) => Input::Text(id, text.as_str().to_owned()),
            Ok(Message::Binary(_)) => Input::Broken(id, Broken::NotText),
            Ok(Message::Ping(_) | Message::Pong(_)) => continue,
            Ok(Message::Close(_)) => return End::Gone,
            Err(error) => match broken(error) {
                Some(broken) => {
                    let sent = inputs.send(Input::Broken(id, broken)).await;
                    return if sent { End::Broken } else { End::Gone };
                }
                None => return End::Gone,
            },
        };
        if !inputs.send(input).await {
            return End::Gone;
        }
    }
}

/// Returns the client's protocol violation, or `None` if it is just gone.
fn broken(error: axum::Error) -> Option<Broken> {
    let error = error.into_inner();
    match error.downcast_ref::<tungstenite::Error>()? {
        tungstenite::Error::Capacity(_) => Some(Broken::TooLong),
        tungstenite::Error::Utf8(_) => Some(Broken::NotText),
        _ => None,
    }
}

/// Sends the hub's messages and pings. Returns when the connection is closed or broken.
async fn write(mut sink: SplitSink<WebSocket, Message>, mut texts: Outbound) {
    let mut ping = interval_at(Instant::now() + PING, PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            text = texts.next() => match text {
                Some(text) => Message::Text(text.into()),
                None => break,
            },
            _ = ping.tick() => Message::Ping(Default::default()),
        };
        if sink.send(message).await.is_err() {
            return;
        }
    }
    let frame = CloseFrame {
        code: close_code::NORMAL,
        reason: "the server closes".into(),
    };
    let closing = async {
        if sink.send(Message::Close(Some(frame))).await.is_ok() {
            // The reader gets the client's answer and ends the connection.
            std::future::pending::<()>().await;
        }
    };
    let _ = timeout(CLOSE_TIME, closing).await;
}
