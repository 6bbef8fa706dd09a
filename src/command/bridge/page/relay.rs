//! The page's connections to our server: what either end says is passed on. The proof of who a
//! guest is is added here, so that nothing of our server's secret comes into Chromium.

use std::sync::Arc;

use acscall::signalling::client::{Receiver, Sender};
use axum::extract::ws::{Message, WebSocket};
use futures_util::{SinkExt as _, StreamExt as _};

use crate::command::bridge::calls::Calls;

/// Passes on until one end closes; closes the other one then.
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
            // The page is of this build: what it says can be read.
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
    // The library knows the reason, if there is one, from the last message.
    let _ = to_page.close().await;
    sender.close().await;
}
