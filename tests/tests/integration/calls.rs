//! Calls over loopback: several users in one process, each with its own pipelines.

use std::collections::BTreeSet;
use std::time::Duration;

use acscall_tests::pipeline::{Arrival, Pipeline, TIMEOUT, free_port, init, until};
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

fn call(user: &str, port: u16) -> String {
    format!("server=ws://127.0.0.1:{port} call=test user={user}")
}

/// A source of this many frames at 30 per second; -1 for an endless one.
fn frames(count: i32, live: bool) -> String {
    format!(
        "videotestsrc num-buffers={count} is-live={live} \
         ! video/x-raw,width=320,height=240,framerate=30/1"
    )
}

#[test]
fn a_stream_arrives_whoever_starts_first() -> Result<()> {
    init()?;
    for receiver_first in [true, false] {
        let port = free_port()?;
        let start = |receiver: bool| {
            if receiver {
                Pipeline::playing(&format!(
                    "acscallsrc {} ! videoconvert ! fakesink name=end sync=false",
                    call("b", port)
                ))
            } else {
                Pipeline::playing(&format!(
                    "{} ! acscallsink {}",
                    frames(-1, true),
                    call("a", port)
                ))
            }
        };
        let first = start(receiver_first)?;
        first.wait_connected()?;
        let second = start(!receiver_first)?;
        let receiving = if receiver_first { &first } else { &second };
        receiving
            .arrivals("end")?
            .recv_timeout(TIMEOUT)
            .context("no frame arrived")?;
    }
    Ok(())
}

#[test]
fn a_whole_file_is_sent_in_real_time_once_another_participant_joins() -> Result<()> {
    const FRAMES: usize = 60;
    init()?;
    let port = free_port()?;
    let file = std::env::temp_dir().join(format!("acscall-{port}.webm"));
    let make = Pipeline::playing(&format!(
        "{} ! vp8enc deadline=1 ! webmmux ! filesink location={}",
        frames(FRAMES as i32, false),
        file.display()
    ))?;
    make.wait_eos()?;

    let sending = Pipeline::playing(&format!(
        "filesrc location={} ! decodebin ! acscallsink name=s wait-for=1 {}",
        file.display(),
        call("a", port)
    ))?;
    sending.wait_connected()?;
    let receiving = Pipeline::new(&format!(
        "acscallsrc name=c {} c.video_a ! fakesink name=end sync=false",
        call("b", port)
    ))?;
    let arrivals = receiving.arrivals("end")?;
    receiving.play()?;
    sending.wait_eos()?;
    let took = sending.0.current_running_time();
    let arrived = drain(&arrivals, FRAMES)?;
    std::fs::remove_file(file)?;
    // On a busy machine an encoder or a reader may be too slow: what it dropped is counted.
    let dropped = |pipeline: &Pipeline, kind: &str| -> Result<u64> {
        let pads = pipeline.element(kind)?.pads();
        let stats = pads
            .iter()
            .map(|pad| pad.property::<gst::Structure>("stats"));
        Ok(stats
            .map(|stats| stats.get::<u64>("dropped"))
            .sum::<Result<u64, _>>()?)
    };
    let dropped = dropped(&sending, "s")? + dropped(&receiving, "c")?;
    ensure!(
        arrived.len() as u64 + dropped == FRAMES as u64,
        "{} of {FRAMES} frames arrived, {dropped} were dropped",
        arrived.len()
    );
    // The last frame is due 59/30 s after the first; not paced, all would be sent at once.
    ensure!(
        took.is_some_and(|took| took > gst::ClockTime::from_mseconds(1950)),
        "not paced: it took {took:?}"
    );
    Ok(())
}

#[test]
fn source_and_sink_of_one_user_are_one_participant() -> Result<()> {
    init()?;
    let port = free_port()?;
    let sender = Pipeline::playing(&format!(
        "{} ! acscallsink {}",
        frames(-1, true),
        call("a", port)
    ))?;
    let filter = Pipeline::playing(&format!(
        "acscallsrc name=c {} c.video_a ! bwfilter ! acscallsink {}",
        call("filter", port),
        call("filter", port)
    ))?;
    let receiver = Pipeline::playing(&format!(
        "acscallsrc name=c {} c.video_filter ! fakesink name=end sync=false",
        call("b", port)
    ))?;
    receiver
        .arrivals("end")?
        .recv_timeout(TIMEOUT)
        .context("no frame arrived again")?;
    let participants = receiver
        .element("c")?
        .property::<gst::Structure>("participants");
    let names: BTreeSet<String> = participants.fields().map(ToString::to_string).collect();
    ensure!(
        names == BTreeSet::from(["a".into(), "filter".into()]),
        "{names:?}"
    );
    drop((sender, filter));
    Ok(())
}

#[test]
fn no_frame_is_lost_after_a_pause_of_two_seconds() -> Result<()> {
    const FRAMES: usize = 30;
    init()?;
    let port = free_port()?;
    let (sending, receiving) = pair(port, "video")?;
    let arrivals = receiving.arrivals("end")?;
    for _ in 0..3 {
        let source = Source::new(&sending, "video")?;
        for _ in 0..FRAMES {
            // Each frame must arrive before the next is sent.
            source.push("I420", 320, 240)?;
            arrivals.recv_timeout(TIMEOUT).context("a frame was lost")?;
        }
        source.stop()?;
        // During the pause the jitter buffer must not expect packets.
        ensure!(
            arrivals.recv_timeout(Duration::from_secs(2)).is_err(),
            "an unexpected frame arrived"
        );
    }
    Ok(())
}

#[test]
fn every_frame_of_a_screen_at_one_frame_per_second_arrives() -> Result<()> {
    init()?;
    let port = free_port()?;
    let (sending, receiving) = pair(port, "screen")?;
    let arrivals = receiving.arrivals("end")?;
    let source = Source::new(&sending, "screen")?;
    for _ in 0..5 {
        source.push("I420", 640, 360)?;
        arrivals
            .recv_timeout(TIMEOUT)
            .context("a frame did not arrive before the next")?;
        ensure!(
            arrivals.recv_timeout(Duration::from_secs(1)).is_err(),
            "an unexpected frame arrived"
        );
    }
    Ok(())
}

#[test]
fn sources_switch_a_hundred_times_without_a_new_negotiation() -> Result<()> {
    const SWITCHES: usize = 100;
    const FRAMES: usize = 3;
    init()?;
    let port = free_port()?;
    let (sending, receiving) = pair(port, "video")?;
    let arrivals = receiving.arrivals("end")?;
    let legs = || {
        sending
            .element("s")
            .map(|sink| leg_names(&sink.property::<gst::Structure>("stats")))
    };
    let before = legs()?;
    let formats = ["I420", "NV12", "BGRx", "RGB", "I420_10LE"];
    let sizes = [(320, 240), (641, 361), (176, 144), (400, 300)];
    let source = Source::new(&sending, "video")?;
    for switch in 0..SWITCHES {
        let (width, height) = sizes[switch % sizes.len()];
        for frame in 0..FRAMES {
            source.push(formats[switch % formats.len()], width, height)?;
            let arrival = arrivals.recv_timeout(TIMEOUT);
            let arrival =
                arrival.with_context(|| format!("switch {switch}: frame {frame} was lost"))?;
            let size = arrival.size();
            ensure!(size == Some((width, height)), "switch {switch}: {size:?}");
        }
    }
    ensure!(legs()? == before, "a leg was replaced");
    Ok(())
}

#[test]
fn audio_switches_between_rates_and_channels() -> Result<()> {
    init()?;
    let port = free_port()?;
    let (sending, receiving) = pair(port, "audio")?;
    let arrivals = receiving.arrivals("end")?;
    let pad = sending
        .element("s")?
        .request_pad_simple("audio")
        .context("the pad is free")?;
    for (format, rate, channels) in [
        ("S16LE", 48_000, 2),
        ("F32LE", 44_100, 1),
        ("S32LE", 8_000, 1),
        ("S24LE", 96_000, 2),
    ] {
        play_into(
            &sending,
            &pad,
            &format!(
                "audiotestsrc num-buffers=50 is-live=true samplesperbuffer={} ! \
                 audio/x-raw,format={format},rate={rate},channels={channels}",
                rate / 50
            ),
        )?;
        let arrived = drain(&arrivals, 50)?;
        // The encoder holds back less than a block of 20 ms.
        ensure!(
            arrived.len() >= 48,
            "{format} {rate} {channels}: {} of 50",
            arrived.len()
        );
    }
    Ok(())
}

/// A sender without a source, and a receiver that reads its stream, with a connected leg.
fn pair(port: u16, kind: &str) -> Result<(Pipeline, Pipeline)> {
    let receiving = Pipeline::playing(&format!(
        "acscallsrc name=c {} c.{kind}_a ! fakesink name=end sync=false",
        call("b", port)
    ))?;
    receiving.wait_connected()?;
    let sending = Pipeline::playing(&format!("acscallsink name=s {}", call("a", port)))?;
    let sink = sending.element("s")?;
    until("the leg is connected", || {
        let stats = sink.property::<gst::Structure>("stats");
        Ok((stats.get::<u32>("connected-legs") == Ok(1)).then_some(()))
    })?;
    Ok((sending, receiving))
}

/// A live source that pushes black pictures on demand, on its own pad.
struct Source {
    source: gst_app::AppSrc,
    sink: gst::Element,
    pad: gst::Pad,
    contents: gst::Bin,
}

impl Source {
    fn new(sending: &Pipeline, pad: &str) -> Result<Source> {
        let (sink, contents) = (sending.element("s")?, sending.contents()?);
        let pad = sink.request_pad_simple(pad).context("the pad is free")?;
        let source = gst_app::AppSrc::builder()
            .format(gst::Format::Time)
            .is_live(true)
            .do_timestamp(true)
            .build();
        contents.add(&source)?;
        source
            .static_pad("src")
            .context("an appsrc has a source pad")?
            .link(&pad)?;
        source.sync_state_with_parent()?;
        Ok(Source {
            source,
            sink,
            pad,
            contents,
        })
    }

    fn push(&self, format: &str, width: u32, height: u32) -> Result<()> {
        let info = gst_video::VideoInfo::builder(format.parse()?, width, height)
            .fps((30, 1))
            .build()?;
        let buffer = gst::Buffer::with_size(info.size())?;
        let sample = gst::Sample::builder()
            .caps(&info.to_caps()?)
            .buffer(&buffer)
            .build();
        self.source.push_sample(&sample)?;
        Ok(())
    }

    fn stop(self) -> Result<()> {
        self.source.set_state(gst::State::Null)?;
        self.contents.remove(&self.source)?;
        self.sink.release_request_pad(&self.pad);
        Ok(())
    }
}

/// Plays a source into `pad` until it ends, without ending the pad's stream.
fn play_into(sending: &Pipeline, pad: &gst::Pad, description: &str) -> Result<()> {
    // A description cannot end with caps.
    let source = gst::parse::bin_from_description(&format!("{description} ! identity"), true)?;
    sending.contents()?.add(&source)?;
    let out = source
        .static_pad("src")
        .context("the bin has a source pad")?;
    let (sender, ended) = std::sync::mpsc::channel();
    out.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if info
            .event()
            .is_some_and(|event| event.type_() == gst::EventType::Eos)
        {
            let _receiver_dropped = sender.send(());
            return gst::PadProbeReturn::Handled;
        }
        gst::PadProbeReturn::Ok
    });
    out.link(pad)?;
    source.sync_state_with_parent()?;
    ended
        .recv_timeout(TIMEOUT)
        .context("the source did not end")?;
    out.unlink(pad)?;
    source.set_state(gst::State::Null)?;
    sending.contents()?.remove(&source)?;
    Ok(())
}

/// Receives `count` buffers, or fewer if none arrives for 1.5 s.
fn drain(arrivals: &std::sync::mpsc::Receiver<Arrival>, count: usize) -> Result<Vec<Arrival>> {
    let mut arrived = vec![arrivals.recv_timeout(TIMEOUT).context("nothing arrived")?];
    while arrived.len() < count
        && let Ok(arrival) = arrivals.recv_timeout(Duration::from_millis(1500))
    {
        arrived.push(arrival);
    }
    Ok(arrived)
}

fn leg_names(stats: &gst::Structure) -> Vec<String> {
    stats
        .fields()
        .filter(|field| field.starts_with("leg-"))
        .map(ToString::to_string)
        .collect()
}
