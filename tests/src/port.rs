//! Free ports for servers that elements start, whose port must be known before.

use std::fs::{self, File, TryLockError};
use std::net::TcpListener;
use std::ops::RangeInclusive;
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

/// Below the ephemeral ports of Linux, so that no client takes a port between two servers of a test.
const PORTS: RangeInclusive<u16> = 20_000..=29_999;

/// Returns a port of 127.0.0.1 on which nobody listens. No other test on this machine gets it as long
/// as this process lives.
///
/// # Errors
/// No port is left, or the system's temporary folder is not writable.
pub fn free_port() -> Result<u16> {
    /// The locks of the ports of this process.
    static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let folder = std::env::temp_dir().join("acscall-test-ports");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    for port in PORTS {
        let lock = File::create(folder.join(port.to_string()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => continue,
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        // Another program may listen there.
        if TcpListener::bind(("127.0.0.1", port)).is_err() {
            continue;
        }
        let mut held = HELD.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        held.push(lock);
        return Ok(port);
    }
    bail!("no port from {} to {} is free", PORTS.start(), PORTS.end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_returned_twice() {
        let (first, second) = (free_port().unwrap(), free_port().unwrap());
        assert_ne!(first, second);
        let folder = std::env::temp_dir().join("acscall-test-ports");
        let other = File::open(folder.join(first.to_string())).unwrap();
        assert!(other.try_lock().is_err(), "another process would get it");
    }
}
