//! The permissions of a client, as the driver determines them.
//!
//! A token needs the wall clock and cryptography; the machine has neither. It passes the
//! credentials from `hello` to the driver with [`Action::Admit`](super::Action::Admit) and
//! continues with the answer.

use super::rejection::Rejection;
use crate::signalling::message::{ErrorCode, Token};

/// The credentials from `hello`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The proof of being that user.
    pub token: Option<Token>,
}

/// The permissions of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    /// The calls it may join.
    pub calls: CallScope,
    /// Whether it may place calls.
    pub place: bool,
}

/// A set of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallScope {
    /// All calls.
    Any,
    /// The call with this name.
    Only(String),
}

impl Grants {
    /// Returns the permission to do everything.
    pub fn unlimited() -> Grants {
        Grants {
            calls: CallScope::Any,
            place: true,
        }
    }

    /// Checks that the ordinary call `name` may be joined.
    pub(super) fn check_call(&self, name: &str) -> Result<(), Rejection> {
        match &self.calls {
            CallScope::Only(allowed) if allowed != name => Err(Rejection::new(
                ErrorCode::TokenCall,
                format!(
                    "the token opens the call {allowed:?} alone: join that one, or get a token \
                     for this one"
                ),
            )),
            CallScope::Only(_) | CallScope::Any => Ok(()),
        }
    }

    pub(super) fn check_place(&self, what: &str) -> Result<(), Rejection> {
        check_place(self.place, what)
    }
}

/// Returns an error for `what` if the user may not place calls.
pub(super) fn check_place(place: bool, what: &str) -> Result<(), Rejection> {
    match place {
        true => Ok(()),
        false => Err(Rejection::new(
            ErrorCode::TokenPlace,
            format!(
                "the token does not allow to {what}: get one with the claim place \
                 (`acscall token --place`)"
            ),
        )),
    }
}
