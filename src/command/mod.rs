//! What the program can do.

pub(crate) mod bridge;
mod duration;
mod secret;
pub(crate) mod serve;
pub(crate) mod token;

/// What goes wrong is told to the user and ends the program.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
