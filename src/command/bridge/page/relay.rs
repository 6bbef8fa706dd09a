//! Relays the page's connections to our server. It adds the guests' tokens, so that our server's
//! secret never enters Chromium.

use std::sync::Arc;

use acscall::signalling::client::{Receiver, Sender};
use axum::extract::ws::{Message, WebSocket};
use futures_util::{SinkExt as _, StreamExt as _};

use crate::command::bridge::calls::Calls;

/// Relays messages until one end closes, then closes the other.
pub(super) async fn relay(
    socket: WebSocket,
    mut sender: Sender,
    mut receiver: Receiver,
    calls: Arc<Calls>,
) {
    let (mut to_page, mut from_page) = socket.split();
    let up = async {
        while let Some(Ok(message)) = from_page.next().await {
            let text = match message {
                Message::Text(text) => text,
                Message::Close(_) => return,
                _ => continue,
            };
            // The page belongs to this build: its messages are valid.
            let Ok(mut message) = serde_json::from_str(&text) else {
                return;
            };
            calls.authorize(&mut message);
            if sender.send(&message).await.is_err() {
                return;
            }
        }
    };
    let down = async {
        while let Ok(message) = receiver.next().await {
            let Ok(text) = serde_json::to_string(&message) else {
                return;
            };
            if to_page.send(Message::Text(text.into())).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
    // The page has the reason, if any, from the last message.
    let _ = to_page.close().await;
    sender.close().await;
}
