//! The events and times of one stream, in their order.

use std::collections::VecDeque;

use acscall::model::Participant;
use gst::prelude::*;

use crate::call::time::Translator;
use crate::common::shown_name;

/// A buffer that is older than the one before by less than this is a leftover, from before a
/// pause or of the participant before. By more, the sender's time began anew.
const LEFTOVER: gst::ClockTime = gst::ClockTime::from_seconds(1);

/// What does not change while a stream flows.
#[derive(Clone, Debug)]
pub(super) struct StreamInfo {
    /// The call, or what stands for it in stream ids.
    pub(super) call: String,
    /// The name of the pad.
    pub(super) pad: String,
    /// `audio`, `video` or `screen`.
    pub(super) kind: &'static str,
    /// That of all streams of the element.
    pub(super) group: gst::GroupId,
    /// Whose stream it is going to be, where that is known.
    pub(super) user: Option<String>,
    /// What the stream will look like, where that is known before it comes.
    pub(super) caps: Option<gst::Caps>,
}

/// What goes out.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// First these.
    pub(super) events: VecDeque<gst::Event>,
    /// Then this.
    pub(super) buffer: Option<gst::Buffer>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct EventSequencer {
    names: StreamInfo,
    translator: Translator,
    /// The user of the stream id; that of the first binding.
    user: Option<String>,
    started: bool,
    caps: Option<gst::Caps>,
    segment: gst::FormattedSegment<gst::ClockTime>,
    segment_sent: bool,
    tags: Option<gst::TagList>,
    tags_sent: bool,
    /// Whoever takes the next buffer knows nothing of the stream.
    anew: bool,
    /// The last buffer's time.
    last: Option<gst::ClockTime>,
    /// Up to here buffers or gaps went out.
    position: Option<gst::ClockTime>,
}

impl EventSequencer {
    pub(super) fn new(names: StreamInfo) -> EventSequencer {
        EventSequencer {
            names,
            translator: Translator::default(),
            user: None,
            started: false,
            caps: None,
            segment: gst::FormattedSegment::new(),
            segment_sent: false,
            tags: None,
            tags_sent: false,
            anew: false,
            last: None,
            position: None,
        }
    }

    /// The stream is this participant's from now on.
    pub(super) fn bound(&mut self, participant: &Participant) {
        if self.user.is_none() {
            self.user = Some(participant.user.clone());
        }
        let mut tags = gst::TagList::new();
        if let Some(tags) = tags.get_mut() {
            tags.add::<gst::tags::Title>(&shown_name(participant), gst::TagMergeMode::Replace);
        }
        self.tags = Some(tags);
        self.tags_sent = false;
    }

    /// What is linked does not run, and took nothing. When it does (again), it begins from nothing.
    pub(super) fn refused(&mut self) {
        self.anew = true;
    }

    /// A raw buffer with the system clock's time. Only its metadata is copied: the memory is
    /// shared with other readers.
    pub(super) fn media(
        &mut self,
        element: &gst::Element,
        caps: &gst::Caps,
        mut buffer: gst::Buffer,
    ) -> Output {
        let mut out = Output::default();
        let Some(time) = buffer
            .pts()
            .and_then(|system| self.translator.running_time(element, system))
        else {
            return out;
        };
        if self
            .last
            .is_some_and(|last| time < last && last - time < LEFTOVER)
        {
            return out;
        }
        let discont = self.last.is_none() || self.anew;
        self.last = Some(time);
        self.position = Some(time + buffer.duration().unwrap_or_default());
        self.start(caps, &mut out.events);
        let metadata = buffer.make_mut();
        metadata.set_pts(time);
        metadata.set_dts(None);
        if discont {
            metadata.set_flags(gst::BufferFlags::DISCONT);
        }
        out.buffer = Some(buffer);
        out
    }

    /// Nothing came for a while. Where it is known what will come the stream begins, so that
    /// sinks need not wait for the first buffer to get going.
    pub(super) fn begin(&mut self, element: &gst::Element) -> Output {
        let mut out = Output::default();
        if self.segment_sent && !self.anew {
            return out;
        }
        let Some(caps) = self.known_caps() else {
            return out;
        };
        if let Some(now) = element.current_running_time() {
            self.position = Some(now);
            self.start(&caps, &mut out.events);
            out.events.push_back(gst::event::Gap::builder(now).build());
        }
        out
    }

    /// Nothing came for a while. A gap ends where buffers may still come: `latency` ago.
    pub(super) fn gap(
        &mut self,
        element: &gst::Element,
        latency: gst::ClockTime,
    ) -> Option<gst::Event> {
        let has_begun = self.segment_sent && !self.anew;
        let position = self.position.filter(|_| has_begun)?;
        let now = element.current_running_time()?;
        let end = now.checked_sub(latency).filter(|end| *end > position)?;
        self.position = Some(end);
        Some(
            gst::event::Gap::builder(position)
                .duration(end - position)
                .build(),
        )
    }

    /// The end, also of a stream that never began.
    pub(super) fn end(&mut self, seqnum: Option<gst::Seqnum>) -> Output {
        let mut out = Output::default();
        match self.known_caps() {
            Some(caps) => self.start(&caps, &mut out.events),
            None => self.start_stream(&mut out.events),
        }
        let eos = gst::event::Eos::builder();
        out.events.push_back(match seqnum {
            Some(seqnum) => eos.seqnum(seqnum).build(),
            None => eos.build(),
        });
        out
    }

    fn known_caps(&self) -> Option<gst::Caps> {
        self.caps.clone().or_else(|| self.names.caps.clone())
    }

    fn start(&mut self, caps: &gst::Caps, events: &mut VecDeque<gst::Event>) {
        if std::mem::take(&mut self.anew) {
            self.started = false;
            self.caps = None;
            self.segment_sent = false;
            self.tags_sent = false;
        }
        self.start_stream(events);
        if self.caps.as_ref() != Some(caps) {
            events.push_back(gst::event::Caps::new(caps));
            self.caps = Some(caps.clone());
        }
        if !std::mem::replace(&mut self.segment_sent, true) {
            events.push_back(gst::event::Segment::new(&self.segment));
        }
        if let Some(tags) = self.tags.clone()
            && !std::mem::replace(&mut self.tags_sent, true)
        {
            events.push_back(gst::event::Tag::new(tags));
        }
    }

    fn start_stream(&mut self, events: &mut VecDeque<gst::Event>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let StreamInfo {
            call,
            pad,
            kind,
            group,
            user,
            ..
        } = &self.names;
        let id = match self.user.as_ref().or(user.as_ref()) {
            Some(user) => format!("{call}/{user}/{kind}"),
            None => format!("{call}/{pad}"),
        };
        events.push_back(
            gst::event::StreamStart::builder(&id)
                .group_id(*group)
                .build(),
        );
    }
}

#[cfg(test)]
mod tests {
    use acscall::model::{Kinds, ParticipantId};

    use super::*;

    fn element() -> gst::Element {
        gst::init().unwrap();
        let element = gst::ElementFactory::make("identity").build().unwrap();
        element
            .set_clock(Some(&gst::SystemClock::obtain()))
            .unwrap();
        element.set_base_time(gst::ClockTime::from_seconds(10));
        element
    }

    fn flow(caps: Option<gst::Caps>) -> EventSequencer {
        EventSequencer::new(StreamInfo {
            call: "room".into(),
            pad: "video_:0".into(),
            kind: "video",
            group: gst::GroupId::next(),
            user: None,
            caps,
        })
    }

    fn buffer(seconds: u64) -> gst::Buffer {
        let mut buffer = gst::Buffer::with_size(1).unwrap();
        buffer
            .get_mut()
            .unwrap()
            .set_pts(gst::ClockTime::from_seconds(seconds));
        buffer
    }

    fn caps(width: i32) -> gst::Caps {
        gst::Caps::builder("video/x-raw")
            .field("width", width)
            .build()
    }

    fn types(out: &Output) -> Vec<gst::EventType> {
        out.events.iter().map(|event| event.type_()).collect()
    }

    fn participant(user: &str) -> Participant {
        Participant {
            id: ParticipantId("p".into()),
            user: user.into(),
            session: 1,
            display_name: None,
            receives: false,
            sends: true,
            media: Kinds::new(),
            wants: Kinds::new(),
            connected: true,
        }
    }

    #[test]
    fn events_come_in_order_and_once() {
        use gst::EventType::{Caps, Segment, StreamStart, Tag};
        let element = element();
        let mut flow = flow(None);
        flow.bound(&participant("alice"));
        let first = flow.media(&element, &caps(1), buffer(11));
        assert_eq!(types(&first), [StreamStart, Caps, Segment, Tag]);
        let gst::EventView::StreamStart(start) = first.events[0].view() else {
            panic!()
        };
        assert_eq!(start.stream_id(), "room/alice/video");
        let shared = buffer(12);
        let second = flow.media(&element, &caps(1), shared.clone());
        assert!(second.events.is_empty());
        assert_eq!(
            second.buffer.unwrap().pts(),
            Some(gst::ClockTime::from_seconds(2))
        );
        assert_eq!(
            shared.pts(),
            Some(gst::ClockTime::from_seconds(12)),
            "the other reader's"
        );
        flow.bound(&participant("bob"));
        let third = flow.media(&element, &caps(2), buffer(13));
        assert_eq!(types(&third), [Caps, Tag]);
    }

    #[test]
    fn what_refused_a_buffer_is_told_all_again() {
        use gst::EventType::{Caps, Eos, Segment, StreamStart, Tag};
        let element = element();
        let mut flow = flow(None);
        flow.bound(&participant("alice"));
        flow.media(&element, &caps(1), buffer(11));
        flow.refused();
        let latency = gst::ClockTime::ZERO;
        let again = flow.media(&element, &caps(1), buffer(12));
        assert_eq!(types(&again), [StreamStart, Caps, Segment, Tag]);
        let flags = again.buffer.unwrap().flags();
        assert!(flags.contains(gst::BufferFlags::DISCONT));
        assert!(flow.media(&element, &caps(1), buffer(13)).events.is_empty());
        assert!(flow.gap(&element, latency).is_some());
        flow.refused();
        assert!(flow.gap(&element, latency).is_none(), "of what?");
        assert_eq!(
            types(&flow.end(None)),
            [StreamStart, Caps, Segment, Tag, Eos]
        );
    }

    #[test]
    fn what_is_older_than_the_stream_is_dropped() {
        let element = element();
        let mut flow = flow(None);
        assert!(
            flow.media(&element, &caps(1), buffer(9)).buffer.is_none(),
            "before it ran"
        );
        assert!(flow.media(&element, &caps(1), buffer(14)).buffer.is_some());
        let mut leftover = buffer(0);
        let time = gst::ClockTime::from_mseconds(13_500);
        leftover.get_mut().unwrap().set_pts(time);
        assert!(flow.media(&element, &caps(1), leftover).buffer.is_none());
        assert!(
            flow.media(&element, &caps(1), buffer(12)).buffer.is_some(),
            "time began anew"
        );
    }

    #[test]
    fn there_is_no_gap_before_the_first_caps() {
        let element = element();
        let mut flow = flow(None);
        assert!(flow.gap(&element, gst::ClockTime::ZERO).is_none());
    }

    #[test]
    fn a_stream_that_never_began_ends_in_order() {
        use gst::EventType::{Caps, Eos, Segment, StreamStart};
        gst::init().unwrap();
        assert_eq!(types(&flow(None).end(None)), [StreamStart, Eos]);
        assert_eq!(
            types(&flow(Some(caps(1))).end(None)),
            [StreamStart, Caps, Segment, Eos]
        );
    }
}
