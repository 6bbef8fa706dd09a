//! The call that an element wants to be in, and incoming calls.

use std::fmt;

/// How this end gets into a call: by joining, by calling others or by being called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Joins the call of this name.
    Join(String),
    /// Places a new call to these users.
    Place(Vec<String>),
    /// Waits for calls to the user, and answers one.
    Answer {
        /// Whether the first call is answered at once. Otherwise it waits for
        /// [`Input::Accept`](super::Input::Accept).
        automatically: bool,
    },
}

/// An incoming call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The call's name.
    pub call: String,
    /// The caller.
    pub user: String,
    /// The caller's display name.
    pub display_name: Option<String>,
}

/// For people.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Join(call) => write!(f, "call '{call}'"),
            Target::Place(callees) => write!(f, "the call to {}", callees.join(", ")),
            Target::Answer { .. } => f.write_str("incoming calls"),
        }
    }
}
