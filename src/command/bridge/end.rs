//! Failures of the bridge and their exit codes.

use std::process::ExitCode;

pub(super) type Result<T> = std::result::Result<T, Failure>;

/// Why the bridge failed. The text names the cause and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// This machine lacks something, or our server does not answer.
    #[error("{0}")]
    Machine(String),
    /// The arguments are invalid.
    #[error("{0}")]
    Arguments(String),
    /// The service or our server refused, or ended the call with an error.
    #[error("{0}")]
    Service(String),
    /// Chromium or its page ended.
    #[error("{0}")]
    Browser(String),
}

impl Failure {
    pub(super) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Machine(_) => 1,
            // The same as clap's.
            Failure::Arguments(_) => 2,
            Failure::Service(_) => 3,
            Failure::Browser(_) => 4,
        })
    }
}
