//! How it can end otherwise than well: the exit code and the reason.

use std::process::ExitCode;

pub(super) type Result<T> = std::result::Result<T, Failure>;

/// Why the bridge could not be, or could not go on. The text names cause and cure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// This machine lacks something, or our server does not answer.
    #[error("{0}")]
    Machine(String),
    /// The arguments ask for what cannot be.
    #[error("{0}")]
    Arguments(String),
    /// The service or our server refuses, or has ended the call as failed.
    #[error("{0}")]
    Service(String),
    /// Chromium or its page is gone.
    #[error("{0}")]
    Browser(String),
}

impl Failure {
    pub(super) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Machine(_) => 1,
            // As clap's.
            Failure::Arguments(_) => 2,
            Failure::Service(_) => 3,
            Failure::Browser(_) => 4,
        })
    }
}
