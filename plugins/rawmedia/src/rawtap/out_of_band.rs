//! Flushes and out-of-band events, which overtake a tap's buffers. First in, first out.
//!
//! A helper thread pushes them, because the branch may be stuck and upstream must not wait for it.
//! The number of waiting jobs is bounded.

use std::collections::VecDeque;

/// The maximum number of waiting out-of-band events. Only a stuck branch has that many.
const MAX_EVENTS: usize = 64;

/// A job of the helper thread.
#[derive(Debug)]
pub(super) enum Job {
    /// Push this event at once.
    Event(gst::Event),
    /// Push this FLUSH_STOP once the tap's task has no push in progress.
    FlushStop(gst::Event),
    /// Deactivate the released pad.
    Release,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    waiting: VecDeque<Job>,
    is_running: bool,
    /// Number of FLUSH_STOPs that are not pushed yet.
    stops: usize,
}

impl Jobs {
    /// Adds a job. Returns whether the caller has to start a helper thread; otherwise one is running.
    #[must_use]
    pub(super) fn add(&mut self, job: Job) -> bool {
        match &job {
            Job::Event(event) if event.type_() == gst::EventType::FlushStart => {
                self.merge_flushes()
            }
            Job::Event(_) => self.limit(),
            Job::FlushStop(_) => self.stops += 1,
            Job::Release => {}
        }
        self.waiting.push_back(job);
        !std::mem::replace(&mut self.is_running, true)
    }

    /// Returns the next job. On `None` the helper thread has to end.
    pub(super) fn next(&mut self) -> Option<Job> {
        let job = self.waiting.pop_front();
        self.is_running = job.is_some();
        job
    }

    /// Whether a helper thread is running.
    pub(super) fn is_running(&self) -> bool {
        self.is_running
    }

    /// Notes that a FLUSH_STOP was pushed.
    pub(super) fn flush_stop_pushed(&mut self) {
        self.stops = self.stops.saturating_sub(1);
    }

    /// Whether buffers have to wait for a FLUSH_STOP.
    pub(super) fn is_flushing(&self) -> bool {
        self.stops > 0
    }

    /// Merges a flush that has not begun with the one that follows it.
    fn merge_flushes(&mut self) {
        let start = self.waiting.iter().position(is_flush_start);
        let stop = self
            .waiting
            .iter()
            .rposition(|job| matches!(job, Job::FlushStop(_)));
        if let (Some(start), Some(stop)) = (start, stop)
            && start < stop
        {
            self.waiting.remove(stop);
            self.waiting.remove(start);
            self.stops = self.stops.saturating_sub(1);
        }
    }

    fn limit(&mut self) {
        let is_event = |job: &Job| matches!(job, Job::Event(_)) && !is_flush_start(job);
        if self.waiting.iter().filter(|job| is_event(job)).count() >= MAX_EVENTS
            && let Some(oldest) = self.waiting.iter().position(is_event)
        {
            self.waiting.remove(oldest);
        }
    }
}

fn is_flush_start(job: &Job) -> bool {
    matches!(job, Job::Event(event) if event.type_() == gst::EventType::FlushStart)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flush(jobs: &mut Jobs) {
        let _ = jobs.add(Job::Event(gst::event::FlushStart::new()));
        let _ = jobs.add(Job::FlushStop(gst::event::FlushStop::new(true)));
    }

    fn drain(jobs: &mut Jobs) -> Vec<String> {
        std::iter::from_fn(|| match jobs.next()? {
            Job::Event(event) => Some(event.type_().name().to_string()),
            Job::FlushStop(_) => {
                jobs.flush_stop_pushed();
                Some("flush-stop".into())
            }
            Job::Release => Some("release".into()),
        })
        .collect()
    }

    #[test]
    fn one_helper_runs_until_no_job_is_left() {
        gst::init().unwrap();
        let mut jobs = Jobs::default();
        assert!(jobs.add(Job::Event(gst::event::FlushStart::new())));
        assert!(!jobs.add(Job::Release));
        assert_eq!(drain(&mut jobs), ["flush-start", "release"]);
        assert!(jobs.add(Job::Release));
    }

    #[test]
    fn flushes_that_have_not_begun_become_one() {
        gst::init().unwrap();
        let mut jobs = Jobs::default();
        for _ in 0..100 {
            flush(&mut jobs);
        }
        assert!(jobs.is_flushing());
        assert_eq!(drain(&mut jobs), ["flush-start", "flush-stop"]);
        assert!(!jobs.is_flushing());
    }

    #[test]
    fn a_flush_that_has_begun_ends_before_the_next() {
        gst::init().unwrap();
        let mut jobs = Jobs::default();
        flush(&mut jobs);
        assert!(matches!(jobs.next(), Some(Job::Event(_))));
        for _ in 0..100 {
            flush(&mut jobs);
        }
        assert_eq!(
            drain(&mut jobs),
            ["flush-stop", "flush-start", "flush-stop"]
        );
        assert!(!jobs.is_flushing());
    }

    #[test]
    fn waiting_events_are_bounded() {
        gst::init().unwrap();
        let mut jobs = Jobs::default();
        flush(&mut jobs);
        for _ in 0..1000 {
            let event = gst::event::CustomDownstreamOob::new(gst::Structure::new_empty("a"));
            let _ = jobs.add(Job::Event(event));
        }
        assert_eq!(drain(&mut jobs).len(), 2 + MAX_EVENTS);
    }
}
