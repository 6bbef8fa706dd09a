//! Streams on their way into a call: when they start and end, and buffers that cannot be sent.

use acscall_tests::pipeline::{Pipeline, call, free_port, init, until};
use anyhow::{Context, Result};
use gst::prelude::*;

#[test]
fn the_element_plays_only_after_the_thread_that_requested_a_pad_has_pushed() -> Result<()> {
    let pipeline = Pipeline::new(&format!("acscallsink name=s {}", call()?))?;
    let sink = pipeline.element("s")?;
    pipeline.0.set_state(gst::State::Paused)?;
    std::thread::scope(|scope| {
        let (pads, requested) = std::sync::mpsc::channel();
        let (go, plays) = std::sync::mpsc::channel();
        let requests = sink.clone();
        // Like a streaming thread of decodebin.
        scope.spawn(move || -> Result<()> {
            let pad = requests.request_pad_simple("audio").context("a pad")?;
            pads.send(pad.clone())?;
            plays.recv()?;
            pad.send_event(gst::event::StreamStart::new("decoded"));
            Ok(())
        });
        let _pad = requested.recv()?;
        let player = scope.spawn(|| pipeline.0.set_state(gst::State::Playing));
        let before = until("the element is set to PLAYING", || {
            let states = (sink.current_state(), sink.pending_state());
            Ok((states != (gst::State::Paused, gst::State::VoidPending)).then_some(states.0))
        })?;
        assert_eq!(before, gst::State::Paused);
        go.send(())?;
        player.join().unwrap()?;
        assert_eq!(sink.current_state(), gst::State::Playing);
        Ok(())
    })
}

#[test]
fn a_short_file_ends_however_the_threads_of_its_decoder_run() -> Result<()> {
    let call = call()?;
    let file = std::env::temp_dir().join(format!("acscall-{}.ogg", std::process::id()));
    let recorder = Pipeline::playing(&format!(
        "audiotestsrc num-buffers=2 ! opusenc ! oggmux ! filesink location={}",
        file.display()
    ))?;
    recorder.wait_eos()?;
    drop(recorder);
    for _ in 0..40 {
        let pipeline = Pipeline::new(&format!(
            "uridecodebin uri=file://{} ! acscallsink {call}",
            file.display()
        ))?;
        // As gst-launch-1.0 starts a pipeline.
        pipeline.0.set_state(gst::State::Paused)?;
        pipeline.0.state(gst::ClockTime::NONE).0?;
        pipeline.play()?;
        pipeline.wait_eos()?;
    }
    std::fs::remove_file(file)?;
    Ok(())
}

/// `acscallsink` with this pad and a clock that the test advances. Upstream is live.
struct Live {
    harness: gst_check::Harness,
    bus: gst::Bus,
}

impl Live {
    fn new(pad: &str, caps: &str) -> Result<Live> {
        init()?;
        let element = gst::ElementFactory::make("acscallsink")
            .property("call", "room")
            .property("server", format!("ws://127.0.0.1:{}", free_port()?))
            .build()?;
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        let mut harness = gst_check::Harness::with_element(&element, Some(pad), None);
        // The Harness turns it off.
        element.set_property("sync", true);
        harness.set_src_caps(caps.parse()?);
        Ok(Live { harness, bus })
    }

    /// Pushes a buffer at a time of the clock, with another time as its PTS.
    fn push(&mut self, size: usize, at_ms: u64, pts_ms: u64) -> Result<()> {
        let mut buffer = gst::Buffer::with_size(size)?;
        let metadata = buffer.get_mut().context("own")?;
        metadata.set_pts(gst::ClockTime::from_mseconds(pts_ms));
        let clock = self.harness.testclock().context("a test clock")?;
        clock.set_time(gst::ClockTime::from_mseconds(at_ms));
        std::thread::scope(|scope| {
            let push = scope.spawn(|| self.harness.push(buffer));
            until("the buffer is taken at this time", || {
                let is_due = |id: &gst::ClockId| id.time() <= clock.time();
                if clock.peek_next_pending_id().is_some_and(|id| is_due(&id)) {
                    clock.process_next_clock_id();
                }
                Ok(push.is_finished().then_some(()))
            })?;
            push.join().unwrap()?;
            Ok(())
        })
    }

    fn stat(&self, name: &str) -> Result<u64> {
        let pad = self.harness.srcpad().and_then(|pad| pad.peer());
        let stats = pad.context("linked")?.property::<gst::Structure>("stats");
        Ok(stats.get::<u64>(name)?)
    }

    /// The texts of the warnings and errors since the last call.
    fn complaints(&self) -> Vec<String> {
        self.bus
            .iter()
            .filter_map(|message| match message.view() {
                gst::MessageView::Warning(warning) => Some(warning.error().to_string()),
                gst::MessageView::Error(error) => Some(error.error().to_string()),
                _ => None,
            })
            .collect()
    }
}

const AUDIO: &str = "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2";
const VIDEO: &str = "video/x-raw,format=I420,width=16,height=16,framerate=50/1";

#[test]
fn a_buffer_that_is_not_whole_costs_that_buffer_alone_and_is_reported_once() -> Result<()> {
    for (pad, caps, whole, broken) in [("audio", AUDIO, 3840, 3841), ("video", VIDEO, 384, 383)] {
        let mut live = Live::new(pad, caps)?;
        for (number, size) in [whole, broken, broken, whole, whole]
            .into_iter()
            .enumerate()
        {
            let at = 20 * number as u64;
            live.push(size, at, at)?;
        }
        assert_eq!((live.stat("in")?, live.stat("broken")?), (3, 2), "{pad}");
        let warnings = live.complaints();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains(&broken.to_string()), "{warnings:?}");
    }
    Ok(())
}

#[test]
fn a_live_timestamp_far_ahead_delays_nothing_and_is_reported() -> Result<()> {
    for ahead in [3_000, 3_600_000] {
        for (pad, caps, size) in [("audio", AUDIO, 3840), ("video", VIDEO, 384)] {
            let mut live = Live::new(pad, caps)?;
            for number in 0..50 {
                let at = 20 * number;
                // The first three buffers are from the future, later one, and later 20.
                let is_ahead = number < 3 || number == 10 || number >= 30;
                live.push(size, at, at + if is_ahead { ahead } else { 0 })?;
            }
            assert_eq!((live.stat("in")?, live.stat("early")?), (50, 24), "{pad}");
            let warnings = live.complaints();
            assert_eq!(warnings.len(), 3, "{warnings:?}");
            assert!(warnings[0].contains("ahead of the clock"), "{warnings:?}");
        }
    }
    Ok(())
}

#[test]
fn a_live_gap_far_ahead_delays_nothing() -> Result<()> {
    let mut live = Live::new("audio", AUDIO)?;
    live.push(3840, 0, 0)?;
    let hour = gst::ClockTime::from_seconds(3600);
    assert!(live.harness.push_event(gst::event::Gap::new(hour, None)));
    live.push(3840, 20, 20)?;
    assert_eq!((live.stat("in")?, live.stat("early")?), (2, 0));
    Ok(())
}

#[test]
fn a_live_source_that_is_ahead_of_the_clock_is_paced_by_it() -> Result<()> {
    let mut live = Live::new("audio", AUDIO)?;
    let clock = live.harness.testclock().context("a test clock")?;
    // Half a second in one buffer, then two blocks of 20 ms.
    let pushed = std::thread::spawn(move || -> Result<Live> {
        for (size, pts) in [(96_000, 0), (3840, 500), (3840, 520)] {
            let mut buffer = gst::Buffer::with_size(size)?;
            let metadata = buffer.get_mut().context("own")?;
            metadata.set_pts(gst::ClockTime::from_mseconds(pts));
            live.harness.push(buffer)?;
        }
        Ok(live)
    });
    for due in [0, 100, 200, 300, 400, 500, 520] {
        let due = gst::ClockTime::from_mseconds(due);
        assert_eq!(clock.wait_for_next_pending_id().time(), due);
        clock.set_time(due);
        assert!(clock.process_next_clock_id().is_some());
    }
    let live = pushed.join().unwrap()?;
    assert_eq!((live.stat("in")?, live.stat("early")?), (7, 0));
    Ok(())
}

#[test]
fn a_stream_at_a_pad_of_another_kind_is_an_error_that_names_the_right_pad() -> Result<()> {
    let video = "videotestsrc num-buffers=5";
    let audio = "audiotestsrc num-buffers=5";
    let raw = "video/x-raw,format=I420,width=16,height=16,framerate=30/1";
    for (source, pad, wanted) in [
        (format!("{video} ! input-selector"), "", "! k.video"),
        (format!("{video} ! concat"), "", "! k.video"),
        (format!("{video} ! input-selector"), "audio", "! k.video"),
        (format!("{audio} ! input-selector"), "screen", "! k.audio"),
        (format!("{audio} ! concat"), "video", "! k.audio"),
        (
            format!("appsrc name=a format=time caps={raw}"),
            "audio",
            "! k.video",
        ),
    ] {
        let pipeline = Pipeline::new(&format!(
            "{source} ! k.{pad} acscallsink name=k {}",
            call()?
        ))?;
        // The state change fails if the source negotiates fast enough.
        let _error_follows = pipeline.0.set_state(gst::State::Playing);
        if let Ok(source) = pipeline.element("a") {
            let source = source.downcast::<gst_app::AppSrc>().ok().context("it is")?;
            source.push_buffer(gst::Buffer::with_size(384)?)?;
        }
        let text = pipeline.wait_error()?;
        assert!(text.contains(wanted), "{source}, '{pad}': {text}");
    }
    Ok(())
}

#[test]
fn caps_without_a_layout_or_a_frame_rate_are_completed() -> Result<()> {
    for (pad, caps, size) in [
        (
            "audio",
            "audio/x-raw,format=S16LE,rate=48000,channels=2",
            3840,
        ),
        ("video", "video/x-raw,format=I420,width=16,height=16", 384),
    ] {
        let mut live = Live::new(pad, caps)?;
        live.push(size, 0, 0)?;
        assert_eq!(live.stat("in")?, 1, "{pad}");
    }
    Ok(())
}

#[test]
fn incomplete_caps_are_an_error_that_names_the_missing_field() -> Result<()> {
    for (pad, caps, field) in [
        ("audio", "audio/x-raw,format=S16LE,channels=2", "'rate'"),
        (
            "audio",
            "audio/x-raw,format=S16LE,rate=48000,channels=6",
            "'channel-mask'",
        ),
        (
            "audio",
            "audio/x-raw,format=S16LE,rate=48000,channels=64,channel-mask=(bitmask)0",
            "63 channels",
        ),
        ("video", "video/x-raw,format=I420,height=16", "'width'"),
    ] {
        let mut live = Live::new(pad, caps)?;
        assert!(live.push(384, 0, 0).is_err(), "{caps}");
        let errors = live.complaints();
        assert_eq!(errors.len(), 1, "{caps}: {errors:?}");
        assert!(errors[0].contains(field), "{caps}: {errors:?}");
    }
    Ok(())
}

#[test]
fn a_pad_is_released_at_once_while_a_buffer_waits_until_it_is_due() -> Result<()> {
    let pipeline = Pipeline::playing(&format!(
        "appsrc name=a format=time caps={AUDIO} ! acscallsink name=s {}",
        call()?
    ))?;
    let source = pipeline.element("a")?.downcast::<gst_app::AppSrc>();
    let source = source.ok().context("it is an appsrc")?;
    let pad = source.static_pad("src").context("a pad")?;
    let (sender, pushed) = std::sync::mpsc::channel();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        let _receiver_dropped = sender.send(());
        gst::PadProbeReturn::Ok
    });
    let mut buffer = gst::Buffer::with_size(3840)?;
    let metadata = buffer.get_mut().context("own")?;
    metadata.set_pts(gst::ClockTime::from_seconds(3600));
    source.push_buffer(buffer)?;
    pushed.recv()?;
    let sink = pipeline.element("s")?;
    sink.release_request_pad(&sink.static_pad("audio").context("a pad")?);
    assert_eq!(sink.num_pads(), 0);
    Ok(())
}
