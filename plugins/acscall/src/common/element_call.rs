//! An element's part in its call, from READY→PAUSED to PAUSED→READY.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use acscall::call::{Event, ParticipantState, Target};
use acscall::model::ParticipantId;
use gst::prelude::*;

use super::AcsCallState;
use crate::call::{CallSettings, JoinError, Membership, Role, Snapshot};

/// What exists while an element is in a call, and what is left of it afterwards.
#[derive(Debug, Default)]
pub(crate) struct ElementCall {
    state: Mutex<State>,
    /// Something has been told.
    told: Condvar,
}

#[derive(Default)]
struct State {
    /// Which joining it is: what an earlier call still tells does not count.
    number: u64,
    membership: Option<Arc<Membership>>,
    target: Option<Target>,
    /// The call's name, once known.
    call: Option<String>,
    user: Option<String>,
    call_state: AcsCallState,
    others: BTreeSet<ParticipantId>,
    /// The threads that tell something of the call just now.
    telling: Vec<ThreadId>,
    /// That of the streams of this joining.
    group: Option<gst::GroupId>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// Names one joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation(u64);

/// What is left of a call.
pub(crate) struct Left {
    pub(crate) membership: Arc<Membership>,
    /// The call was over before.
    pub(crate) was_over: bool,
}

/// Something of the call is being told.
pub(crate) struct NotifyGuard<'a>(&'a ElementCall);

impl Drop for NotifyGuard<'_> {
    fn drop(&mut self) {
        let own = thread::current().id();
        let mut state = self.0.lock();
        if let Some(position) = state.telling.iter().position(|thread| *thread == own) {
            state.telling.swap_remove(position);
        }
        drop(state);
        self.0.told.notify_all();
    }
}

impl ElementCall {
    /// Joins. `told` is called on the call's thread with all that becomes of it, as long as
    /// `element` lives.
    pub(crate) fn join<E>(
        &self,
        element: &E,
        settings: CallSettings,
        role: Role,
        told: fn(&E, Generation, &Event),
    ) -> Result<Arc<Membership>, JoinError>
    where
        E: IsA<gst::Element> + Send + Sync,
    {
        let generation = {
            let mut state = self.lock();
            state.number += 1;
            state.call = match &settings.target {
                Target::Join(call) => Some(call.clone()),
                Target::Place(_) | Target::Answer { .. } => None,
            };
            state.target = Some(settings.target.clone());
            state.call_state = AcsCallState::None;
            state.user = Some(settings.user.clone());
            state.others.clear();
            state.group = Some(gst::GroupId::next());
            Generation(state.number)
        };
        let weak = element.downgrade();
        let listener = Box::new(move |event: &Event| {
            if let Some(element) = weak.upgrade() {
                told(&element, generation, event);
            }
        });
        let membership = Arc::new(Membership::join(settings, role, listener)?);
        self.lock().membership = Some(membership.clone());
        Ok(membership)
    }

    /// Ends the part in the call, when all that is being told of it is told. The caller drops what
    /// it got of the call, and then this.
    pub(crate) fn leave(&self) -> Option<Left> {
        let mut state = self.lock();
        state.number += 1;
        let before = std::mem::replace(&mut state.call_state, AcsCallState::Disconnected);
        state.others.clear();
        // Who leaves because of what is told is told no more after it.
        let own = thread::current().id();
        while state.telling.iter().any(|thread| *thread != own) {
            state = self
                .told
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.membership.take().map(|membership| Left {
            membership,
            was_over: before == AcsCallState::Disconnected,
        })
    }

    /// Takes down what is to be told; `None` if it is of an earlier call. Leaving waits until what
    /// is returned is dropped: else the application would hear of a call after its end.
    pub(crate) fn note(&self, generation: Generation, event: &Event) -> Option<NotifyGuard<'_>> {
        let mut state = self.lock();
        if state.number != generation.0 {
            return None;
        }
        match event {
            Event::Named(call) => state.call = Some(call.clone()),
            Event::State(now) => state.call_state = (*now).into(),
            Event::Participant(participant, ParticipantState::Disconnected) => {
                state.others.remove(&participant.id);
            }
            // Who receives counts as soon as it gets what is sent; see [`Event::Reached`].
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
        state.telling.push(thread::current().id());
        Some(NotifyGuard(self))
    }

    /// The element's part in the call, while it has one.
    pub(crate) fn membership(&self) -> Option<Arc<Membership>> {
        self.lock().membership.clone()
    }

    /// Whether `membership` is still that of the element.
    pub(crate) fn is_current(&self, membership: &Arc<Membership>) -> bool {
        self.lock()
            .membership
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, membership))
    }

    /// The state of the call.
    pub(crate) fn call_state(&self) -> AcsCallState {
        self.lock().call_state
    }

    /// The name of the call that was joined last, and as whom. Empty where it is not known: a call
    /// that is placed or waited for gets its name later.
    pub(crate) fn names(&self) -> (String, String) {
        let state = self.lock();
        let (call, user) = (state.call.clone(), state.user.clone());
        (call.unwrap_or_default(), user.unwrap_or_default())
    }

    /// The call for people.
    pub(crate) fn target(&self) -> String {
        let state = self.lock();
        let target = state.target.as_ref();
        target.map(ToString::to_string).unwrap_or_default()
    }

    /// What the ids of streams begin with: the call's name or, where it is not known yet, whom it
    /// is with.
    pub(crate) fn stream_prefix(&self) -> String {
        let state = self.lock();
        match (&state.call, &state.target) {
            (Some(call), _) => call.clone(),
            (None, Some(Target::Place(callees))) => format!("callee={}", callees.join(",")),
            (None, _) => format!("incoming={}", state.user.as_deref().unwrap_or_default()),
        }
    }

    /// The group of the streams of this joining.
    pub(crate) fn group(&self) -> gst::GroupId {
        *self.lock().group.get_or_insert_with(gst::GroupId::next)
    }

    /// How many others are in the call.
    pub(crate) fn others(&self) -> usize {
        self.lock().others.len()
    }

    /// The call as it stands; empty outside of one.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.membership()
            .map(|membership| membership.snapshot())
            .unwrap_or_default()
    }

    /// The call's statistics; empty outside of one.
    pub(crate) fn stats(&self) -> gst::Structure {
        match self.membership() {
            Some(membership) => membership.stats(),
            None => gst::Structure::new_empty("application/x-acscall-stats"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
