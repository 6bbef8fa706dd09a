//! Waiting for changes that no event reports.

use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Longer than any wait takes on any machine, however busy. It only ends a test that would hang.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// The interval between two calls.
const POLL: Duration = Duration::from_millis(10);

/// Calls `get` until it returns a value. Use it only for changes without an event: wait for a
/// message, a signal or a line where there is one.
///
/// # Errors
/// `get` fails, or returns `None` for [`TIMEOUT`]. The error contains `what`.
#[expect(
    clippy::disallowed_methods,
    reason = "no event reports that a property or a file has changed"
)]
pub fn until<T>(what: &str, mut get: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    for _ in 0..TIMEOUT.as_millis() / POLL.as_millis() {
        if let Some(got) = get().with_context(|| what.to_owned())? {
            return Ok(got);
        }
        std::thread::sleep(POLL);
    }
    bail!("not within {TIMEOUT:?}: {what}")
}
