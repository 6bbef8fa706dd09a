//! The participant that answers everybody.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use gst::prelude::*;

use crate::sample;
use crate::screen::StatusLine;
use crate::stream::{Stream, Way};
use crate::{Place, start};

/// The bot's user name.
pub(crate) const USER: &str = "bot";

const KINDS: [&str; 2] = ["video", "screen"];

/// Sends a caller's camera and screen back in black and white, and a tone.
pub(crate) struct Bot {
    pipeline: gst::Pipeline,
    source: gst::Element,
    sink: gst::Element,
    /// The streams that are currently sent back, by kind.
    answers: BTreeMap<&'static str, Answer>,
    /// All streams received or sent so far.
    streams: Vec<Stream>,
}

/// A branch from a caller's pad to the bot's own.
struct Answer {
    /// The name of the caller's pad.
    pad: String,
    from: gst::Pad,
    filter: gst::Element,
    to: gst::Pad,
}

impl Bot {
    /// # Errors
    /// If an element is missing or the call cannot be joined.
    pub(crate) fn join(place: &Place) -> Result<Bot> {
        let element = |factory| {
            gst::ElementFactory::make(factory)
                .property("server", &place.server)
                .property("call", &place.call)
                .property("user", USER)
                .property("display-name", "Bot")
                .build()
        };
        let (source, sink) = (element("acscallsrc")?, element("acscallsink")?);
        let pipeline = gst::Pipeline::with_name(USER);
        let voice = gst::parse::bin_from_description(
            "audiotestsrc is-live=true freq=500 volume=0.1",
            true,
        )?;
        pipeline.add_many([&source, &sink, voice.upcast_ref()])?;
        let mouth = sink
            .request_pad_simple("audio")
            .context("acscallsink has an audio pad")?;
        voice
            .static_pad("src")
            .context("the voice has a pad")?
            .link(&mouth)?;
        let streams = vec![Stream::on(&mouth, USER, Way::Sent, "audio", None)];
        start(&pipeline)?;
        Ok(Bot {
            pipeline,
            source,
            sink,
            answers: BTreeMap::new(),
            streams,
        })
    }

    pub(crate) fn pipeline(&self) -> &gst::Pipeline {
        &self.pipeline
    }

    /// The names of all participants, including the bot.
    pub(crate) fn present(&self) -> Vec<String> {
        let others = self.source.property::<gst::Structure>("participants");
        let mut names: Vec<_> = others.fields().map(ToString::to_string).collect();
        names.push(USER.to_owned());
        names.sort();
        names
    }

    /// The received streams, including past ones.
    pub(crate) fn received(&self) -> Vec<Stream> {
        self.streams
            .iter()
            .filter(|stream| stream.way == Way::Received)
            .cloned()
            .collect()
    }

    /// All received and sent streams.
    pub(crate) fn all_streams(&self) -> Vec<Stream> {
        self.streams.clone()
    }

    /// Starts, switches and stops the answers as callers come and go.
    ///
    /// # Errors
    /// If a branch cannot be created.
    pub(crate) fn follow(&mut self, line: &mut StatusLine) -> Result<()> {
        let available = self.source.property::<gst::Structure>("streams");
        for kind in KINDS {
            let current = self.answers.get(kind).map(|answer| answer.pad.as_str());
            let chosen = choose(&available, kind, current);
            if chosen.as_ref().map(|(pad, _)| pad.as_str()) == current {
                continue;
            }
            if let Some(answer) = self.answers.remove(kind) {
                self.end(&answer)?;
            }
            if let Some((pad, caller)) = chosen {
                line.print(&format!("The bot answers the {kind} of {caller}"));
                let answer = self.begin(kind, pad, &caller)?;
                self.answers.insert(kind, answer);
            }
        }
        Ok(())
    }

    fn begin(&mut self, kind: &'static str, pad: String, caller: &str) -> Result<Answer> {
        let filter: gst::Element = gst::parse::bin_from_description(
            "queue max-size-buffers=2 leaky=downstream ! bwfilter",
            true,
        )?
        .upcast();
        self.pipeline.add(&filter)?;
        let to = self
            .sink
            .request_pad_simple(kind)
            .context("the bot's pad is free")?;
        filter
            .static_pad("src")
            .context("the filter has a source pad")?
            .link(&to)?;
        filter.sync_state_with_parent()?;
        let from = self
            .source
            .request_pad_simple(&pad)
            .context("the caller's pad is free")?;
        self.watch(&from, Way::Received, kind, Some(caller));
        self.watch(&to, Way::Sent, kind, None);
        from.link(
            &filter
                .static_pad("sink")
                .context("the filter has a sink pad")?,
        )?;
        Ok(Answer {
            pad,
            from,
            filter,
            to,
        })
    }

    /// Removes a branch, starting at the source so that no buffer reaches removed elements.
    fn end(&self, answer: &Answer) -> Result<()> {
        self.source.release_request_pad(&answer.from);
        // The pipeline may be changing the state of its elements on another thread.
        answer.filter.set_locked_state(true);
        answer.filter.set_state(gst::State::Null)?;
        self.pipeline.remove(&answer.filter)?;
        self.sink.release_request_pad(&answer.to);
        Ok(())
    }

    /// Watches `pad`. The counts of a returning caller continue.
    fn watch(&mut self, pad: &gst::Pad, way: Way, kind: &'static str, of: Option<&str>) {
        let known = self
            .streams
            .iter()
            .find(|stream| stream.way == way && stream.kind == kind && stream.of.as_deref() == of);
        match known {
            Some(stream) => stream.also_on(pad),
            None => self.streams.push(Stream::on(pad, USER, way, kind, of)),
        }
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        // Leaves the call. Changing to NULL cannot fail.
        let _stopped = self.pipeline.set_state(gst::State::Null);
    }
}

/// Chooses the stream to answer; returns its pad and user. The current caller stays, but a real
/// caller precedes the sample caller, where nobody watches the answer.
fn choose(
    available: &gst::StructureRef,
    kind: &str,
    current: Option<&str>,
) -> Option<(String, String)> {
    let rank = |pad: &str, caller: &str| match (caller == sample::USER, Some(pad) == current) {
        (false, true) => 0,
        (false, false) => 1,
        (true, true) => 2,
        (true, false) => 3,
    };
    available
        .iter()
        .filter_map(|(pad, stream)| {
            let stream = stream.get::<gst::Structure>().ok()?;
            let caller = stream.get::<String>("participant").ok()?;
            (stream.get::<&str>("kind").ok()? == kind && caller != USER)
                .then(|| (pad.to_string(), caller))
        })
        .min_by_key(|(pad, caller)| rank(pad, caller))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(of: &[(&str, &str)]) -> gst::Structure {
        gst::init().unwrap();
        let mut all = gst::Structure::new_empty("streams");
        for (kind, user) in of {
            let stream = gst::Structure::builder("stream")
                .field("participant", *user)
                .field("kind", *kind)
                .build();
            all.set(format!("{kind}_{user}"), stream);
        }
        all
    }

    #[test]
    fn a_real_caller_precedes_the_sample_and_stays_until_it_leaves() {
        let pad = |of: &[(&str, &str)], current| {
            choose(&streams(of), "video", current).map(|(pad, _)| pad)
        };
        let (sample, alice, bob) = (("video", "sample"), ("video", "alice"), ("video", "bob"));
        assert_eq!(pad(&[("audio", "alice"), ("video", "bot")], None), None);
        assert_eq!(pad(&[sample], None).as_deref(), Some("video_sample"));
        assert_eq!(
            pad(&[sample, bob], Some("video_sample")).as_deref(),
            Some("video_bob")
        );
        assert_eq!(
            pad(&[alice, bob], Some("video_bob")).as_deref(),
            Some("video_bob")
        );
        assert_eq!(
            pad(&[sample, alice], Some("video_bob")).as_deref(),
            Some("video_alice")
        );
    }
}
