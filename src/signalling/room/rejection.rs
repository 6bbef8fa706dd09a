//! Errors for clients that exceed a limit.

use super::limits::Limits;
use crate::signalling::message::ErrorCode;

/// An error sent to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// For programs.
    pub code: ErrorCode,
    /// For people: the cause and the remedy.
    pub message: String,
}

impl Rejection {
    /// Creates a rejection; the message names the cause and the remedy.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Rejection {
        Rejection {
            code,
            message: message.into(),
        }
    }
}

impl Limits {
    pub(super) fn check_name(&self, what: &str, name: &str) -> Result<(), Rejection> {
        let length = name.chars().count();
        let problem = if length == 0 {
            "is empty".to_owned()
        } else if length > self.name_length {
            format!("has {length} characters")
        } else if name.chars().any(char::is_control) {
            "has control characters".to_owned()
        } else {
            return Ok(());
        };
        let message = format!(
            "the {what} {problem}: use 1 to {} characters, anything but control characters",
            self.name_length
        );
        Err(Rejection::new(ErrorCode::BadName, message))
    }

    pub(super) fn too_long(&self) -> Rejection {
        let text = format!(
            "the message is larger than {} bytes, the limit for one",
            self.message_size
        );
        Rejection::new(ErrorCode::LimitExceeded, text)
    }

    pub(super) fn too_many_changes(&self) -> Rejection {
        let text = format!(
            "too many changes of roles, media and wants: in the long run {} per second are allowed",
            self.changes_per_second
        );
        Rejection::new(ErrorCode::LimitExceeded, text)
    }

    pub(super) fn too_fast(&self) -> Rejection {
        let text = format!(
            "too many messages: in the long run {} messages and {} bytes per second are allowed",
            self.messages_per_second, self.bytes_per_second
        );
        Rejection::new(ErrorCode::LimitExceeded, text)
    }
}
