//! The calls that this process is in.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use acscall::call::Target;

use super::{CallSettings, SharedCall};

static CALLS: Mutex<Vec<Weak<SharedCall>>> = Mutex::new(Vec::new());

/// Why an element cannot take part in its call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JoinError {
    /// The call is shared, and its elements disagree.
    #[error(
        "property '{property}' differs from that of another element of this process for {call} as \
         '{user}': set the same on both, or another 'user' on one"
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
pub(super) fn call(settings: CallSettings) -> Result<Arc<SharedCall>, JoinError> {
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
    let call = SharedCall::start(settings)?;
    calls.push(Arc::downgrade(&call));
    Ok(call)
}

impl CallSettings {
    /// Whether `other` is the same session in the same call.
    fn names(&self, other: &CallSettings) -> bool {
        self.server == other.server
            && self.user == other.user
            && is_same(&self.target, &other.target)
    }

    /// Whether the first incoming call is answered, where calls are waited for.
    fn automatically(&self) -> bool {
        matches!(self.target, Target::Answer { automatically } if automatically)
    }

    /// The first property that `other` sets otherwise. What it leaves unset it agrees to.
    pub(super) fn difference(&self, other: &CallSettings) -> Option<&'static str> {
        fn differs<T: PartialEq>(ours: &Option<T>, theirs: &Option<T>) -> bool {
            theirs.is_some() && ours != theirs
        }
        if self.automatically() != other.automatically() {
            Some("auto-accept")
        } else if differs(&self.token, &other.token) {
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

/// Whether it is one call; not whether it is to be answered in the same way.
fn is_same(one: &Target, other: &Target) -> bool {
    match (one, other) {
        (Target::Join(one), Target::Join(other)) => one == other,
        // Whoever is called first is called at the same time as the last.
        (Target::Place(one), Target::Place(other)) => {
            one.iter().collect::<BTreeSet<_>>() == other.iter().collect()
        }
        (Target::Answer { .. }, Target::Answer { .. }) => true,
        (Target::Join(_) | Target::Place(_) | Target::Answer { .. }, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use acscall::signalling::client::ServerUrl;

    use super::*;

    fn settings(target: Target) -> CallSettings {
        CallSettings {
            server: ServerUrl::parse("ws://127.0.0.1:1").unwrap(),
            target,
            user: "alice".into(),
            display_name: None,
            token: None,
            latency: None,
            stun_server: None,
            turn_servers: Vec::new(),
            linger: Duration::ZERO,
            embedded_server: false,
        }
    }

    fn place(callees: &[&str]) -> CallSettings {
        settings(Target::Place(
            callees.iter().map(ToString::to_string).collect(),
        ))
    }

    fn answer(automatically: bool) -> CallSettings {
        settings(Target::Answer { automatically })
    }

    #[test]
    fn elements_that_call_the_same_users_share_a_call() {
        assert!(place(&["bob", "carol"]).names(&place(&["carol", "bob"])));
        assert!(!place(&["bob"]).names(&place(&["bob", "carol"])));
        assert!(!place(&["bob"]).names(&settings(Target::Join("bob".into()))));
        let others = CallSettings {
            user: "dave".into(),
            ..place(&["bob"])
        };
        assert!(!place(&["bob"]).names(&others));
    }

    #[test]
    fn elements_that_wait_for_a_call_have_to_answer_it_in_the_same_way() {
        assert!(answer(true).names(&answer(false)));
        assert_eq!(answer(true).difference(&answer(true)), None);
        for (one, other) in [(true, false), (false, true)] {
            let difference = answer(one).difference(&answer(other));
            assert_eq!(difference, Some("auto-accept"));
        }
        assert!(!answer(true).names(&place(&["bob"])));
    }
}
