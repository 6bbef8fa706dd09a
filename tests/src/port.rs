//! Ports for servers that elements start themselves, which have to be named before.

use std::fs::{self, File, TryLockError};
use std::net::TcpListener;
use std::ops::RangeInclusive;
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

/// Below those that Linux gives to clients, which would take one between two servers of a test.
const PORTS: RangeInclusive<u16> = 20_000..=29_999;

/// A port of 127.0.0.1 that nobody listens on, and that no other test of this machine gets as long
/// as this process lives.
///
/// # Errors
/// There is none left, or the system's folder for temporary files cannot be written to.
pub fn free_port() -> Result<u16> {
    /// The locks of those that this process has.
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
        // Somebody else's server may be there.
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
    fn nobody_gets_a_port_twice() {
        let (first, second) = (free_port().unwrap(), free_port().unwrap());
        assert_ne!(first, second);
        let folder = std::env::temp_dir().join("acscall-test-ports");
        let other = File::open(folder.join(first.to_string())).unwrap();
        assert!(other.try_lock().is_err(), "another process would get it");
    }
}
