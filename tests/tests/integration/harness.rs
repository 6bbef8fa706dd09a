//! The call's elements in gst-check's Harness: negotiation, buffers, queries and events of their pads.

use acscall_tests::pipeline::{free_port, init, until};
use anyhow::{Context, Result};
use gst::prelude::*;
use gst_check::Harness;

/// An element in its own call, whose server it runs, and its bus.
fn element(factory: &str, port: u16, user: &str) -> Result<(gst::Element, gst::Bus)> {
    init()?;
    let element = gst::ElementFactory::make(factory)
        .property("call", "room")
        .property("user", user)
        .property("server", format!("ws://127.0.0.1:{port}"))
        .build()?;
    let bus = gst::Bus::new();
    element.set_bus(Some(&bus));
    Ok((element, bus))
}

/// `acscallsink` with this pad, and the bus of the element.
fn sink(port: u16, pad: &str) -> Result<(Harness, gst::Bus)> {
    let (element, bus) = element("acscallsink", port, "alice")?;
    let mut harness = Harness::with_element(&element, Some(pad), None);
    harness.use_systemclock();
    Ok((harness, bus))
}

/// `acscallsrc` with this pad, in PLAYING, and the bus of the element.
fn source(port: u16, pad: &str, latency: u32) -> Result<(Harness, gst::Bus)> {
    let (element, bus) = element("acscallsrc", port, "bob")?;
    element.set_property("latency", latency);
    let mut harness = Harness::with_element(&element, None, Some(pad));
    harness.use_systemclock();
    harness.play();
    Ok((harness, bus))
}

fn video(format: gst_video::VideoFormat, width: u32, height: u32) -> Result<gst_video::VideoInfo> {
    Ok(gst_video::VideoInfo::builder(format, width, height)
        .fps((30, 1))
        .build()?)
}

fn frame(info: &gst_video::VideoInfo, ms: u64) -> Result<gst::Buffer> {
    let mut buffer = gst::Buffer::with_size(info.size())?;
    let metadata = buffer.get_mut().context("the buffer is writable")?;
    metadata.set_pts(gst::ClockTime::from_mseconds(ms));
    metadata.set_duration(gst::ClockTime::from_mseconds(33));
    Ok(buffer)
}

/// The number of buffers that the element's pad has sent.
fn sent(harness: &Harness) -> Result<u64> {
    let pad = harness
        .srcpad()
        .and_then(|pad| pad.peer())
        .context("linked")?;
    let stats = pad.property::<gst::Structure>("stats");
    Ok(stats.get::<u64>("in")?)
}

fn error(bus: &gst::Bus) -> Option<String> {
    let message = bus.pop_filtered(&[gst::MessageType::Error])?;
    match message.view() {
        gst::MessageView::Error(error) => Some(error.error().to_string()),
        _ => None,
    }
}

// ---- acscallsink

#[test]
fn sink_pads_accept_only_raw_media() -> Result<()> {
    for (pad, taken, refused) in [
        ("video", "video/x-raw,format=NV12", "video/x-vp8"),
        ("screen", "video/x-raw,format=BGRx", "audio/x-raw"),
        (
            "audio",
            "audio/x-raw,format=F32LE,rate=8000",
            "audio/x-opus",
        ),
    ] {
        let (harness, _bus) = sink(free_port()?, pad)?;
        let pad = harness.srcpad().context("the harness's pad")?;
        let caps = pad.peer_query_caps(None);
        let (taken, refused): (gst::Caps, gst::Caps) = (taken.parse()?, refused.parse()?);
        assert!(caps.can_intersect(&taken), "{caps}");
        assert!(!caps.can_intersect(&refused), "{caps}");
    }
    Ok(())
}

#[test]
fn a_sink_pad_accepts_other_formats_and_sizes_in_mid_stream() -> Result<()> {
    use gst_video::VideoFormat::{Bgrx, I420, Nv12};
    let (mut harness, bus) = sink(free_port()?, "video")?;
    for (at, (format, width, height)) in [(I420, 320, 240), (Nv12, 641, 361), (Bgrx, 16, 16)]
        .into_iter()
        .enumerate()
    {
        let info = video(format, width, height)?;
        harness.set_src_caps(info.to_caps()?);
        assert_eq!(
            harness.push(frame(&info, 33 * at as u64)?),
            Ok(gst::FlowSuccess::Ok)
        );
    }
    assert_eq!(sent(&harness)?, 3);
    assert_eq!(error(&bus), None);
    Ok(())
}

#[test]
fn a_sink_pad_with_caps_it_cannot_send_posts_one_error_and_is_not_negotiated() -> Result<()> {
    let (mut harness, bus) = sink(free_port()?, "video")?;
    let caps: gst::Caps =
        "video/x-raw,format=GRAY8,width=20000,height=16,framerate=30/1".parse()?;
    let info = video(gst_video::VideoFormat::Gray8, 16, 16)?;
    harness.set_src_caps(info.to_caps()?);
    assert!(harness.push_event(gst::event::Caps::new(&caps)));
    for ms in [0, 33] {
        assert_eq!(
            harness.push(frame(&info, ms)?),
            Err(gst::FlowError::NotNegotiated)
        );
    }
    let text = error(&bus).context("an error")?;
    assert!(text.contains("16383"), "{text}");
    assert_eq!(error(&bus), None, "posted again");
    Ok(())
}

#[test]
fn a_sink_pad_refuses_buffers_only_while_it_flushes() -> Result<()> {
    let (mut harness, _bus) = sink(free_port()?, "video")?;
    let info = video(gst_video::VideoFormat::I420, 64, 48)?;
    harness.set_src_caps(info.to_caps()?);
    assert!(harness.push_event(gst::event::FlushStart::new()));
    assert_eq!(
        harness.push(frame(&info, 0)?),
        Err(gst::FlowError::Flushing)
    );
    assert!(harness.push_event(gst::event::FlushStop::new(true)));
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    assert!(harness.push_event(gst::event::Segment::new(&segment)));
    assert_eq!(harness.push(frame(&info, 0)?), Ok(gst::FlowSuccess::Ok));
    assert_eq!(sent(&harness)?, 1);
    Ok(())
}

#[test]
fn a_sink_pad_refuses_buffers_after_eos_until_a_new_stream_starts() -> Result<()> {
    let (mut harness, _bus) = sink(free_port()?, "video")?;
    let info = video(gst_video::VideoFormat::I420, 64, 48)?;
    harness.set_src_caps(info.to_caps()?);
    assert_eq!(harness.push(frame(&info, 0)?), Ok(gst::FlowSuccess::Ok));
    assert!(harness.push_event(gst::event::Eos::new()));
    assert_eq!(harness.push(frame(&info, 33)?), Err(gst::FlowError::Eos));
    assert!(harness.push_event(gst::event::StreamStart::new("another")));
    assert!(harness.push_event(gst::event::Caps::new(&info.to_caps()?)));
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    assert!(harness.push_event(gst::event::Segment::new(&segment)));
    assert_eq!(harness.push(frame(&info, 0)?), Ok(gst::FlowSuccess::Ok));
    assert_eq!(sent(&harness)?, 2);
    Ok(())
}

#[test]
fn a_sink_pad_sends_nothing_from_outside_its_segment() -> Result<()> {
    let (mut harness, _bus) = sink(free_port()?, "video")?;
    let info = video(gst_video::VideoFormat::I420, 64, 48)?;
    harness.set_src_caps(info.to_caps()?);
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_start(gst::ClockTime::from_seconds(10));
    assert!(harness.push_event(gst::event::Segment::new(&segment)));
    assert_eq!(harness.push(frame(&info, 1_000)?), Ok(gst::FlowSuccess::Ok));
    assert_eq!(sent(&harness)?, 0);
    assert_eq!(
        harness.push(frame(&info, 10_000)?),
        Ok(gst::FlowSuccess::Ok)
    );
    assert_eq!(sent(&harness)?, 1);
    Ok(())
}

#[test]
fn a_muted_sink_pad_accepts_buffers_and_sends_none() -> Result<()> {
    let (mut harness, _bus) = sink(free_port()?, "video")?;
    let info = video(gst_video::VideoFormat::I420, 64, 48)?;
    harness.set_src_caps(info.to_caps()?);
    let pad = harness
        .srcpad()
        .and_then(|pad| pad.peer())
        .context("linked")?;
    for (muted, expected) in [(true, 0), (false, 1), (true, 1)] {
        pad.set_property("muted", muted);
        assert_eq!(harness.push(frame(&info, 0)?), Ok(gst::FlowSuccess::Ok));
        assert_eq!(sent(&harness)?, expected, "muted: {muted}");
    }
    Ok(())
}

#[test]
fn a_live_stream_is_sent_at_once_whatever_its_upstream_latency() -> Result<()> {
    let (mut harness, _bus) = sink(free_port()?, "video")?;
    let info = video(gst_video::VideoFormat::I420, 64, 48)?;
    harness.set_src_caps(info.to_caps()?);
    harness.set_upstream_latency(gst::ClockTime::from_seconds(3600));
    // A sink that waits for the latency would accept this after an hour.
    assert_eq!(harness.push(frame(&info, 0)?), Ok(gst::FlowSuccess::Ok));
    let mut query = gst::query::Latency::new();
    assert!(harness.element().context("the element")?.query(&mut query));
    assert_eq!(
        query.result(),
        (false, gst::ClockTime::ZERO, gst::ClockTime::NONE)
    );
    Ok(())
}

// ---- acscallsrc

#[test]
fn the_mix_starts_with_its_events_in_order_and_has_no_gap() -> Result<()> {
    let (mut harness, _bus) = source(free_port()?, "audio", 40)?;
    let first = harness.pull()?;
    let types: Vec<_> = std::iter::from_fn(|| harness.try_pull_event())
        .map(|event| event.type_())
        .take(3)
        .collect();
    assert_eq!(
        types,
        [
            gst::EventType::StreamStart,
            gst::EventType::Caps,
            gst::EventType::Segment
        ]
    );
    let pad = harness.sinkpad().context("the harness's pad")?;
    let caps = pad.current_caps().context("they are set")?;
    let info = gst_audio::AudioInfo::from_caps(&caps)?;
    assert_eq!((info.rate(), info.channels()), (48_000, 2));
    assert!(first.flags().contains(gst::BufferFlags::DISCONT));
    let mut end = first.pts().context("a time")? + first.duration().context("a duration")?;
    for _ in 0..10 {
        let next = harness.pull()?;
        assert_eq!(next.pts(), Some(end));
        assert!(!next.flags().contains(gst::BufferFlags::DISCONT));
        end += next.duration().context("a duration")?;
    }
    Ok(())
}

#[test]
fn a_source_pad_is_live_with_the_latency_of_its_jitter_buffer() -> Result<()> {
    let (harness, _bus) = source(free_port()?, "video_alice", 75)?;
    let pad = harness.sinkpad().context("the harness's pad")?;
    let mut query = gst::query::Latency::new();
    // The latency is unknown before the call is joined.
    until("the pad knows its latency", || {
        Ok(pad.peer_query(&mut query).then_some(()))
    })?;
    let (is_live, least, most) = query.result();
    assert!(is_live);
    assert_eq!(least, gst::ClockTime::from_mseconds(75));
    assert_eq!(most, gst::ClockTime::NONE);
    Ok(())
}

#[test]
fn a_source_pad_offers_raw_caps_that_match_the_filter() -> Result<()> {
    let (harness, _bus) = source(free_port()?, "video_alice", 40)?;
    let pad = harness.sinkpad().context("the harness's pad")?;
    let filter: gst::Caps = "video/x-raw,format=I420; audio/x-raw".parse()?;
    let caps = pad.peer_query_caps(Some(&filter));
    assert!(!caps.is_empty() && caps.is_subset(&filter), "{caps}");
    assert!(
        caps.iter()
            .all(|structure| structure.name() == "video/x-raw"),
        "{caps}"
    );
    Ok(())
}

#[test]
fn a_source_pad_refuses_seeks_and_accepts_other_upstream_events() -> Result<()> {
    let (mut harness, _bus) = source(free_port()?, "audio", 40)?;
    harness.pull()?;
    let seek = gst::event::Seek::new(
        1.0,
        gst::SeekFlags::FLUSH,
        gst::SeekType::Set,
        gst::ClockTime::ZERO,
        gst::SeekType::None,
        gst::ClockTime::NONE,
    );
    assert!(!harness.push_upstream_event(seek));
    let latency = gst::event::Latency::new(gst::ClockTime::from_mseconds(100));
    assert!(harness.push_upstream_event(latency));
    assert!(harness.push_upstream_event(gst::event::Reconfigure::new()));
    // The stream flows on.
    harness.pull()?;
    Ok(())
}

#[test]
fn an_eos_sent_to_the_source_ends_a_stream_that_flows() -> Result<()> {
    let (mut harness, bus) = source(free_port()?, "audio", 40)?;
    harness.pull()?;
    let eos = gst::event::Eos::new();
    let number = eos.seqnum();
    assert!(harness.element().context("the element")?.send_event(eos));
    let end = loop {
        let event = harness.pull_event()?;
        if event.type_() == gst::EventType::Eos {
            break event;
        }
    };
    assert_eq!(end.seqnum(), number, "the seqnum of the sent event");
    assert_eq!(error(&bus), None);
    Ok(())
}

#[test]
fn a_frame_leaves_the_call_with_the_format_and_size_it_entered_with() -> Result<()> {
    let port = free_port()?;
    let (mut receiving, _bus) = source(port, "video_alice", 40)?;
    let (mut sending, _other_bus) = sink(port, "video")?;
    let sizes = [(320, 240), (176, 144)];
    let mut last = None;
    for (width, height) in sizes {
        let info = video(gst_video::VideoFormat::I420, width, height)?;
        sending.set_src_caps(info.to_caps()?);
        // The first frames are lost, while the leg connects.
        let arrived = until("a frame of this size arrives", || {
            let time = sending.element().and_then(|one| one.current_running_time());
            sending.push(frame(&info, time.unwrap_or_default().mseconds())?)?;
            let Some(buffer) = receiving.try_pull() else {
                return Ok(None);
            };
            let pad = receiving.sinkpad().context("the harness's pad")?;
            let caps = pad.current_caps().context("caps come before buffers")?;
            let info = gst_video::VideoInfo::from_caps(&caps)?;
            assert!(last < buffer.pts(), "{last:?}, {:?}", buffer.pts());
            last = buffer.pts();
            Ok(((info.width(), info.height()) == (width, height)).then_some(info))
        })?;
        assert_eq!(arrived.format(), gst_video::VideoFormat::I420);
    }
    Ok(())
}
