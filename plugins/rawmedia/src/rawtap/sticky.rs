//! Sticky events: the newest of each kind, in the order in which a pad has to send them.

use gst::glib::translate::IntoGlib;

/// A sorted set of sticky events.
#[derive(Clone, Debug, Default)]
pub(super) struct StickyEvents(Vec<gst::Event>);

impl StickyEvents {
    /// Stores an event and returns the events that it supersedes.
    pub(super) fn store(&mut self, event: gst::Event) -> Vec<gst::Event> {
        let mut superseded = Vec::new();
        if event.type_() == gst::EventType::StreamStart {
            // These belong to the previous stream; pads remove them too.
            superseded = self.remove(&[
                gst::EventType::Eos,
                gst::EventType::StreamGroupDone,
                gst::EventType::Tag,
            ]);
        }
        if let Some(older) = self.0.iter_mut().find(|older| is_same_kind(older, &event)) {
            superseded.push(std::mem::replace(older, event));
            return superseded;
        }
        let place = self
            .0
            .partition_point(|other| order(other) <= order(&event));
        self.0.insert(place, event);
        superseded
    }

    /// Removes and returns the events that a flush clears: the segment and the end of the stream.
    pub(super) fn flush(&mut self) -> Vec<gst::Event> {
        self.remove(&[
            gst::EventType::Eos,
            gst::EventType::StreamGroupDone,
            gst::EventType::Segment,
        ])
    }

    /// Removes and returns the first event.
    pub(super) fn pop(&mut self) -> Option<gst::Event> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }

    /// Iterates in sending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &gst::Event> {
        self.0.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn remove(&mut self, types: &[gst::EventType]) -> Vec<gst::Event> {
        self.0
            .extract_if(.., |event| types.contains(&event.type_()))
            .collect()
    }
}

impl IntoIterator for StickyEvents {
    type Item = gst::Event;
    type IntoIter = std::vec::IntoIter<gst::Event>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

fn is_same_kind(one: &gst::Event, other: &gst::Event) -> bool {
    one.type_() == other.type_()
        && (!one.is_sticky_multi()
            || one.structure().map(|structure| structure.name())
                == other.structure().map(|structure| structure.name()))
}

/// Returns the rank of a sticky event in the order in which pads send them.
fn order(event: &gst::Event) -> i32 {
    match event.type_() {
        // Its number is high, but it has to follow the segment that it changes.
        gst::EventType::InstantRateChange => gst::EventType::Segment.into_glib() + 1,
        other => other.into_glib(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(stickies: &StickyEvents) -> Vec<gst::EventType> {
        stickies.iter().map(|event| event.type_()).collect()
    }

    fn custom(name: &str) -> gst::Event {
        gst::event::CustomDownstreamSticky::new(gst::Structure::new_empty(name))
    }

    #[test]
    fn events_have_the_order_of_pads_whatever_the_order_of_arrival() {
        gst::init().unwrap();
        let mut stickies = StickyEvents::default();
        stickies.store(gst::event::Tag::new(gst::TagList::new()));
        stickies.store(gst::event::Eos::new());
        stickies.store(gst::event::Segment::new(&gst::FormattedSegment::<
            gst::ClockTime,
        >::new()));
        stickies.store(gst::event::Caps::new(&gst::Caps::new_empty_simple("a/b")));
        assert_eq!(
            names(&stickies),
            [
                gst::EventType::Caps,
                gst::EventType::Segment,
                gst::EventType::Tag,
                gst::EventType::Eos
            ]
        );
    }

    #[test]
    fn each_name_of_custom_events_is_its_own_kind() {
        gst::init().unwrap();
        let mut stickies = StickyEvents::default();
        assert!(stickies.store(custom("a")).is_empty());
        assert!(stickies.store(custom("b")).is_empty());
        assert_eq!(stickies.store(custom("a")).len(), 1);
        assert_eq!(stickies.iter().count(), 2);
    }

    #[test]
    fn a_new_stream_removes_tags_and_eos_of_the_previous_one() {
        gst::init().unwrap();
        let mut stickies = StickyEvents::default();
        stickies.store(gst::event::StreamStart::new("one"));
        stickies.store(gst::event::Tag::new(gst::TagList::new()));
        stickies.store(gst::event::Eos::new());
        assert_eq!(stickies.store(gst::event::StreamStart::new("two")).len(), 3);
        assert_eq!(names(&stickies), [gst::EventType::StreamStart]);
    }

    #[test]
    fn a_flush_removes_only_the_segment_and_eos() {
        gst::init().unwrap();
        let mut stickies = StickyEvents::default();
        stickies.store(gst::event::StreamStart::new("one"));
        stickies.store(gst::event::Segment::new(&gst::FormattedSegment::<
            gst::ClockTime,
        >::new()));
        stickies.store(gst::event::Eos::new());
        assert_eq!(stickies.flush().len(), 2);
        assert_eq!(names(&stickies), [gst::EventType::StreamStart]);
    }
}
