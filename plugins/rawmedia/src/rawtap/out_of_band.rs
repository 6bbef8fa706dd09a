//! What overtakes the buffers of a tap: flushes and events out of band, first in, first out.
//!
//! A thread of its own sends them downstream of the tap, because a branch may be stuck: upstream
//! must not wait for it. What has not begun yet is bounded.

use std::collections::VecDeque;

/// Out-of-band events wait in at most this number. Only a stuck branch has so many.
const MAX_EVENTS: usize = 64;

/// What is to be done.
#[derive(Debug)]
pub(super) enum Job {
    /// To be pushed at once.
    Event(gst::Event),
    /// A FLUSH_STOP, to be pushed once the tap's task pushes nothing.
    FlushStop(gst::Event),
    /// The pad was released.
    Retire,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    waiting: VecDeque<Job>,
    is_running: bool,
    /// FLUSH_STOPs that were not pushed yet.
    stops: usize,
}

impl Jobs {
    /// Whether somebody has to be called to do it: if not, somebody is at it already.
    #[must_use]
    pub(super) fn add(&mut self, job: Job) -> bool {
        match &job {
            Job::Event(event) if event.type_() == gst::EventType::FlushStart => {
                self.merge_flushes()
            }
            Job::Event(_) => self.limit(),
            Job::FlushStop(_) => self.stops += 1,
            Job::Retire => {}
        }
        self.waiting.push_back(job);
        !std::mem::replace(&mut self.is_running, true)
    }

    /// The next one; with none left, whoever asks has to stop.
    pub(super) fn next(&mut self) -> Option<Job> {
        let job = self.waiting.pop_front();
        self.is_running = job.is_some();
        job
    }

    /// Whether somebody is at it.
    pub(super) fn is_running(&self) -> bool {
        self.is_running
    }

    /// A FLUSH_STOP was pushed.
    pub(super) fn stopped(&mut self) {
        self.stops = self.stops.saturating_sub(1);
    }

    /// Whether buffers have to wait for a FLUSH_STOP.
    pub(super) fn is_flushing(&self) -> bool {
        self.stops > 0
    }

    /// A flush that has not begun is as good as the one that follows it.
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
                jobs.stopped();
                Some("flush-stop".into())
            }
            Job::Retire => Some("retire".into()),
        })
        .collect()
    }

    #[test]
    fn somebody_is_called_once_until_all_is_done() {
        gst::init().unwrap();
        let mut jobs = Jobs::default();
        assert!(jobs.add(Job::Event(gst::event::FlushStart::new())));
        assert!(!jobs.add(Job::Retire));
        assert_eq!(drain(&mut jobs), ["flush-start", "retire"]);
        assert!(jobs.add(Job::Retire));
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
    fn events_that_nobody_takes_are_bounded() {
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
