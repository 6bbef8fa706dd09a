//! The driver's part: random bytes, and permissions of clients.

use acscall::signalling::message::ErrorCode;
use acscall::signalling::room::{CallScope, Grants, Random, Rejection};

/// The driver's answers to admission requests.
#[derive(Clone)]
pub(super) enum Policy {
    Pass(CallScope, bool),
    Refuse(bool),
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::Pass(CallScope::Any, true)
    }
}

impl Policy {
    pub(super) fn pass(&self) -> Result<Grants, Rejection> {
        match self {
            Policy::Pass(calls, place) => Ok(Grants {
                calls: calls.clone(),
                place: *place,
            }),
            Policy::Refuse(true) => Err(Rejection::new(ErrorCode::TokenRequired, "no token")),
            Policy::Refuse(false) => Err(Rejection::new(ErrorCode::TokenExpired, "too late")),
        }
    }
}

/// A deterministic source of "random" bytes: a counter.
#[derive(Default)]
pub(super) struct Counting(u64);

impl Random for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0 += 1;
        bytes.fill(0);
        for (byte, count) in bytes.iter_mut().zip(self.0.to_le_bytes()) {
            *byte = count;
        }
    }
}
