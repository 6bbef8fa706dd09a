//! How there comes to be a call: by joining one, by calling others or by being called.

use std::fmt;

/// How there comes to be a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The call of this name.
    Join(String),
    /// A new one, to these users.
    Place(Vec<String>),
    /// The first one to the user that is answered.
    Answer {
        /// The first that comes is answered at once; otherwise it waits for
        /// [`Input::Accept`](super::Input::Accept).
        automatically: bool,
    },
}

/// A call to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The call's name.
    pub call: String,
    /// Who calls.
    pub user: String,
    /// The name to show of who calls.
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
