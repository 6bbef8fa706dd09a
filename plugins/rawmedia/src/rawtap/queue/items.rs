//! Buffers and serialized events in order.
//!
//! Sticky events with nothing in between are one set, in which the newest of each kind is left.

use std::collections::VecDeque;

use crate::rawtap::sticky::StickyEvents;

/// Events that are not sticky (gaps, custom ones) wait in at most this number. Only a branch that
/// does not read at all has so many.
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

/// What goes out next.
#[derive(Debug)]
pub(in crate::rawtap) enum Output {
    /// To be pushed; [`pushed`](super::TapQueue::pushed) has to be told.
    Buffer(gst::Buffer),
    Event(gst::Event),
}

/// What was dropped. To be let go of where no lock is held.
#[derive(Debug, Default)]
pub(in crate::rawtap) struct Dropped {
    /// One fits without an allocation: that is what a slow branch loses per buffer.
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

    /// How many went.
    pub(super) fn drop_oldest(&mut self, dropped: &mut Dropped) -> usize {
        let oldest = self.items.iter().position(is_buffer);
        oldest.map_or(0, |position| self.drop_buffer(position, dropped))
    }

    /// How many went.
    pub(super) fn drop_newest(&mut self, dropped: &mut Dropped) -> usize {
        let newest = self.items.iter().rposition(is_buffer);
        newest.map_or(0, |position| self.drop_buffer(position, dropped))
    }

    /// Drops the buffers before a sticky event, or all if there is none such. How many went, and
    /// whether there is one.
    pub(super) fn drop_before(
        &mut self,
        is_wanted: impl Fn(&gst::Event) -> bool,
        dropped: &mut Dropped,
    ) -> (usize, bool) {
        let holds = |item: &Item| matches!(item, Item::StickyEvents(stickies) if stickies.iter().any(&is_wanted));
        let end = self.items.iter().position(holds);
        let before = self.items.iter().take(end.unwrap_or(self.items.len()));
        let count = before.filter(|item| is_buffer(item)).count();
        let went = (0..count).map(|_| self.drop_oldest(dropped)).sum();
        (went, end.is_some())
    }

    /// Drops everything but sticky events. How many buffers went.
    pub(super) fn drop_all_but_stickies(&mut self, dropped: &mut Dropped) -> usize {
        let mut left = StickyEvents::default();
        for item in self.items.drain(..) {
            match item {
                Item::Buffer(buffer) => dropped.push(buffer),
                Item::Event(event) => dropped.events.push(event),
                Item::StickyEvents(stickies) => {
                    for event in stickies {
                        dropped.events.extend(left.store(event));
                    }
                }
            }
        }
        dropped.events.extend(left.flush());
        if !left.is_empty() {
            self.items.push_back(Item::StickyEvents(left));
        }
        self.events = 0;
        std::mem::take(&mut self.buffers)
    }

    /// Drops everything. How many buffers went.
    pub(super) fn drop_all(&mut self, dropped: &mut Dropped) -> usize {
        let went = self.drop_all_but_stickies(dropped);
        while let Some(Output::Event(event)) = self.pop() {
            dropped.events.push(event);
        }
        went
    }

    /// Replaces each buffer by what `replace` makes of it; where that is nothing, it is dropped.
    /// How many went.
    pub(super) fn replace(
        &mut self,
        replace: impl Fn(&gst::Buffer) -> Option<gst::Buffer>,
        dropped: &mut Dropped,
    ) -> usize {
        let mut went = 0;
        for position in (0..self.items.len()).rev() {
            let Some(Item::Buffer(buffer)) = self.items.get_mut(position) else {
                continue;
            };
            match replace(buffer) {
                Some(other) => dropped.push(std::mem::replace(buffer, other)),
                None => went += self.drop_buffer(position, dropped),
            }
        }
        went
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

    /// What lay between the items before and at `position` is gone: sticky events on both sides
    /// become one set.
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
