//! Waiting for what nobody tells of.

use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Nothing that is waited for takes as long on any machine, however busy. It only ends a test
/// that would hang.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// How long it may take to see that it is so.
const POLL: Duration = Duration::from_millis(10);

/// Asks `get` for something until there is such a thing. What tells of itself, by a message, a
/// signal or a line, is waited for by that instead.
///
/// # Errors
/// `get` fails, or gives nothing for [`TIMEOUT`]: the error says that `what` is not so.
#[expect(
    clippy::disallowed_methods,
    reason = "a property or a file that changes tells nobody"
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
