//! The calls that this process is in.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use acscall::call::Target;
use parking_lot::Mutex;

use super::driver::{Command, LEAVE};
use super::{CallSettings, SharedCall, at_exit, threads};

/// How long `exit()` waits for the calls of a process that has not left them: 3 s for the server to
/// take the last messages, 2 s for the elements to stop. Most calls are left within 0.1 s.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

static CALLS: Mutex<Vec<Weak<SharedCall>>> = Mutex::new(Vec::new());

/// Why an element cannot take part in its call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JoinError {
    /// Elements that share the call have different settings.
    #[error(
        "property '{property}' differs from that of another element of this process for {call} as \
         '{user}': set the same on both, or another 'user' on one"
    )]
    Differs {
        property: &'static str,
        call: String,
        user: String,
    },
    /// The engine could not start.
    #[error("the call's pipeline could not be started: {0}")]
    Engine(String),
}

/// Adds a member to the call that `settings` name: the one this process is in, or a new one.
pub(super) fn join(settings: &CallSettings) -> Result<Arc<SharedCall>, JoinError> {
    loop {
        match find_or_start(settings)? {
            Found::Joined(call) => return Ok(call),
            // The user has left it before the new call is looked for or started.
            Found::Abandoned(call) => call.linger.end(),
        }
    }
}

enum Found {
    /// The call, with one more member.
    Joined(Arc<SharedCall>),
    /// A call with other settings that has no member: it was kept for those who might come back.
    /// Nobody can join it any more.
    Abandoned(Arc<SharedCall>),
}

/// Finds, checks, starts and counts under one lock: elements that join at the same time share a
/// call.
fn find_or_start(settings: &CallSettings) -> Result<Found, JoinError> {
    // Outlives the lock: dropping the last reference to a call waits for its thread.
    let mut live = Vec::new();
    let mut calls = CALLS.lock();
    calls.retain(|call| call.strong_count() > 0);
    live.extend(calls.iter().filter_map(Weak::upgrade));
    let shared = live
        .iter()
        .find(|call| call.settings.is_same_session(settings) && !call.is_over());
    let call = match shared {
        Some(call) => match call.check(settings) {
            Ok(()) => call.clone(),
            Err(_) if call.members.load(Ordering::Acquire) == 0 => {
                call.is_left.store(true, Ordering::Release);
                return Ok(Found::Abandoned(call.clone()));
            }
            Err(error) => return Err(error),
        },
        None => {
            at_exit::register(leave_all);
            let call = SharedCall::start(settings.clone())?;
            calls.push(Arc::downgrade(&call));
            call
        }
    };
    call.members.fetch_add(1, Ordering::AcqRel);
    Ok(Found::Joined(call))
}

/// Leaves all calls, which others would otherwise take for lost connections. Waits until that is
/// done: the calls' threads use libraries that free their state in `exit()`.
fn leave_all() {
    let Some(calls) = CALLS.try_lock_for(EXIT_TIMEOUT) else {
        return;
    };
    for call in calls.iter().filter_map(Weak::upgrade) {
        call.driver.send(Command::Input(LEAVE));
        // Dropping the last reference would wait for the call without a limit.
        std::mem::forget(call);
    }
    drop(calls);
    threads::wait_until_ended(EXIT_TIMEOUT);
}

impl CallSettings {
    /// Whether `other` means the same session in the same call.
    fn is_same_session(&self, other: &CallSettings) -> bool {
        self.server == other.server
            && self.user == other.user
            && is_same_call(&self.target, &other.target)
    }

    /// Whether the element answers the first incoming call by itself.
    fn auto_accept(&self) -> bool {
        matches!(self.target, Target::Answer { automatically } if automatically)
    }

    /// Returns the first property that `other` sets to another value. Unset properties of `other`
    /// do not count.
    pub(super) fn difference(&self, other: &CallSettings) -> Option<&'static str> {
        fn differs<T: PartialEq>(ours: &Option<T>, theirs: &Option<T>) -> bool {
            theirs.is_some() && ours != theirs
        }
        if self.auto_accept() != other.auto_accept() {
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

/// Whether both mean one call, however it is answered.
fn is_same_call(one: &Target, other: &Target) -> bool {
    match (one, other) {
        (Target::Join(one), Target::Join(other)) => one == other,
        // All are rung at the same time: their order does not matter.
        (Target::Place(one), Target::Place(other)) => {
            one.iter().collect::<BTreeSet<_>>() == other.iter().collect()
        }
        (Target::Answer { .. }, Target::Answer { .. }) => true,
        (Target::Join(_) | Target::Place(_) | Target::Answer { .. }, _) => false,
    }
}

#[cfg(test)]
mod tests {
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
        assert!(place(&["bob", "carol"]).is_same_session(&place(&["carol", "bob"])));
        assert!(!place(&["bob"]).is_same_session(&place(&["bob", "carol"])));
        assert!(!place(&["bob"]).is_same_session(&settings(Target::Join("bob".into()))));
        let others = CallSettings {
            user: "dave".into(),
            ..place(&["bob"])
        };
        assert!(!place(&["bob"]).is_same_session(&others));
    }

    #[test]
    fn elements_that_wait_for_a_call_have_to_answer_it_in_the_same_way() {
        assert!(answer(true).is_same_session(&answer(false)));
        assert_eq!(answer(true).difference(&answer(true)), None);
        for (one, other) in [(true, false), (false, true)] {
            let difference = answer(one).difference(&answer(other));
            assert_eq!(difference, Some("auto-accept"));
        }
        assert!(!answer(true).is_same_session(&place(&["bob"])));
    }
}
