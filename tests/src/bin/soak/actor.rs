//! A participant of this process: its pipelines, and changes to them while they run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use acscall::model::Kind;
use acscall_tests::pipeline::Pipeline;
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

use crate::checker::{Message, Source};
use crate::expected::{End, Form, Stream, User};
use crate::plan::SOURCES;

/// Longer than the interval between two buffers of any source here.
const BETWEEN_BUFFERS: Duration = Duration::from_secs(1);

const SOUNDS: [&str; SOURCES] = [
    "audiotestsrc is-live=true",
    "audiotestsrc is-live=true freq=1000 ! capsfilter caps=audio/x-raw,rate=44100,channels=1",
    "audiotestsrc is-live=true wave=pink-noise ! capsfilter caps=audio/x-raw,format=F32LE,rate=32000,channels=2",
    "audiotestsrc is-live=true wave=ticks samplesperbuffer=160 ! capsfilter caps=audio/x-raw,rate=16000",
];
const PICTURES: [&str; SOURCES] = [
    "videotestsrc is-live=true ! capsfilter caps=video/x-raw,width=160,height=120,framerate=10/1",
    "videotestsrc is-live=true pattern=ball ! capsfilter caps=video/x-raw,format=RGB,width=97,height=63,framerate=15/1",
    "videotestsrc is-live=true pattern=snow ! capsfilter caps=video/x-raw,format=NV12,width=192,height=108,framerate=8/1",
    "videotestsrc is-live=true pattern=black ! capsfilter caps=video/x-raw,format=YUY2,width=64,height=64,framerate=25/1",
];

/// Receives the messages of the pipelines' elements.
pub(crate) type MessageSender = Sender<(Source, Message)>;

/// The server of the call, and the receiver of its messages.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) server: String,
    pub(crate) sender: MessageSender,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Actor {
    user: User,
    place: Place,
    pipeline: Pipeline,
    pub(crate) number: u64,
    source: Option<gst::Element>,
    sink: Option<gst::Element>,
    lanes: BTreeMap<Kind, Lane>,
    reads: BTreeMap<Stream, Reader>,
    attached: Option<(u64, Pipeline)>,
    /// How many readers were removed so far.
    unread: usize,
}

#[derive(Debug)]
struct Lane {
    pad: gst::Pad,
    source: Option<gst::Element>,
}

#[derive(Debug)]
struct Reader {
    pad: gst::Pad,
    end: gst::Element,
    count: Arc<AtomicU64>,
}

impl Actor {
    pub(crate) fn join(user: User, form: Form, place: &Place, number: u64) -> Result<Actor> {
        let element = |factory: &str, name: &str| call_element(factory, name, user, place);
        let pipeline = Pipeline(gst::Pipeline::new());
        let sink = form
            .sends()
            .then(|| element("acscallsink", "s"))
            .transpose()?;
        let source = form
            .receives()
            .then(|| element("acscallsrc", "c"))
            .transpose()?;
        pipeline.0.add_many(sink.iter().chain(&source))?;
        forward_messages(&pipeline, user, number, &place.sender)?;
        pipeline.play()?;
        Ok(Actor {
            user,
            place: place.clone(),
            pipeline,
            number,
            source,
            sink,
            lanes: BTreeMap::new(),
            reads: BTreeMap::new(),
            attached: None,
            unread: 0,
        })
    }

    /// Leaves the call and joins again with the same pads and sources.
    pub(crate) fn restart(&self) -> Result<()> {
        self.pipeline.0.set_state(gst::State::Ready)?;
        self.pipeline.play()
    }

    pub(crate) fn start(&mut self, kind: Kind, source: usize) -> Result<()> {
        let source = make_source(kind, source)?;
        if let Some(lane) = self.lanes.get_mut(&kind) {
            // A new stream on the pad of the one that has ended.
            plug(&self.pipeline, &source, &lane.pad)?;
            lane.source = Some(source);
            return Ok(());
        }
        let sink = self.sink.as_ref().context("it sends")?;
        let pad = sink.request_pad_simple(kind.as_str());
        let pad = pad.with_context(|| format!("{kind} is free"))?;
        plug(&self.pipeline, &source, &pad)?;
        let source = Some(source);
        self.lanes.insert(kind, Lane { pad, source });
        Ok(())
    }

    pub(crate) fn switch(&mut self, kind: Kind, source: usize) -> Result<()> {
        let lane = self.lanes.get_mut(&kind).context("the stream runs")?;
        let old = lane.source.take().context("the stream runs")?;
        let new = make_source(kind, source)?;
        unplug(&old, &lane.pad)?;
        plug(&self.pipeline, &new, &lane.pad)?;
        lane.source = Some(new);
        remove(&self.pipeline, &old)
    }

    pub(crate) fn stop(&mut self, kind: Kind, end: End) -> Result<()> {
        let lane = self.lanes.get_mut(&kind).context("the stream runs")?;
        let old = lane.source.take().context("the stream runs")?;
        unplug(&old, &lane.pad)?;
        remove(&self.pipeline, &old)?;
        match end {
            End::Eos => ensure!(lane.pad.send_event(gst::event::Eos::new()), "EOS is taken"),
            End::Release => {
                let lane = self.lanes.remove(&kind).context("the lane is there")?;
                let sink = self.sink.as_ref().context("it sends")?;
                sink.release_request_pad(&lane.pad);
            }
        }
        Ok(())
    }

    pub(crate) fn mute(&self, kind: Kind, muted: bool) -> Result<()> {
        let lane = self.lanes.get(&kind).context("the pad is there")?;
        lane.pad.set_property("muted", muted);
        Ok(())
    }

    pub(crate) fn read(&mut self, stream: &Stream) -> Result<()> {
        let source = self.source.as_ref().context("it receives")?;
        let pad = match stream {
            Stream::Mix => source.request_pad_simple("audio"),
            Stream::Of(user, kind) => source.request_pad_simple(&format!("{kind}_{user}")),
            Stream::Any(kind) => {
                let template = source.pad_template(&format!("{kind}_%s"));
                source.request_pad(&template.context("a template")?, None, None)
            }
        };
        let pad = pad.with_context(|| format!("{stream} is free"))?;
        let (end, count) = make_end()?;
        self.pipeline.0.add(&end)?;
        pad.link(&sink_pad(&end)?)?;
        end.sync_state_with_parent()?;
        self.reads
            .insert(stream.clone(), Reader { pad, end, count });
        Ok(())
    }

    /// Removes a reader, alternating between the two orders that an application may use.
    pub(crate) fn unread(&mut self, stream: &Stream) -> Result<()> {
        let Reader { pad, end, .. } = self.reads.remove(stream).context("it is read")?;
        let source = self.source.as_ref().context("it receives")?;
        self.unread += 1;
        if self.unread.is_multiple_of(2) {
            source.release_request_pad(&pad);
            remove(&self.pipeline, &end)
        } else {
            end.set_state(gst::State::Null)?;
            source.release_request_pad(&pad);
            Ok(self.pipeline.0.remove(&end)?)
        }
    }

    pub(crate) fn attach(&mut self, number: u64) -> Result<()> {
        let pipeline = Pipeline(gst::Pipeline::new());
        let source = call_element("acscallsrc", "more", self.user, &self.place)?;
        let (end, _) = make_end()?;
        pipeline.0.add_many([&source, &end])?;
        let pad = source
            .request_pad_simple("audio")
            .context("audio is free")?;
        pad.link(&sink_pad(&end)?)?;
        forward_messages(&pipeline, self.user, number, &self.place.sender)?;
        pipeline.play()?;
        self.attached = Some((number, pipeline));
        Ok(())
    }

    pub(crate) fn detach(&mut self) -> Option<u64> {
        self.attached.take().map(|(number, _)| number)
    }

    /// The names in the property `participants` or `streams`.
    pub(crate) fn seen(&self, property: &str) -> Result<Vec<String>> {
        let element = self.source.as_ref().or(self.sink.as_ref());
        let element = element.context("it has an element")?;
        let all = element.property::<gst::Structure>(property);
        Ok(all.fields().map(|name| name.to_string()).collect())
    }

    /// The number of buffers that each reader has received.
    pub(crate) fn counts(&self) -> BTreeMap<Stream, u64> {
        self.reads
            .iter()
            .map(|(stream, reader)| (stream.clone(), reader.count.load(Ordering::Acquire)))
            .collect()
    }

    /// The statistics of the call, for messages.
    pub(crate) fn stats(&self) -> Option<gst::Structure> {
        let element = self.source.as_ref().or(self.sink.as_ref())?;
        Some(element.property("stats"))
    }
}

fn call_element(factory: &str, name: &str, user: User, place: &Place) -> Result<gst::Element> {
    let element = gst::ElementFactory::make(factory)
        .name(name)
        .property("server", &place.server)
        .property("call", "soak")
        .property("user", user.name())
        .property("embedded-server", false);
    Ok(element.build()?)
}

fn make_source(kind: Kind, number: usize) -> Result<gst::Element> {
    let all = match kind {
        Kind::Audio => SOUNDS,
        Kind::Video | Kind::Screen => PICTURES,
    };
    Ok(gst::parse::bin_from_description(all[number], true)?.upcast())
}

fn make_end() -> Result<(gst::Element, Arc<AtomicU64>)> {
    let end = gst::ElementFactory::make("fakesink")
        .property("sync", false)
        .property("async", false)
        .build()?;
    let count: Arc<AtomicU64> = Arc::default();
    let counts = count.clone();
    sink_pad(&end)?.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        counts.fetch_add(1, Ordering::AcqRel);
        gst::PadProbeReturn::Ok
    });
    Ok((end, count))
}

fn plug(pipeline: &Pipeline, source: &gst::Element, pad: &gst::Pad) -> Result<()> {
    pipeline.0.add(source)?;
    output(source)?.link(pad)?;
    source.sync_state_with_parent()?;
    Ok(())
}

/// Unlinks the source between two buffers: pushing into an unlinked pad would be an error.
fn unplug(source: &gst::Element, pad: &gst::Pad) -> Result<()> {
    let output = output(source)?;
    let (send, receive) = channel();
    // Only buffers: a live source pushes caps while it holds a lock that stopping it needs.
    let data = gst::PadProbeType::BLOCK | gst::PadProbeType::BUFFER;
    output.add_probe(data, move |_, _| {
        let _receiver_dropped = send.send(());
        gst::PadProbeReturn::Ok
    });
    let _source_without_buffers = receive.recv_timeout(BETWEEN_BUFFERS);
    Ok(output.unlink(pad)?)
}

fn remove(pipeline: &Pipeline, element: &gst::Element) -> Result<()> {
    element.set_state(gst::State::Null)?;
    Ok(pipeline.0.remove(element)?)
}

fn output(element: &gst::Element) -> Result<gst::Pad> {
    element.static_pad("src").context("a source has a pad src")
}

fn sink_pad(element: &gst::Element) -> Result<gst::Pad> {
    element.static_pad("sink").context("a sink has a pad sink")
}

/// Sends the messages of the pipeline's elements to `sender`.
fn forward_messages(
    pipeline: &Pipeline,
    user: User,
    number: u64,
    sender: &MessageSender,
) -> Result<()> {
    let bus = pipeline.0.bus().context("a pipeline has a bus")?;
    let sender = sender.clone();
    bus.set_sync_handler(move |_, message| {
        if let Some(parsed) = parse(message) {
            let element = message.src().map(|src| src.name().to_string());
            let source = Source {
                user: user.name(),
                pipeline: number,
                element: element.unwrap_or_default(),
            };
            let _receiver_dropped = sender.send((source, parsed));
        }
        gst::BusSyncReply::Drop
    });
    Ok(())
}

fn parse(message: &gst::Message) -> Option<Message> {
    match message.view() {
        gst::MessageView::Error(error) => {
            let text = format!("{} ({:?})", error.error(), error.debug());
            Some(Message::Error(text))
        }
        gst::MessageView::Warning(warning) => Some(Message::Warning(warning.error().to_string())),
        gst::MessageView::Element(element) => parse_structure(element.structure()?),
        _ => None,
    }
}

fn parse_structure(structure: &gst::StructureRef) -> Option<Message> {
    let text = |field: &str| structure.get::<String>(field).unwrap_or_default();
    match structure.name().as_str() {
        "acscall-state" => Some(Message::State(text("state"))),
        "acscall-participant" => Some(Message::Participant {
            user: text("participant"),
            session: structure.get("session").unwrap_or(0),
            id: text("id"),
            state: text("state"),
        }),
        "acscall-stream" => Some(Message::Stream {
            user: text("participant"),
            kind: text("kind"),
            available: structure.get("available").unwrap_or(false),
        }),
        name if name.starts_with("acscall-") => Some(Message::Other(structure.to_string())),
        _ => None,
    }
}
