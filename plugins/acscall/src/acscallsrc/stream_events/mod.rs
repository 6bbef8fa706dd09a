//! The events and timestamps of one stream, in the order that GStreamer requires.

use std::collections::VecDeque;

use acscall::model::Participant;
use gst::prelude::*;

use crate::call::time::Translator;
use crate::common::display_name;

/// A buffer that is older than the previous one by less than this is a leftover from before a pause
/// or from the previous participant. If it is older by more, the sender's clock has restarted.
const LEFTOVER: gst::ClockTime = gst::ClockTime::from_seconds(1);

/// The properties of a stream that stay the same.
#[derive(Clone, Debug)]
pub(super) struct StreamInfo {
    /// The prefix of the stream id: the call, or the users in it.
    pub(super) call: String,
    /// The name of the pad.
    pub(super) pad: String,
    /// `audio`, `video` or `screen`.
    pub(super) kind: &'static str,
    /// The group id of all streams of the element.
    pub(super) group: gst::GroupId,
    /// The user whose stream it will be, if that is known in advance.
    pub(super) user: Option<String>,
    /// The caps, if they are known in advance.
    pub(super) caps: Option<gst::Caps>,
}

/// The output of one step: push the events first, then the buffer.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) events: VecDeque<gst::Event>,
    pub(super) buffer: Option<gst::Buffer>,
}

/// Precedes buffers with the events that they need and sets their timestamps.
#[derive(Debug)]
pub(super) struct EventSequencer {
    info: StreamInfo,
    translator: Translator,
    /// The user in the stream id: that of the first participant.
    user: Option<String>,
    started: bool,
    caps: Option<gst::Caps>,
    segment: gst::FormattedSegment<gst::ClockTime>,
    segment_sent: bool,
    tags: Option<gst::TagList>,
    tags_sent: bool,
    /// Whether downstream needs all events again.
    restart: bool,
    /// The time of the last buffer.
    last: Option<gst::ClockTime>,
    /// The end of the last buffer or gap.
    position: Option<gst::ClockTime>,
}

impl EventSequencer {
    pub(super) fn new(info: StreamInfo) -> EventSequencer {
        EventSequencer {
            info,
            translator: Translator::default(),
            user: None,
            started: false,
            caps: None,
            segment: gst::FormattedSegment::new(),
            segment_sent: false,
            tags: None,
            tags_sent: false,
            restart: false,
            last: None,
            position: None,
        }
    }

    /// Sets the participant that the following buffers come from.
    pub(super) fn set_participant(&mut self, participant: &Participant) {
        if self.user.is_none() {
            self.user = Some(participant.user.clone());
        }
        let mut tags = gst::TagList::new();
        if let Some(tags) = tags.get_mut() {
            tags.add::<gst::tags::Title>(&display_name(participant), gst::TagMergeMode::Replace);
        }
        self.tags = Some(tags);
        self.tags_sent = false;
    }

    /// Makes the next buffer come with all events again, since downstream does not run and has
    /// refused the last one.
    pub(super) fn restart(&mut self) {
        self.restart = true;
    }

    /// Returns a raw buffer whose PTS is a time of the system clock, with the events that precede
    /// it. Only the buffer's metadata is copied: other readers share its memory.
    pub(super) fn buffer(
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
        let discont = self.last.is_none() || self.restart;
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

    /// Starts the stream without a buffer if its caps are known, so that sinks can preroll.
    pub(super) fn start_with_gap(&mut self, element: &gst::Element) -> Output {
        let mut out = Output::default();
        if self.segment_sent && !self.restart {
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

    /// Returns a GAP event up to `latency` ago: buffers may still arrive for later times.
    pub(super) fn gap(
        &mut self,
        element: &gst::Element,
        latency: gst::ClockTime,
    ) -> Option<gst::Event> {
        let has_started = self.segment_sent && !self.restart;
        let position = self.position.filter(|_| has_started)?;
        let now = element.current_running_time()?;
        let end = now.checked_sub(latency).filter(|end| *end > position)?;
        self.position = Some(end);
        Some(
            gst::event::Gap::builder(position)
                .duration(end - position)
                .build(),
        )
    }

    /// Fills the gap up to `latency` ago with the buffer that `make` returns for its duration. The
    /// stream starts with it if it has not.
    pub(super) fn fill(
        &mut self,
        element: &gst::Element,
        latency: gst::ClockTime,
        make: impl FnOnce(gst::ClockTime) -> Option<(gst::Caps, gst::Buffer)>,
    ) -> Output {
        let mut out = Output::default();
        let now = element.current_running_time();
        let Some(end) = now.and_then(|now| now.checked_sub(latency)) else {
            return out;
        };
        let begin = *self.position.get_or_insert(end);
        let Some((caps, mut buffer)) = end.checked_sub(begin).and_then(make) else {
            return out;
        };
        let discont = self.last.is_none() || self.restart;
        self.start(&caps, &mut out.events);
        let metadata = buffer.make_mut();
        metadata.set_pts(begin);
        metadata.set_flags(gst::BufferFlags::GAP);
        if discont {
            metadata.set_flags(gst::BufferFlags::DISCONT);
        }
        self.last = Some(begin);
        self.position = Some(begin + buffer.duration().unwrap_or_default());
        out.buffer = Some(buffer);
        out
    }

    /// Ends the stream, even if it never started.
    pub(super) fn eos(&mut self, seqnum: Option<gst::Seqnum>) -> Output {
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
        self.caps.clone().or_else(|| self.info.caps.clone())
    }

    fn start(&mut self, caps: &gst::Caps, events: &mut VecDeque<gst::Event>) {
        if std::mem::take(&mut self.restart) {
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
        } = &self.info;
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
mod tests;
