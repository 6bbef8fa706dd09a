//! The calls that this process is in.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{Call, CallSettings};

static CALLS: Mutex<Vec<Weak<Call>>> = Mutex::new(Vec::new());

/// Why an element cannot take part in its call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JoinError {
    /// The call is shared, and its elements disagree.
    #[error(
        "property '{property}' differs from that of another element of this process in call \
         '{call}' as '{user}': set the same on both, or another 'user' on one"
    )]
    Differs {
        /// The property.
        property: &'static str,
        /// The call.
        call: String,
        /// The user.
        user: String,
    },
    /// The engine could not start.
    #[error("the call's pipeline could not be started: {0}")]
    Engine(String),
}

/// The call that `settings` name: the one this process is in, or a new one.
pub(super) fn call(settings: CallSettings) -> Result<Arc<Call>, JoinError> {
    let mut calls = CALLS.lock().unwrap_or_else(PoisonError::into_inner);
    calls.retain(|call| call.strong_count() > 0);
    let shared = calls
        .iter()
        .filter_map(Weak::upgrade)
        .find(|call| call.settings.names(&settings) && !call.is_over());
    if let Some(call) = shared {
        // Dropping a call waits for its thread: not under this lock.
        drop(calls);
        match call.agree(&settings) {
            Ok(()) => return Ok(call),
            // With nobody in it, it is only kept for those who might come back.
            Err(_) if call.members.load(Ordering::Acquire) == 0 => {
                call.linger.end();
                drop(call);
                calls = CALLS.lock().unwrap_or_else(PoisonError::into_inner);
            }
            Err(error) => return Err(error),
        }
    }
    let call = Call::start(settings)?;
    calls.push(Arc::downgrade(&call));
    Ok(call)
}

impl CallSettings {
    /// Whether `other` is the same presence in the same call.
    fn names(&self, other: &CallSettings) -> bool {
        self.server == other.server && self.call == other.call && self.user == other.user
    }

    /// The first property that `other` sets otherwise. What it leaves unset it agrees to.
    pub(super) fn difference(&self, other: &CallSettings) -> Option<&'static str> {
        fn differs<T: PartialEq>(ours: &Option<T>, theirs: &Option<T>) -> bool {
            theirs.is_some() && ours != theirs
        }
        if differs(&self.token, &other.token) {
            Some("token")
        } else if differs(&self.display_name, &other.display_name) {
            Some("display-name")
        } else if differs(&self.stun_server, &other.stun_server) {
            Some("stun-server")
        } else if !other.turn_servers.is_empty() && self.turn_servers != other.turn_servers {
            Some("turn-servers")
        } else {
            None
        }
    }
}
