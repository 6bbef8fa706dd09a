//! The queue between a received stream and one pad that reads it.
//!
//! The writing side never waits: where the reader is slow the oldest is dropped and counted. What
//! the reader's pipeline holds back on purpose, for its latency, does not count as slow.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acscall::model::Participant;

/// Audio that may wait for a slow reader.
const AUDIO_LIMIT: gst::ClockTime = gst::ClockTime::from_mseconds(200);
/// Video frames that may wait for a slow reader.
const VIDEO_LIMIT: usize = 3;

/// A pipeline's latency beyond this counts as slowness: raw frames are large.
const SLACK_LIMIT: gst::ClockTime = gst::ClockTime::from_seconds(1);

/// What comes out of a [`ReaderQueue`].
#[derive(Debug)]
pub(crate) enum Item {
    /// From now on the stream is this participant's, or nobody's.
    Bound(Option<Participant>),
    /// Whether the stream's sender has a running, unmuted source.
    Available(bool),
    /// A raw frame or block of samples. Its PTS is the time of the system clock
    /// ([`gst::SystemClock::obtain`]) at which it is due before any latency.
    Media(gst::Caps, gst::Buffer),
    /// The call is over.
    Ended,
}

/// What [`ReaderQueue::pop`] found.
#[derive(Debug)]
pub(crate) enum Popped {
    /// The next item.
    Item(Item),
    /// Nothing came in the given time.
    Nothing,
    /// The queue is flushing.
    Flushing,
}

/// How far a queue is allowed to fill.
#[derive(Clone, Copy, Debug)]
enum Limit {
    Frames(usize),
    Time(gst::ClockTime),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct ReaderQueue {
    limit: Limit,
    state: Mutex<State>,
    came: Condvar,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    slack: gst::ClockTime,
    flushing: bool,
    received: u64,
    dropped: u64,
}

/// A queue's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Buffers that came in.
    pub(crate) received: u64,
    /// Buffers dropped because the reader was slow.
    pub(crate) dropped: u64,
    /// Buffers that wait.
    pub(crate) queued: u64,
}

impl ReaderQueue {
    /// A queue for samples: 200 ms of them.
    pub(crate) fn audio() -> ReaderQueue {
        ReaderQueue::new(Limit::Time(AUDIO_LIMIT))
    }

    /// A queue for frames: three.
    pub(crate) fn video() -> ReaderQueue {
        ReaderQueue::new(Limit::Frames(VIDEO_LIMIT))
    }

    fn new(limit: Limit) -> ReaderQueue {
        ReaderQueue {
            limit,
            state: Mutex::default(),
            came: Condvar::new(),
        }
    }

    /// Puts an item in; drops the oldest media beyond the limit.
    pub(crate) fn push(&self, item: Item) {
        let mut state = self.lock();
        let is_media = matches!(item, Item::Media(..));
        if is_media && state.flushing {
            return;
        }
        state.items.push_back(item);
        if is_media {
            state.received += 1;
            while state.is_over(self.limit) {
                state.drop_oldest_media();
            }
        }
        drop(state);
        self.came.notify_one();
    }

    /// Takes the next item, waiting up to `timeout` for one.
    pub(crate) fn pop(&self, timeout: Duration) -> Popped {
        let (mut state, _) = self
            .came
            .wait_timeout_while(self.lock(), timeout, |state| {
                !state.flushing && state.items.is_empty()
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.flushing {
            return Popped::Flushing;
        }
        match state.items.pop_front() {
            Some(item) => Popped::Item(item),
            None => Popped::Nothing,
        }
    }

    /// Flushing, no media is taken and a waiting [`ReaderQueue::pop`] returns. All else is
    /// still queued: it tells whose the stream is.
    pub(crate) fn set_flushing(&self, flushing: bool) {
        self.lock().flushing = flushing;
        self.came.notify_all();
    }

    /// What is older than the newest by less than `slack` may wait beyond the limit: a reader
    /// whose pipeline has this latency takes nothing earlier.
    pub(crate) fn set_slack(&self, slack: gst::ClockTime) {
        self.lock().slack = slack.min(SLACK_LIMIT);
    }

    /// What was counted.
    pub(crate) fn counts(&self) -> Counts {
        let state = self.lock();
        Counts {
            received: state.received,
            dropped: state.dropped,
            queued: state.media().count() as u64,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn media(&self) -> impl Iterator<Item = &gst::Buffer> {
        self.items.iter().filter_map(|item| match item {
            Item::Media(_, buffer) => Some(buffer),
            _ => None,
        })
    }

    fn is_over(&self, limit: Limit) -> bool {
        match limit {
            Limit::Frames(frames) => self.overdue().count() > frames,
            Limit::Time(time) => {
                self.overdue()
                    .filter_map(|buffer| buffer.duration())
                    .sum::<gst::ClockTime>()
                    > time
            }
        }
    }

    /// What is older than the newest by the slack or more.
    fn overdue(&self) -> impl Iterator<Item = &gst::Buffer> {
        let newest = self.media().last().and_then(|buffer| buffer.pts());
        self.media().filter(move |buffer| {
            newest
                .zip(buffer.pts())
                .is_none_or(|(newest, pts)| pts + self.slack <= newest)
        })
    }

    fn drop_oldest_media(&mut self) {
        if let Some(oldest) = self
            .items
            .iter()
            .position(|item| matches!(item, Item::Media(..)))
        {
            self.items.remove(oldest);
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u64) -> Item {
        let mut buffer = gst::Buffer::new();
        let metadata = buffer.get_mut().unwrap();
        metadata.set_pts(gst::ClockTime::from_mseconds(40 * number));
        metadata.set_duration(gst::ClockTime::from_mseconds(40));
        Item::Media(gst::Caps::new_empty_simple("x/y"), buffer)
    }

    fn waiting(queue: &ReaderQueue) -> Vec<u64> {
        std::iter::from_fn(|| match queue.pop(Duration::ZERO) {
            Popped::Item(Item::Media(_, buffer)) => Some(buffer.pts().unwrap().mseconds() / 40),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn a_slow_reader_gets_the_newest() {
        gst::init().unwrap();
        let queue = ReaderQueue::video();
        (0..10).for_each(|number| queue.push(frame(number)));
        assert_eq!(
            queue.counts(),
            Counts {
                received: 10,
                dropped: 7,
                queued: 3
            }
        );
        assert_eq!(waiting(&queue), [7, 8, 9]);
        let queue = ReaderQueue::audio();
        (0..10).for_each(|number| queue.push(frame(number)));
        assert_eq!(waiting(&queue), [5, 6, 7, 8, 9]);
    }

    #[test]
    fn what_the_pipeline_holds_back_for_its_latency_is_kept() {
        gst::init().unwrap();
        let queue = ReaderQueue::video();
        queue.set_slack(gst::ClockTime::from_mseconds(240));
        (0..20).for_each(|number| queue.push(frame(number)));
        // Six frames are younger than 240 ms, and three may be late.
        assert_eq!(waiting(&queue), [11, 12, 13, 14, 15, 16, 17, 18, 19]);
    }

    #[test]
    fn flushing_takes_no_media_but_still_what_tells_of_the_stream() {
        gst::init().unwrap();
        let queue = ReaderQueue::video();
        queue.set_flushing(true);
        queue.push(frame(0));
        queue.push(Item::Available(true));
        assert!(matches!(
            queue.pop(Duration::from_secs(9)),
            Popped::Flushing
        ));
        queue.set_flushing(false);
        assert!(matches!(
            queue.pop(Duration::ZERO),
            Popped::Item(Item::Available(true))
        ));
        assert!(matches!(queue.pop(Duration::ZERO), Popped::Nothing));
    }
}
