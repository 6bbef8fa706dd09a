//! Who may come in, as the driver found out.
//!
//! A token's time is that of the wall clock and its proof a matter of cryptography; the machine has
//! neither. It hands what `hello` said to the driver, with [`Action::Admit`](super::Action::Admit),
//! and goes on with the answer.

use super::rejection::Rejection;
use crate::signalling::message::{ErrorCode, Token};

/// What a client presented in `hello`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Who it wants to be.
    pub user: String,
    /// Its proof.
    pub token: Option<Token>,
}

/// What a client may do on its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    /// The calls it may join.
    pub calls: CallScope,
    /// Whether it may place calls.
    pub place: bool,
}

/// Some calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallScope {
    /// Whichever.
    Any,
    /// The one of this name.
    Only(String),
}

impl Grants {
    /// For everything.
    pub fn unlimited() -> Grants {
        Grants {
            calls: CallScope::Any,
            place: true,
        }
    }

    /// Whether it opens the call `name`, which is no placed one.
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

/// Refuses to do `what` where the user may not place calls.
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
