//! Chromium's DevTools protocol over a pair of pipes: JSON messages, each followed by a NUL.
//!
//! There is no port through which other users of the machine could control Chromium and read the
//! page.

use std::collections::VecDeque;
use std::io;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// An event of Chromium.
#[derive(Debug, PartialEq)]
pub(in crate::command::bridge) struct Event {
    pub(in crate::command::bridge) method: String,
    pub(in crate::command::bridge) parameters: Value,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(in crate::command::bridge) enum CommandError {
    /// Chromium has closed the pipe.
    #[error("{0}")]
    Closed(#[from] io::Error),
    /// Chromium has answered with an error.
    #[error("{0}")]
    Refused(String),
}

/// The client end of the protocol.
pub(in crate::command::bridge) struct DevTools<R, W> {
    reader: R,
    writer: W,
    /// Bytes after the last complete message.
    buffer: Vec<u8>,
    /// Events that arrived while waiting for an answer.
    events: VecDeque<Event>,
    last_id: u64,
    /// The session of the page to which commands go; `None` for Chromium itself.
    session: Option<String>,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> DevTools<R, W> {
    pub(super) fn new(reader: R, writer: W) -> DevTools<R, W> {
        DevTools {
            reader,
            writer,
            buffer: Vec::new(),
            events: VecDeque::new(),
            last_id: 0,
            session: None,
        }
    }

    /// Sends later commands to this session.
    pub(super) fn set_session(&mut self, session: Option<String>) {
        self.session = session;
    }

    /// Sends a command and waits for its result.
    pub(in crate::command::bridge) async fn command(
        &mut self,
        method: &str,
        parameters: Value,
    ) -> Result<Value, CommandError> {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.writer.write_all(&bytes).await?;
        self.writer.flush().await?;
        loop {
            let mut message = self.message().await?;
            if message["id"] != id {
                self.events.extend(event(message));
                continue;
            }
            if let Some(text) = message["error"]["message"].as_str() {
                return Err(CommandError::Refused(format!("{method}: {text}")));
            }
            return Ok(message["result"].take());
        }
    }

    /// Returns the next event. Cancel-safe.
    pub(in crate::command::bridge) async fn event(&mut self) -> io::Result<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let message = self.message().await?;
            self.events.extend(event(message));
        }
    }

    /// Returns the next message. Cancel-safe.
    async fn message(&mut self) -> io::Result<Value> {
        let mut searched = 0;
        loop {
            let rest = &self.buffer[searched..];
            if let Some(end) = rest.iter().position(|byte| *byte == 0) {
                let end = searched + end;
                let message = serde_json::from_slice(&self.buffer[..end]);
                self.buffer.drain(..=end);
                return Ok(message?);
            }
            searched = self.buffer.len();
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                let text = "its pipe is closed";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            }
        }
    }
}

/// Returns the event in a message, or `None` for an answer to an earlier command.
fn event(mut message: Value) -> Option<Event> {
    let method = message["method"].as_str()?.to_owned();
    Some(Event {
        method,
        parameters: message["params"].take(),
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, ReadHalf, WriteHalf, duplex, split};

    use super::*;

    type Client = DevTools<ReadHalf<DuplexStream>, WriteHalf<DuplexStream>>;

    fn pair() -> (Client, DuplexStream) {
        let (ours, theirs) = duplex(1024);
        let (reader, writer) = split(ours);
        (DevTools::new(reader, writer), theirs)
    }

    async fn received(chromium: &mut DuplexStream) -> Value {
        let mut bytes = Vec::new();
        loop {
            match chromium.read_u8().await.unwrap() {
                0 => return serde_json::from_slice(&bytes).unwrap(),
                byte => bytes.push(byte),
            }
        }
    }

    #[tokio::test]
    async fn a_command_gets_its_own_answer_and_earlier_events_are_kept() {
        let (mut client, mut chromium) = pair();
        client.set_session(Some("page".to_owned()));
        let command = client.command("A.b", json!({ "x": 1 }));
        let answer = async {
            let message = received(&mut chromium).await;
            assert_eq!(
                message,
                json!({ "id": 1, "sessionId": "page", "method": "A.b", "params": { "x": 1 } })
            );
            let text =
                "{\"method\":\"C.d\",\"params\":2}\0{\"id\":7}\0{\"id\":1,\"result\":3}\0{\"me";
            // In pieces: a pipe has no message boundaries.
            for piece in text.as_bytes().chunks(5) {
                chromium.write_all(piece).await.unwrap();
            }
        };
        let (result, ()) = tokio::join!(command, answer);
        assert_eq!(result.unwrap(), 3);
        let event = client.event().await.unwrap();
        assert_eq!((event.method.as_str(), event.parameters), ("C.d", json!(2)));
        chromium.write_all(b"thod\":\"E.f\"}\0").await.unwrap();
        assert_eq!(client.event().await.unwrap().method, "E.f");
    }

    #[tokio::test]
    async fn a_refused_command_has_the_reason() {
        let (mut client, mut chromium) = pair();
        let answer = b"{\"id\":1,\"error\":{\"code\":-32601,\"message\":\"no such thing\"}}\0";
        chromium.write_all(answer).await.unwrap();
        let error = client.command("A.b", json!({})).await.unwrap_err();
        assert_eq!(error.to_string(), "A.b: no such thing");
    }

    #[tokio::test]
    async fn a_cancelled_wait_loses_no_event() {
        let (mut client, mut chromium) = pair();
        chromium.write_all(b"{\"method\":").await.unwrap();
        tokio::select! {
            biased;
            _ = client.event() => panic!("the event is incomplete"),
            () = tokio::task::yield_now() => {}
        }
        chromium.write_all(b"\"A.b\"}\0").await.unwrap();
        assert_eq!(client.event().await.unwrap().method, "A.b");
    }

    #[tokio::test]
    async fn the_end_of_chromium_is_an_error() {
        let (mut client, chromium) = pair();
        drop(chromium);
        assert!(client.event().await.is_err());
        let error = client.command("A.b", json!({})).await.unwrap_err();
        assert!(matches!(error, CommandError::Closed(_)));
    }
}
