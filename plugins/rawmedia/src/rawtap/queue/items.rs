//! Buffers and serialized events in order.
//!
//! Adjacent sticky events form one set, which keeps the newest of each kind.

use std::collections::VecDeque;

use crate::rawtap::sticky::StickyEvents;

/// The maximum number of queued events that are not sticky, such as gaps and custom events. Only a
/// branch that does not read at all has that many.
pub(super) const MAX_EVENTS: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Items {
    items: VecDeque<Item>,
    buffers: usize,
    events: usize,
}

#[derive(Debug)]
enum Item {
    Buffer(gst::Buffer),
    StickyEvents(StickyEvents),
    /// Any other serialized event, and EOS.
    Event(gst::Event),
}

/// The next item to push.
#[derive(Debug)]
pub(in crate::rawtap) enum Output {
    /// Call [`pushed`](super::TapQueue::pushed) after the push.
    Buffer(gst::Buffer),
    Event(gst::Event),
}

/// Dropped buffers and events, to be freed without a lock.
#[derive(Debug, Default)]
pub(in crate::rawtap) struct Dropped {
    /// One buffer fits without an allocation; a slow branch drops one at a time.
    buffer: Option<gst::Buffer>,
    buffers: Vec<gst::Buffer>,
    events: Vec<gst::Event>,
}

impl Dropped {
    fn push(&mut self, buffer: gst::Buffer) {
        if let Some(other) = self.buffer.replace(buffer) {
            self.buffers.push(other);
        }
    }
}

impl Items {
    /// The number of buffers.
    pub(super) fn buffers(&self) -> usize {
        self.buffers
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn push(&mut self, buffer: gst::Buffer) {
        self.items.push_back(Item::Buffer(buffer));
        self.buffers += 1;
    }

    pub(super) fn push_event(&mut self, event: gst::Event, dropped: &mut Dropped) {
        if !event.is_sticky() || event.type_() == gst::EventType::Eos {
            self.items.push_back(Item::Event(event));
            self.events += 1;
            if self.events > MAX_EVENTS {
                self.drop_oldest_event(dropped);
            }
        } else if let Some(Item::StickyEvents(stickies)) = self.items.back_mut() {
            dropped.events.extend(stickies.store(event));
        } else {
            let mut stickies = StickyEvents::default();
            stickies.store(event);
            self.items.push_back(Item::StickyEvents(stickies));
        }
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        match self.items.pop_front()? {
            Item::Buffer(buffer) => {
                self.buffers -= 1;
                Some(Output::Buffer(buffer))
            }
            Item::Event(event) => {
                self.events -= 1;
                Some(Output::Event(event))
            }
            Item::StickyEvents(mut stickies) => {
                let event = stickies.pop()?;
                if !stickies.is_empty() {
                    self.items.push_front(Item::StickyEvents(stickies));
                }
                Some(Output::Event(event))
            }
        }
    }

    /// Drops the oldest buffer. Returns the number of dropped buffers.
    pub(super) fn drop_oldest(&mut self, dropped: &mut Dropped) -> usize {
        let oldest = self.items.iter().position(is_buffer);
        oldest.map_or(0, |position| self.drop_buffer(position, dropped))
    }

    /// Drops the newest buffer. Returns the number of dropped buffers.
    pub(super) fn drop_newest(&mut self, dropped: &mut Dropped) -> usize {
        let newest = self.items.iter().rposition(is_buffer);
        newest.map_or(0, |position| self.drop_buffer(position, dropped))
    }

    /// Drops the buffers before the first sticky event that `matches` accepts, or all buffers if
    /// there is none. Returns the number of dropped buffers, and whether there is such an event.
    pub(super) fn drop_before(
        &mut self,
        matches: impl Fn(&gst::Event) -> bool,
        dropped: &mut Dropped,
    ) -> (usize, bool) {
        let holds = |item: &Item| matches!(item, Item::StickyEvents(stickies) if stickies.iter().any(&matches));
        let end = self.items.iter().position(holds);
        let before = self.items.iter().take(end.unwrap_or(self.items.len()));
        let count = before.filter(|item| is_buffer(item)).count();
        let dropped_count = (0..count).map(|_| self.drop_oldest(dropped)).sum();
        (dropped_count, end.is_some())
    }

    /// Drops everything but sticky events. Returns the number of dropped buffers.
    pub(super) fn drop_all_but_stickies(&mut self, dropped: &mut Dropped) -> usize {
        let mut kept = StickyEvents::default();
        for item in self.items.drain(..) {
            match item {
                Item::Buffer(buffer) => dropped.push(buffer),
                Item::Event(event) => dropped.events.push(event),
                Item::StickyEvents(stickies) => {
                    for event in stickies {
                        dropped.events.extend(kept.store(event));
                    }
                }
            }
        }
        dropped.events.extend(kept.flush());
        if !kept.is_empty() {
            self.items.push_back(Item::StickyEvents(kept));
        }
        self.events = 0;
        std::mem::take(&mut self.buffers)
    }

    /// Drops everything. Returns the number of dropped buffers.
    pub(super) fn drop_all(&mut self, dropped: &mut Dropped) -> usize {
        let count = self.drop_all_but_stickies(dropped);
        while let Some(Output::Event(event)) = self.pop() {
            dropped.events.push(event);
        }
        count
    }

    /// Replaces each buffer with the result of `replace`, and drops it if there is none. Returns the
    /// number of dropped buffers.
    pub(super) fn replace(
        &mut self,
        replace: impl Fn(&gst::Buffer) -> Option<gst::Buffer>,
        dropped: &mut Dropped,
    ) -> usize {
        let mut count = 0;
        for position in (0..self.items.len()).rev() {
            let Some(Item::Buffer(buffer)) = self.items.get_mut(position) else {
                continue;
            };
            match replace(buffer) {
                Some(other) => dropped.push(std::mem::replace(buffer, other)),
                None => count += self.drop_buffer(position, dropped),
            }
        }
        count
    }

    fn drop_buffer(&mut self, position: usize, dropped: &mut Dropped) -> usize {
        let Some(Item::Buffer(buffer)) = self.items.remove(position) else {
            return 0;
        };
        self.buffers -= 1;
        dropped.push(buffer);
        self.join_stickies(position, dropped);
        1
    }

    fn drop_oldest_event(&mut self, dropped: &mut Dropped) {
        let oldest = self
            .items
            .iter()
            .position(|item| matches!(item, Item::Event(_)));
        let Some(position) = oldest else { return };
        if let Some(Item::Event(event)) = self.items.remove(position) {
            self.events -= 1;
            dropped.events.push(event);
            self.join_stickies(position, dropped);
        }
    }

    /// Merges the sticky events on both sides of a removed item. `position` is that of the item after
    /// it.
    fn join_stickies(&mut self, position: usize, dropped: &mut Dropped) {
        let Some(before) = position.checked_sub(1) else {
            return;
        };
        if !matches!(self.items.get(before), Some(Item::StickyEvents(_)))
            || !matches!(self.items.get(position), Some(Item::StickyEvents(_)))
        {
            return;
        }
        if let Some(Item::StickyEvents(later)) = self.items.remove(position)
            && let Some(Item::StickyEvents(earlier)) = self.items.get_mut(before)
        {
            for event in later {
                dropped.events.extend(earlier.store(event));
            }
        }
    }
}

fn is_buffer(item: &Item) -> bool {
    matches!(item, Item::Buffer(_))
}
