//! What a server tells of itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::wait::until;

/// Does something that has one more connection wait for calls at the server, which may come up by
/// that, and waits until it does.
///
/// # Errors
/// It fails, or nobody comes to wait for calls.
pub fn until_listening<T>(port: u16, start: impl FnOnce() -> Result<T>) -> Result<T> {
    // Where nobody serves nobody waits.
    let before = listening(port).unwrap_or_default();
    let started = start()?;
    until("somebody waits for calls", || {
        Ok((listening(port).unwrap_or_default() > before).then_some(()))
    })?;
    Ok(started)
}

/// How many connections wait for calls.
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
        .context("there is such a metric")?;
    Ok(value.parse()?)
}
