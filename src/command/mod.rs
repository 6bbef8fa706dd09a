//! The subcommands of `acscall`.

#[cfg(feature = "bridge")]
pub(crate) mod bridge;
mod secret;
pub(crate) mod serve;
pub(crate) mod token;

/// The user reads the error, and the program ends.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
