//! The queue between a received stream and one pad that reads it.
//!
//! The writing side never waits: with a slow reader the queue drops its oldest media and counts
//! it. Media that the reader's pipeline holds back for its latency does not make it slow, whatever
//! the latency is; only its size is limited.

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Duration;

use acscall::model::Participant;
use parking_lot::{Condvar, Mutex};

use super::time::system_time;

/// How much audio may wait for a slow reader.
const AUDIO_LIMIT: gst::ClockTime = gst::ClockTime::from_mseconds(200);
/// How many video frames may wait for a slow reader.
const VIDEO_LIMIT: usize = 3;

/// How many bytes may wait in any case: 5.7 s of 1080p30, or 46 minutes of stereo.
const SIZE_LIMIT: usize = 512 << 20;

/// The minimum time between two notifications of dropped buffers.
const NOTIFICATION_INTERVAL: gst::ClockTime = gst::ClockTime::from_seconds(1);

/// An item of a [`ReaderQueue`].
#[derive(Debug)]
pub(crate) enum Item {
    /// The stream is this participant's, or nobody's, from now on.
    Bound(Option<Participant>),
    /// Whether the stream's sender has a running, unmuted source.
    Available(bool),
    /// A raw frame or block of samples. Its PTS is the system clock's time
    /// ([`gst::SystemClock::obtain`]) at which it is due, without any latency.
    Media(gst::Caps, gst::Buffer),
    /// The call is over.
    Ended,
}

/// The result of [`ReaderQueue::pop`].
#[derive(Debug)]
pub(crate) enum Popped {
    Item(Item),
    /// The timeout has passed.
    Nothing,
    Flushing,
}

/// How much media a queue holds.
#[derive(Clone, Copy, Debug)]
enum Limit {
    Frames(usize),
    Time(gst::ClockTime),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct ReaderQueue {
    limit: Limit,
    size_limit: usize,
    state: Mutex<State>,
    changed: Condvar,
    listener: OnceLock<DropListener>,
}

/// Called with the number of dropped buffers so far, on the writing thread.
struct DropListener(Box<dyn Fn(u64) + Send + Sync>);

impl std::fmt::Debug for DropListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DropListener")
    }
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    /// The size of the waiting media, in bytes.
    size: usize,
    slack: gst::ClockTime,
    flushing: bool,
    received: u64,
    dropped: u64,
    /// The system clock's time of the last notification.
    notified: Option<gst::ClockTime>,
}

/// A queue's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Buffers received.
    pub(crate) received: u64,
    /// Buffers dropped because the reader was slow.
    pub(crate) dropped: u64,
    /// Buffers waiting.
    pub(crate) queued: u64,
}

impl ReaderQueue {
    /// A queue that holds 200 ms of samples.
    pub(crate) fn audio() -> ReaderQueue {
        ReaderQueue::new(Limit::Time(AUDIO_LIMIT))
    }

    /// A queue that holds three frames.
    pub(crate) fn video() -> ReaderQueue {
        ReaderQueue::new(Limit::Frames(VIDEO_LIMIT))
    }

    fn new(limit: Limit) -> ReaderQueue {
        ReaderQueue {
            limit,
            size_limit: SIZE_LIMIT,
            state: Mutex::default(),
            changed: Condvar::new(),
            listener: OnceLock::new(),
        }
    }

    /// Calls `listener` with the number of buffers dropped so far, after one has been dropped but
    /// at most once per second.
    pub(crate) fn on_drop(&self, listener: impl Fn(u64) + Send + Sync + 'static) {
        self.listener
            .get_or_init(|| DropListener(Box::new(listener)));
    }

    /// Adds an item and drops the oldest media beyond the limit.
    pub(crate) fn push(&self, item: Item) {
        let mut state = self.state.lock();
        let before = state.dropped;
        if let Item::Media(_, buffer) = &item {
            if state.flushing {
                return;
            }
            state.received += 1;
            state.size += buffer.size();
            state.items.push_back(item);
            while state.exceeds(self.limit) || state.size > self.size_limit {
                state.drop_oldest_media();
            }
        } else {
            state.items.push_back(item);
        }
        let dropped = state.dropped;
        let is_new = dropped > before && state.is_notification_due();
        drop(state);
        self.changed.notify_one();
        if is_new && let Some(DropListener(listener)) = self.listener.get() {
            listener(dropped);
        }
    }

    /// Takes the next item, waiting up to `timeout` for one.
    pub(crate) fn pop(&self, timeout: Duration) -> Popped {
        let mut state = self.state.lock();
        let is_idle = |state: &mut State| !state.flushing && state.items.is_empty();
        self.changed.wait_while_for(&mut state, is_idle, timeout);
        if state.flushing {
            return Popped::Flushing;
        }
        match state.remove(0) {
            Some(item) => Popped::Item(item),
            None => Popped::Nothing,
        }
    }

    /// Starts or stops flushing. A flushing queue drops new media, and a waiting
    /// [`ReaderQueue::pop`] returns. Other items are still queued: they say whose the stream is.
    pub(crate) fn set_flushing(&self, flushing: bool) {
        self.state.lock().flushing = flushing;
        self.changed.notify_all();
    }

    /// Exempts media from the limit that is less than `slack` older than the newest: a reader whose
    /// pipeline has this latency does not take it earlier.
    pub(crate) fn set_slack(&self, slack: gst::ClockTime) {
        self.state.lock().slack = slack;
    }

    /// Returns the queue's counters.
    pub(crate) fn counts(&self) -> Counts {
        let state = self.state.lock();
        Counts {
            received: state.received,
            dropped: state.dropped,
            queued: state.media().count() as u64,
        }
    }
}

impl State {
    fn media(&self) -> impl DoubleEndedIterator<Item = &gst::Buffer> {
        self.items.iter().filter_map(|item| match item {
            Item::Media(_, buffer) => Some(buffer),
            _ => None,
        })
    }

    fn is_notification_due(&mut self) -> bool {
        let now = system_time();
        let is_due = self
            .notified
            .is_none_or(|last| now >= last + NOTIFICATION_INTERVAL);
        if is_due {
            self.notified = Some(now);
        }
        is_due
    }

    fn exceeds(&self, limit: Limit) -> bool {
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

    /// The media that is older than the newest by the slack or more.
    fn overdue(&self) -> impl Iterator<Item = &gst::Buffer> {
        let newest = self.media().next_back().and_then(|buffer| buffer.pts());
        self.media().filter(move |buffer| {
            newest
                .zip(buffer.pts())
                .is_none_or(|(newest, pts)| pts + self.slack <= newest)
        })
    }

    fn remove(&mut self, index: usize) -> Option<Item> {
        let item = self.items.remove(index)?;
        if let Item::Media(_, buffer) = &item {
            self.size -= buffer.size();
        }
        Some(item)
    }

    fn drop_oldest_media(&mut self) {
        if let Some(oldest) = self
            .items
            .iter()
            .position(|item| matches!(item, Item::Media(..)))
        {
            self.remove(oldest);
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME_SIZE: usize = 100;

    fn frame(number: u64) -> Item {
        let mut buffer = gst::Buffer::with_size(FRAME_SIZE).unwrap();
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
    fn dropped_buffers_are_notified_at_most_once_per_second() {
        gst::init().unwrap();
        let queue = ReaderQueue::video();
        let (sender, notified) = std::sync::mpsc::channel();
        queue.on_drop(move |dropped| sender.send(dropped).unwrap());
        (0..10).for_each(|number| queue.push(frame(number)));
        assert_eq!(notified.try_iter().collect::<Vec<_>>(), [1]);
        queue.state.lock().notified = Some(gst::ClockTime::ZERO);
        queue.push(frame(10));
        assert_eq!(notified.try_iter().collect::<Vec<_>>(), [8]);
    }

    #[test]
    fn a_queue_keeps_what_the_pipeline_holds_back_for_its_latency() {
        gst::init().unwrap();
        let queue = ReaderQueue::video();
        queue.set_slack(gst::ClockTime::from_mseconds(240));
        (0..20).for_each(|number| queue.push(frame(number)));
        // Six frames are younger than 240 ms, and three may be late.
        assert_eq!(waiting(&queue), [11, 12, 13, 14, 15, 16, 17, 18, 19]);
        // A minute.
        queue.set_slack(gst::ClockTime::from_seconds(60));
        (0..1500).for_each(|number| queue.push(frame(number)));
        assert_eq!(waiting(&queue).len(), 1500);
    }

    #[test]
    fn a_queue_of_large_frames_is_limited_in_size() {
        gst::init().unwrap();
        let queue = ReaderQueue {
            size_limit: 5 * FRAME_SIZE,
            ..ReaderQueue::video()
        };
        queue.set_slack(gst::ClockTime::from_seconds(60));
        for _ in 0..2 {
            (0..20).for_each(|number| queue.push(frame(number)));
            assert_eq!(waiting(&queue), [15, 16, 17, 18, 19]);
        }
        assert_eq!(queue.counts().dropped, 30);
    }

    #[test]
    fn a_flushing_queue_takes_all_items_but_media() {
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
