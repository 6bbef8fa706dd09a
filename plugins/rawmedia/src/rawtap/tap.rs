//! One tap: its queue, and the thread that pushes what is in it.
//!
//! The main flow only ever takes the lock for a moment. The lock is held neither while pushing
//! nor while letting go of what was dropped.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gst::glib;
use gst::prelude::*;

use super::RawTapPad;
use super::layout::Layout;
use super::out_of_band::{Job, Jobs};
use super::pads::Entry;
use super::queue::{Dropped, Output, Settings, TapQueue};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Tap {
    state: Mutex<State>,
    /// For the task: there is something to do.
    wake: Condvar,
    /// For the helper: the task pushes nothing.
    quiet: Condvar,
    /// For whoever seeks: nothing overtakes any more.
    settled: Condvar,
    layout: Mutex<Layout>,
}

#[derive(Debug, Default)]
struct State {
    queue: TapQueue,
    jobs: Jobs,
    is_running: bool,
    is_waiting: bool,
    /// Somebody will wake the task.
    is_owed: bool,
    is_pushing: bool,
    /// The helper waits for the end of a push.
    is_awaited: bool,
    /// Whom the task wakes when it is woken.
    relay: Option<Arc<[Entry]>>,
}

impl Tap {
    // What the main flow does with it.

    /// Gives the tap a reference to the buffer, if it takes it. Whether the task has to be woken,
    /// see [`offer_all`].
    #[must_use]
    pub(super) fn offer(
        &self,
        buffer: &gst::Buffer,
        now: impl FnOnce() -> Option<gst::ClockTime>,
    ) -> bool {
        self.alter(|state| state.queue.offer(buffer, now))
    }

    /// The same with a copy, made only if the tap takes it.
    #[must_use]
    pub(super) fn offer_copy(
        &self,
        buffer: &gst::Buffer,
        now: impl Fn() -> Option<gst::ClockTime>,
    ) -> bool {
        let is_wanted = self.lock().queue.would_take(buffer, &now);
        match is_wanted.then(|| buffer.copy_deep()) {
            Some(Ok(copy)) => self.offer(&copy, now),
            _ => {
                self.lock().queue.refuse();
                false
            }
        }
    }

    /// A serialized event.
    pub(super) fn offer_event(&self, event: &gst::Event) {
        self.change(|state| state.queue.offer_event(event));
    }

    /// Upstream began to flush.
    pub(super) fn flush_start(self: &Arc<Self>, owner: &Owner, event: gst::Event) {
        self.change(|state| state.queue.flush_start());
        self.schedule(owner, Job::Event(event));
    }

    /// The flush is over upstream; what comes now waits until it is over downstream.
    pub(super) fn flush_stop(self: &Arc<Self>, owner: &Owner, event: gst::Event) {
        self.schedule(owner, Job::FlushStop(event));
        self.change(|state| state.queue.flush_stop());
    }

    /// An event that overtakes the buffers.
    pub(super) fn overtake(self: &Arc<Self>, owner: &Owner, event: gst::Event) {
        self.schedule(owner, Job::Event(event));
    }

    /// Makes the tap independent of memory that upstream wants back. What is being pushed at this
    /// moment is beyond reach.
    pub(super) fn copy_pending(&self) {
        self.change(|state| {
            state
                .queue
                .replace_buffers(|buffer| buffer.copy_deep().ok())
        });
    }

    /// Waits until flushes have gone down the branch. Whether they have: after this time not.
    pub(super) fn settles_within(&self, limit: Duration) -> bool {
        let state = self.lock();
        let is_busy = |state: &mut State| state.is_running && state.jobs.is_running();
        let (_state, timeout) = self
            .settled
            .wait_timeout_while(state, limit, is_busy)
            .unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }

    // What its pad does with it.

    pub(super) fn settings(&self) -> Settings {
        self.lock().queue.settings()
    }

    pub(super) fn set_settings(&self, change: impl FnOnce(&mut Settings)) {
        self.change(|state| {
            let mut settings = state.queue.settings();
            change(&mut settings);
            state.queue.set_settings(settings)
        });
    }

    pub(super) fn stats(&self) -> gst::Structure {
        self.lock().queue.stats()
    }

    /// The branch is worth another try, and may have changed.
    pub(super) fn attach(&self) {
        self.layout().reconfigure();
        self.change(|state| state.queue.attach());
    }

    pub(super) fn start(self: &Arc<Self>, pad: &RawTapPad) -> Result<(), glib::BoolError> {
        {
            let mut state = self.lock();
            state.queue.open();
            state.is_running = true;
        }
        *self.layout() = Layout::default();
        let tap = Arc::downgrade(self);
        let pad_weak = pad.downgrade();
        pad.start_task(move || {
            if let (Some(tap), Some(pad)) = (tap.upgrade(), pad_weak.upgrade()) {
                tap.step(&pad);
            }
        })
    }

    /// Waits until the task has ended.
    pub(super) fn stop(&self, pad: &RawTapPad) -> Result<(), glib::BoolError> {
        self.end();
        pad.stop_task()
    }

    /// The pad was released: its thread ends, and the pad is closed where nobody has to wait.
    pub(super) fn retire(self: &Arc<Self>, owner: &Owner) {
        self.end();
        self.schedule(owner, Job::Retire);
    }

    // What its threads do.

    /// One thing to push, or the wait for it.
    fn step(&self, pad: &RawTapPad) {
        match self.take() {
            Some(Output::Buffer(buffer)) => {
                let buffer = Layout::prepare(&self.layout, pad, buffer);
                let result = pad.push(buffer);
                self.pushed(pad, result);
            }
            Some(Output::Event(event)) => {
                if let gst::EventView::Caps(caps) = event.view() {
                    self.layout().set_caps(caps.caps());
                }
                if !pad.push_event(event) && pad.pad_flags().contains(gst::PadFlags::EOS) {
                    // A pad that has ended takes no event any more. A serialized query has it
                    // send the sticky ones that a newly linked branch lacks.
                    pad.peer_query(&mut gst::query::Drain::new());
                }
            }
            // Paused until it is stopped; if it is stopped already, there is none to pause.
            None => drop(pad.pause_task()),
        }
    }

    /// Waits for what goes out next; nothing if the tap has ended.
    fn take(&self) -> Option<Output> {
        let mut state = self.lock();
        state.is_pushing = false;
        loop {
            if std::mem::take(&mut state.is_awaited) {
                self.quiet.notify_all();
            }
            if !state.is_running {
                return None;
            }
            if !state.jobs.is_flushing()
                && let Some(output) = state.queue.next()
            {
                state.is_pushing = true;
                return Some(output);
            }
            state.is_waiting = true;
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.is_waiting = false;
            state.is_owed = false;
            if let Some(others) = state.relay.take() {
                drop(state);
                others.iter().for_each(|other| other.tap.wake_if_owed());
                state = self.lock();
            }
        }
    }

    fn pushed(&self, pad: &RawTapPad, result: Result<gst::FlowSuccess, gst::FlowError>) {
        let has_failed = match result {
            Ok(_) => None,
            // Nobody is there at the moment. Pads send sticky events again to who comes.
            Err(gst::FlowError::Flushing | gst::FlowError::NotLinked) => None,
            Err(error) => Some(error),
        };
        self.change(|state| {
            state.queue.pushed(result.is_ok());
            match has_failed {
                Some(_) if state.is_running => state.queue.detach(),
                _ => Dropped::default(),
            }
        });
        if let Some(error) = has_failed {
            super::pad::report(pad, error);
        }
    }

    /// Does what overtakes the buffers, on a thread of its own.
    fn work(&self, pad: &RawTapPad) {
        loop {
            // The guard of a `while let` would live through the push.
            let job = self.lock().jobs.next();
            match job {
                Some(Job::Event(event)) => drop(pad.push_event(event)),
                Some(Job::FlushStop(event)) => {
                    self.wait_until_quiet();
                    pad.push_event(event);
                    self.change(|state| {
                        state.jobs.stopped();
                        Dropped::default()
                    });
                }
                Some(Job::Retire) => super::pads::close(pad),
                None => {
                    self.settled.notify_all();
                    return;
                }
            }
        }
    }

    fn wait_until_quiet(&self) {
        let mut state = self.lock();
        while state.is_running && state.is_pushing {
            state.is_awaited = true;
            state = self
                .quiet
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn schedule(self: &Arc<Self>, owner: &Owner, job: Job) {
        let has_to_call = self.lock().jobs.add(job);
        if has_to_call {
            let tap = self.clone();
            let pad = owner.pad.clone();
            owner.element.call_async(move |_| tap.work(&pad));
        }
    }

    fn end(&self) {
        self.change(|state| {
            state.is_running = false;
            state.queue.close()
        });
        self.quiet.notify_all();
        self.settled.notify_all();
    }

    /// Whether the task will wake the others: not if it has come to life by itself meanwhile.
    fn accept_relay(&self, others: &Arc<[Entry]>) -> bool {
        let mut state = self.lock();
        if state.is_owed {
            state.relay = Some(others.clone());
        }
        state.is_owed
    }

    fn wake_if_owed(&self) {
        if std::mem::take(&mut self.lock().is_owed) {
            self.wake.notify_one();
        }
    }

    /// Changes the state, and wakes the task if it waits and there is something to do.
    fn change(&self, change: impl FnOnce(&mut State) -> Dropped) {
        if self.alter(change) {
            self.wake.notify_one();
        }
    }

    /// Changes the state, tells whether the task has to be woken, and lets go of what was dropped
    /// when nothing is locked any more.
    fn alter(&self, change: impl FnOnce(&mut State) -> Dropped) -> bool {
        let (_dropped, has_to_wake) = {
            let mut state = self.lock();
            let dropped = change(&mut state);
            let has_to_wake = state.is_waiting
                && (!state.is_running || (!state.queue.is_empty() && !state.jobs.is_flushing()));
            if has_to_wake {
                // Once is enough, however much comes before it runs.
                state.is_waiting = false;
                state.is_owed = true;
            }
            (dropped, has_to_wake)
        };
        has_to_wake
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn layout(&self) -> MutexGuard<'_, Layout> {
        self.layout.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose tap it is, where a thread has to be started for it.
#[derive(Debug)]
pub(super) struct Owner<'a> {
    pub(super) element: &'a gst::Element,
    pub(super) pad: &'a RawTapPad,
}

/// Gives a buffer to all with `offer`, and wakes the tasks that wait for one.
///
/// To wake a thread takes longer than all the rest. So the main flow wakes one, and that one wakes
/// the others before it does anything else.
pub(super) fn offer_all(entries: &Arc<[Entry]>, offer: impl Fn(&Tap) -> bool) {
    let mut woken = entries.iter().filter(|entry| offer(&entry.tap));
    let Some(first) = woken.next() else {
        return;
    };
    if woken.count() == 0 || first.tap.accept_relay(entries) {
        first.tap.wake.notify_one();
    } else {
        entries.iter().for_each(|entry| entry.tap.wake_if_owed());
    }
}
