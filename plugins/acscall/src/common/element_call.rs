//! An element's part in its call, from READY→PAUSED to PAUSED→READY.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use acscall::call::{Event, ParticipantState, Target};
use acscall::model::ParticipantId;
use gst::prelude::*;
use parking_lot::{Condvar, Mutex};

use super::AcsCallState;
use crate::call::{CallSettings, JoinError, Membership, Role, Snapshot};

/// The state of an element while it is in a call, and what is left of it afterwards.
#[derive(Debug, Default)]
pub(crate) struct ElementCall {
    state: Mutex<State>,
    /// Signalled when a [`NotifyGuard`] is dropped.
    notified: Condvar,
}

#[derive(Default)]
struct State {
    /// The current [`Generation`]: events of earlier calls are ignored.
    generation: u64,
    membership: Option<Arc<Membership>>,
    target: Option<Target>,
    /// The call's name, once known.
    call: Option<String>,
    user: Option<String>,
    call_state: AcsCallState,
    others: BTreeSet<ParticipantId>,
    /// The threads that are notifying the application of an event.
    notifying: Vec<ThreadId>,
    /// The group id of all streams since the element joined.
    group: Option<gst::GroupId>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// Identifies one stay in a call: each join and each leave begins a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation(u64);

/// What [`ElementCall::leave`] returns.
pub(crate) struct Left {
    pub(crate) membership: Arc<Membership>,
    /// Whether the call was already over.
    pub(crate) was_over: bool,
}

/// Held while the application is notified of an event. [`ElementCall::leave`] waits for it.
pub(crate) struct NotifyGuard<'a>(&'a ElementCall);

impl Drop for NotifyGuard<'_> {
    fn drop(&mut self) {
        let own = thread::current().id();
        let mut state = self.0.state.lock();
        if let Some(position) = state.notifying.iter().position(|thread| *thread == own) {
            state.notifying.swap_remove(position);
        }
        drop(state);
        self.0.notified.notify_all();
    }
}

impl ElementCall {
    /// Joins a call. `on_event` is called on the call's thread with each event, as long as
    /// `element` lives.
    pub(crate) fn join<E>(
        &self,
        element: &E,
        settings: CallSettings,
        role: Role,
        on_event: fn(&E, Generation, &Event),
    ) -> Result<Arc<Membership>, JoinError>
    where
        E: IsA<gst::Element> + Send + Sync,
    {
        let generation = {
            let mut state = self.state.lock();
            state.generation += 1;
            state.call = match &settings.target {
                Target::Join(call) => Some(call.clone()),
                Target::Place(_) | Target::Answer { .. } => None,
            };
            state.target = Some(settings.target.clone());
            state.call_state = AcsCallState::None;
            state.user = Some(settings.user.clone());
            state.others.clear();
            state.group = Some(gst::GroupId::next());
            Generation(state.generation)
        };
        let weak = element.downgrade();
        let listener = Box::new(move |event: &Event| {
            if let Some(element) = weak.upgrade() {
                on_event(&element, generation, event);
            }
        });
        let membership = Arc::new(Membership::join(settings, role, listener)?);
        self.state.lock().membership = Some(membership.clone());
        Ok(membership)
    }

    /// Leaves the call, after waiting for notifications in progress. The caller first drops its
    /// streams of the call and then the membership.
    pub(crate) fn leave(&self) -> Option<Left> {
        let mut state = self.state.lock();
        state.generation += 1;
        let before = std::mem::replace(&mut state.call_state, AcsCallState::Disconnected);
        state.others.clear();
        // An application may leave from within a notification: do not wait for this thread.
        let own = thread::current().id();
        self.notified.wait_while(&mut state, |state| {
            state.notifying.iter().any(|thread| *thread != own)
        });
        state.membership.take().map(|membership| Left {
            membership,
            was_over: before == AcsCallState::Disconnected,
        })
    }

    /// Records an event before the application is notified of it; returns `None` if it belongs to
    /// an earlier call. Leaving waits until the guard is dropped, so that no event of a call
    /// reaches the application after its end.
    pub(crate) fn record(&self, generation: Generation, event: &Event) -> Option<NotifyGuard<'_>> {
        let mut state = self.state.lock();
        if state.generation != generation.0 {
            return None;
        }
        match event {
            Event::Named(call) => state.call = Some(call.clone()),
            Event::State(now) => state.call_state = (*now).into(),
            Event::Participant(participant, ParticipantState::Disconnected) => {
                state.others.remove(&participant.id);
            }
            // A participant that receives counts once media reaches it; see [`Event::Reached`].
            Event::Participant(participant, _) => {
                if !participant.receives {
                    state.others.insert(participant.id.clone());
                }
            }
            Event::Reached(participant) => {
                state.others.insert(participant.clone());
            }
            Event::Incoming(_)
            | Event::IncomingEnded(..)
            | Event::Callee(..)
            | Event::Stream { .. }
            | Event::Stalled(..)
            | Event::Slow { .. }
            | Event::Warning(_)
            | Event::Error(_) => {}
        }
        state.notifying.push(thread::current().id());
        Some(NotifyGuard(self))
    }

    /// Returns the element's membership in the call, if it is in one.
    pub(crate) fn membership(&self) -> Option<Arc<Membership>> {
        self.state.lock().membership.clone()
    }

    /// Returns whether `membership` is still the element's.
    pub(crate) fn is_current(&self, membership: &Arc<Membership>) -> bool {
        self.state
            .lock()
            .membership
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, membership))
    }

    /// Returns the state of the call.
    pub(crate) fn call_state(&self) -> AcsCallState {
        self.state.lock().call_state
    }

    /// Returns the call and the user of the last join. The call is empty until it has a name: a
    /// call that is placed or waited for gets one later.
    pub(crate) fn names(&self) -> (String, String) {
        let state = self.state.lock();
        let (call, user) = (state.call.clone(), state.user.clone());
        (call.unwrap_or_default(), user.unwrap_or_default())
    }

    /// Returns a description of the call for error texts.
    pub(crate) fn target(&self) -> String {
        let state = self.state.lock();
        let target = state.target.as_ref();
        target.map(ToString::to_string).unwrap_or_default()
    }

    /// Returns the prefix of the element's stream ids: the call's name or, until it is known, the
    /// users in the call.
    pub(crate) fn stream_prefix(&self) -> String {
        let state = self.state.lock();
        match (&state.call, &state.target) {
            (Some(call), _) => call.clone(),
            (None, Some(Target::Place(callees))) => format!("callee={}", callees.join(",")),
            (None, _) => format!("incoming={}", state.user.as_deref().unwrap_or_default()),
        }
    }

    /// Returns the group id of the element's streams.
    pub(crate) fn group(&self) -> gst::GroupId {
        *self
            .state
            .lock()
            .group
            .get_or_insert_with(gst::GroupId::next)
    }

    /// Returns the number of other participants in the call.
    pub(crate) fn others(&self) -> usize {
        self.state.lock().others.len()
    }

    /// Returns the current state of the call; empty outside of one.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.membership()
            .map(|membership| membership.snapshot())
            .unwrap_or_default()
    }

    /// Returns the call's statistics; empty outside of one.
    pub(crate) fn stats(&self) -> gst::Structure {
        match self.membership() {
            Some(membership) => membership.stats(),
            None => gst::Structure::new_empty("application/x-acscall-stats"),
        }
    }
}
