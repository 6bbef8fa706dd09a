//! The metrics of a server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::wait::until;

/// Calls `start`, which makes one more connection accept calls and may start the server, and waits
/// until the server counts that connection.
///
/// # Errors
/// `start` fails, or no further connection accepts calls.
pub fn until_listening<T>(port: u16, start: impl FnOnce() -> Result<T>) -> Result<T> {
    // Without a server there is no connection.
    let before = listening(port).unwrap_or_default();
    let started = start()?;
    until("one more connection accepts calls", || {
        Ok((listening(port).unwrap_or_default() > before).then_some(()))
    })?;
    Ok(started)
}

/// The number of connections that accept calls.
fn listening(port: u16) -> Result<u64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let request =
        format!("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("acscall_listening "))
        .context("the server has the metric acscall_listening")?;
    Ok(value.parse()?)
}
