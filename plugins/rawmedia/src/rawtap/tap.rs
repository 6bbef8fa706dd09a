//! One tap: its queue, and the task that pushes from it.
//!
//! The main flow only takes the lock for a moment. The lock is never held during a push, nor while
//! dropped buffers are freed.

use std::sync::Arc;
use std::time::Duration;

use gst::glib;
use gst::prelude::*;
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::detached;
use super::layout::Layout;
use super::out_of_band::{Job, Jobs};
use super::queue::{Dropped, Output, Settings, TapQueue};
use super::sticky::StickyEvents;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Tap {
    state: Mutex<State>,
    /// Wakes the task: there is something to do.
    wake: Condvar,
    /// Wakes the helper thread: the task's push has returned.
    push_returned: Condvar,
    /// Wakes a seeking thread: no flush is left to push.
    flushed: Condvar,
    layout: Mutex<Layout>,
}

#[derive(Debug, Default)]
struct State {
    queue: TapQueue,
    jobs: Jobs,
    is_running: bool,
    is_waiting: bool,
    /// Another thread has yet to wake the task.
    is_wake_due: bool,
    is_pushing: bool,
    /// The helper thread waits for the end of a push.
    is_push_awaited: bool,
    /// The taps whose tasks this task wakes once it is awake.
    relay: Option<Arc<[Entry]>>,
}

/// A tap and its pad.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) tap: Arc<Tap>,
    pub(super) pad: gst::Pad,
}

impl Entry {
    pub(super) fn owner<'a>(&'a self, element: &'a gst::Element) -> Owner<'a> {
        Owner {
            element,
            pad: &self.pad,
        }
    }
}

/// The element and the pad of a tap, from which the helper thread is started.
#[derive(Debug)]
pub(super) struct Owner<'a> {
    element: &'a gst::Element,
    pad: &'a gst::Pad,
}

/// An element's taps, and the sticky events that a new tap gets first. Both are under one lock, so
/// that a new tap neither misses an event nor gets one twice.
#[derive(Debug, Default)]
pub(super) struct Taps {
    /// Shared with the threads that iterate over it; replaced as a whole.
    pub(super) entries: Arc<[Entry]>,
    pub(super) stickies: StickyEvents,
    pub(super) next_index: u32,
}

impl Tap {
    // Called by the main flow.

    /// Gives the tap a reference to the buffer, if the tap takes it. Returns whether the caller has
    /// to wake the task, see [`offer_all`].
    #[must_use]
    pub(super) fn offer(
        &self,
        buffer: &gst::Buffer,
        now: impl FnOnce() -> Option<gst::ClockTime>,
    ) -> bool {
        self.update(|state| state.queue.offer(buffer, now))
    }

    /// Like [`Tap::offer`], but with a copy, which is made only if the tap takes the buffer.
    #[must_use]
    pub(super) fn offer_copy(
        &self,
        buffer: &gst::Buffer,
        now: impl Fn() -> Option<gst::ClockTime>,
    ) -> bool {
        let takes_it = self.state.lock().queue.would_take(buffer, &now);
        match takes_it.then(|| buffer.copy_deep()) {
            Some(Ok(copy)) => self.offer(&copy, now),
            _ => {
                self.state.lock().queue.refuse();
                false
            }
        }
    }

    /// Queues a serialized event.
    pub(super) fn offer_event(&self, event: &gst::Event) {
        self.update_and_wake(|state| state.queue.offer_event(event));
    }

    /// Handles FLUSH_START from upstream.
    pub(super) fn flush_start(self: &Arc<Self>, owner: &Owner, event: gst::Event) {
        self.update_and_wake(|state| state.queue.flush_start());
        self.schedule(owner, Job::Event(event));
    }

    /// Handles FLUSH_STOP from upstream. Buffers that follow wait until the branch is flushed too.
    pub(super) fn flush_stop(self: &Arc<Self>, owner: &Owner, event: gst::Event) {
        self.schedule(owner, Job::FlushStop(event));
        self.update_and_wake(|state| state.queue.flush_stop());
    }

    /// Sends an out-of-band event, which overtakes the buffers.
    pub(super) fn overtake(self: &Arc<Self>, owner: &Owner, event: gst::Event) {
        self.schedule(owner, Job::Event(event));
    }

    /// Replaces queued buffers with copies, because upstream wants its memory back. A buffer that
    /// is being pushed stays.
    pub(super) fn copy_pending(&self) {
        self.update_and_wake(|state| {
            state
                .queue
                .replace_buffers(|buffer| buffer.copy_deep().ok())
        });
    }

    /// Waits until flushes have gone down the branch. Returns false after `limit`.
    pub(super) fn wait_until_flushed(&self, limit: Duration) -> bool {
        let mut state = self.state.lock();
        let is_busy = |state: &mut State| state.is_running && state.jobs.is_running();
        let result = self.flushed.wait_while_for(&mut state, is_busy, limit);
        !result.timed_out()
    }

    // Called by its pad.

    pub(super) fn settings(&self) -> Settings {
        self.state.lock().queue.settings()
    }

    pub(super) fn set_settings(&self, change: impl FnOnce(&mut Settings)) {
        self.update_and_wake(|state| {
            let mut settings = state.queue.settings();
            change(&mut settings);
            state.queue.set_settings(settings)
        });
    }

    pub(super) fn stats(&self) -> gst::Structure {
        self.state.lock().queue.stats()
    }

    /// Tries the branch again, which may have changed.
    pub(super) fn attach(&self) {
        self.layout.lock().reconfigure();
        self.update_and_wake(|state| state.queue.attach());
    }

    pub(super) fn start(self: &Arc<Self>, pad: &gst::Pad) -> Result<(), glib::BoolError> {
        {
            let mut state = self.state.lock();
            state.queue.open();
            state.is_running = true;
        }
        *self.layout.lock() = Layout::default();
        let tap = Arc::downgrade(self);
        let pad_weak = pad.downgrade();
        pad.start_task(move || {
            if let (Some(tap), Some(pad)) = (tap.upgrade(), pad_weak.upgrade()) {
                tap.step(&pad);
            }
        })
    }

    /// Ends the task and waits for it.
    pub(super) fn stop(&self, pad: &gst::Pad) -> Result<(), glib::BoolError> {
        self.end();
        pad.stop_task()
    }

    /// Ends the task of a released pad. The helper thread deactivates the pad.
    pub(super) fn release(self: &Arc<Self>, owner: &Owner) {
        self.end();
        self.schedule(owner, Job::Release);
    }

    // Runs on its threads.

    /// Waits for the next buffer or event and pushes it.
    fn step(&self, pad: &gst::Pad) {
        match self.take() {
            Some(Output::Buffer(buffer)) => {
                let buffer = Layout::prepare(&self.layout, pad, buffer);
                let result = pad.push(buffer);
                self.pushed(pad, result);
            }
            Some(Output::Event(event)) => {
                if let gst::EventView::Caps(caps) = event.view() {
                    self.layout.lock().set_caps(caps.caps());
                }
                if !pad.push_event(event) && pad.pad_flags().contains(gst::PadFlags::EOS) {
                    // A pad at EOS takes no more events. A serialized query makes it send the
                    // sticky events that a newly linked branch lacks.
                    pad.peer_query(&mut gst::query::Drain::new());
                }
            }
            // The task stays paused until it is stopped. If it is stopped already, pausing fails.
            None => drop(pad.pause_task()),
        }
    }

    /// Waits for the next output. Returns `None` once the tap has ended.
    fn take(&self) -> Option<Output> {
        let mut state = self.state.lock();
        state.is_pushing = false;
        loop {
            if std::mem::take(&mut state.is_push_awaited) {
                self.push_returned.notify_all();
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
            self.wake.wait(&mut state);
            state.is_waiting = false;
            state.is_wake_due = false;
            if let Some(others) = state.relay.take() {
                MutexGuard::unlocked(&mut state, || {
                    others.iter().for_each(|other| other.tap.wake_if_due());
                });
            }
        }
    }

    fn pushed(&self, pad: &gst::Pad, result: Result<gst::FlowSuccess, gst::FlowError>) {
        let failure = match result {
            Ok(_) => None,
            // No branch at the moment. The pad sends its sticky events again to the next one.
            Err(gst::FlowError::Flushing | gst::FlowError::NotLinked) => None,
            Err(error) => Some(error),
        };
        self.update_and_wake(|state| {
            state.queue.pushed(result.is_ok());
            match failure {
                Some(_) if state.is_running => state.queue.detach(),
                _ => Dropped::default(),
            }
        });
        if let Some(error) = failure {
            detached::post(pad, error);
        }
    }

    /// Runs the jobs, on the helper thread.
    fn run_jobs(&self, pad: &gst::Pad) {
        loop {
            // The guard of a `while let` would live through the push.
            let job = self.state.lock().jobs.next();
            match job {
                Some(Job::Event(event)) => drop(pad.push_event(event)),
                Some(Job::FlushStop(event)) => {
                    self.wait_for_push();
                    pad.push_event(event);
                    self.update_and_wake(|state| {
                        state.jobs.flush_stop_pushed();
                        Dropped::default()
                    });
                }
                Some(Job::Release) => deactivate(pad),
                None => {
                    self.flushed.notify_all();
                    return;
                }
            }
        }
    }

    fn wait_for_push(&self) {
        let mut state = self.state.lock();
        while state.is_running && state.is_pushing {
            state.is_push_awaited = true;
            self.push_returned.wait(&mut state);
        }
    }

    fn schedule(self: &Arc<Self>, owner: &Owner, job: Job) {
        let needs_helper = self.state.lock().jobs.add(job);
        if needs_helper {
            let tap = self.clone();
            let pad = owner.pad.clone();
            owner.element.call_async(move |_| tap.run_jobs(&pad));
        }
    }

    fn end(&self) {
        self.update_and_wake(|state| {
            state.is_running = false;
            state.queue.close()
        });
        self.push_returned.notify_all();
        self.flushed.notify_all();
    }

    /// Has the task wake the `others`. Returns false if it is awake already, and will not.
    fn accept_relay(&self, others: &Arc<[Entry]>) -> bool {
        let mut state = self.state.lock();
        if state.is_wake_due {
            state.relay = Some(others.clone());
        }
        state.is_wake_due
    }

    fn wake_if_due(&self) {
        if std::mem::take(&mut self.state.lock().is_wake_due) {
            self.wake.notify_one();
        }
    }

    /// Changes the state, and wakes the task if it waits and has something to do.
    fn update_and_wake(&self, change: impl FnOnce(&mut State) -> Dropped) {
        if self.update(change) {
            self.wake.notify_one();
        }
    }

    /// Changes the state and returns whether the caller has to wake the task. Frees what was
    /// dropped after unlocking.
    fn update(&self, change: impl FnOnce(&mut State) -> Dropped) -> bool {
        let (_dropped, has_to_wake) = {
            let mut state = self.state.lock();
            let dropped = change(&mut state);
            let has_to_wake = state.is_waiting
                && (!state.is_running || (!state.queue.is_empty() && !state.jobs.is_flushing()));
            if has_to_wake {
                // One wake-up is enough for everything that arrives before the task runs.
                state.is_waiting = false;
                state.is_wake_due = true;
            }
            (dropped, has_to_wake)
        };
        has_to_wake
    }
}

/// Deactivates a released pad, which waits for its task.
fn deactivate(pad: &gst::Pad) {
    // Set when the pad was added. With this flag a pad without an element cannot be deactivated.
    pad.unset_pad_flags(gst::PadFlags::NEED_PARENT);
    drop(pad.set_active(false));
}

/// Gives a buffer to all taps with `offer`, and wakes the tasks that wait for one.
///
/// Waking a thread takes longer than everything else here. So the main flow wakes one task, which
/// wakes the others before it does anything else.
pub(super) fn offer_all(entries: &Arc<[Entry]>, offer: impl Fn(&Tap) -> bool) {
    let mut to_wake = entries.iter().filter(|entry| offer(&entry.tap));
    let Some(first) = to_wake.next() else {
        return;
    };
    if to_wake.count() == 0 || first.tap.accept_relay(entries) {
        first.tap.wake.notify_one();
    } else {
        entries.iter().for_each(|entry| entry.tap.wake_if_due());
    }
}
