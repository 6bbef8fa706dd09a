//! The pads and states of `acscallsink`.

use acscall_tests::pipeline::{Pipeline, TIMEOUT, call, init};
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

/// The element `s` alone in a pipeline.
fn alone(properties: &str) -> Result<(Pipeline, gst::Element)> {
    let pipeline = Pipeline::new(&format!("acscallsink name=s {} {properties}", call()?))?;
    let element = pipeline.element("s")?;
    Ok((pipeline, element))
}

/// A participant that reads the mix and gets all messages.
fn listener(call: &str) -> Result<Pipeline> {
    let pipeline = Pipeline::playing(&format!(
        "acscallsrc name=c {call} user=ear ! audioconvert ! fakesink"
    ))?;
    pipeline.wait_connected()?;
    Ok(pipeline)
}

fn is_stream(available: bool) -> impl Fn(&gst::StructureRef) -> bool {
    move |structure| {
        structure.name() == "acscall-stream" && structure.get("available") == Ok(available)
    }
}

#[test]
fn properties_have_the_documented_defaults() -> Result<()> {
    init()?;
    let element = gst::ElementFactory::make("acscallsink").build()?;
    let text = |name| element.property::<Option<String>>(name);
    assert_eq!(text("server").as_deref(), Some("ws://127.0.0.1:7788"));
    for unset in [
        "call",
        "user",
        "display-name",
        "stun-server",
        "turn-servers",
    ] {
        assert_eq!(text(unset), None, "{unset}");
    }
    assert!(element.property::<bool>("sync"));
    assert!(element.property::<bool>("embedded-server"));
    assert_eq!(element.property::<u32>("wait-for"), 0);
    let state = element.property_value("state").serialize()?;
    assert_eq!(state, "none");
    let pad = element.request_pad_simple("video").context("a pad")?;
    assert!(!pad.property::<bool>("muted"));
    let kind = pad.property_value("kind").serialize()?;
    assert_eq!(kind, "video");
    Ok(())
}

#[test]
fn the_last_reference_frees_element_and_pads() -> Result<()> {
    let pipeline = Pipeline::playing(&format!(
        "videotestsrc is-live=true ! acscallsink name=s {}",
        call()?
    ))?;
    pipeline.wait_connected()?;
    pipeline.0.set_state(gst::State::Null)?;
    let element = pipeline.element("s")?;
    let child = element
        .downcast_ref::<gst::Bin>()
        .context("a bin")?
        .children()[0]
        .downgrade();
    let pad = element.static_pad("video").context("a pad")?.downgrade();
    let weak = element.downgrade();
    drop((pipeline, element));
    assert!(weak.upgrade().is_none(), "the element");
    assert!(pad.upgrade().is_none(), "the pad");
    assert!(child.upgrade().is_none(), "the child");
    Ok(())
}

#[test]
fn pads_come_and_go_100_times_in_every_state() -> Result<()> {
    let (pipeline, element) = alone("")?;
    pipeline.assert_pads_come_and_go(&element, &["audio", "video", "screen"])
}

#[test]
fn an_existing_pad_is_not_created_again_and_a_warning_says_why() -> Result<()> {
    let (pipeline, element) = alone("")?;
    pipeline.assert_second_request_is_refused(&element, "video")
}

#[test]
fn a_link_without_a_pad_name_gets_the_pad_of_its_kind() -> Result<()> {
    let pads = |from: &str| -> Result<Vec<String>> {
        let pipeline = Pipeline::new(&format!("{from} ! acscallsink name=s {}", call()?))?;
        Ok(pipeline
            .element("s")?
            .pads()
            .iter()
            .map(|pad| pad.name().into())
            .collect())
    };
    assert_eq!(pads("videotestsrc")?, ["video"]);
    assert_eq!(pads("audiotestsrc")?, ["audio"]);
    Ok(())
}

#[test]
fn invalid_properties_are_errors_that_name_them() -> Result<()> {
    init()?;
    let cases = [
        ("", "call=room"),
        ("call=x server=http://y", "'server'"),
        ("call=x user=\"a\tb\"", "'user'"),
        ("call=x stun-server=host", "stun-server=stun://"),
        ("call=x turn-servers=turn://u:p@h,nonsense", "entry 2"),
    ];
    for (properties, wanted) in cases {
        let pipeline = Pipeline::new(&format!("videotestsrc ! acscallsink {properties}"))?;
        assert!(
            pipeline.0.set_state(gst::State::Playing).is_err(),
            "{properties}"
        );
        let text = pipeline.wait_error()?;
        assert!(text.contains(wanted), "{properties}: {text}");
    }
    Ok(())
}

#[test]
fn caps_that_cannot_be_sent_are_an_error_that_names_them() -> Result<()> {
    let pipeline = Pipeline::playing(&format!(
        "videotestsrc ! video/x-raw,format=GRAY8,width=20000,height=16 ! acscallsink {}",
        call()?
    ))?;
    let text = pipeline.wait_error()?;
    assert!(
        text.contains("width=(int)20000") && text.contains("16383"),
        "{text}"
    );
    Ok(())
}

#[test]
fn a_participant_sends_one_stream_of_each_kind() -> Result<()> {
    let call = call()?;
    let _first = Pipeline::playing(&format!("videotestsrc ! acscallsink {call} user=a"))?;
    let second = Pipeline::new(&format!("videotestsrc ! acscallsink {call} user=a"))?;
    assert!(second.0.set_state(gst::State::Playing).is_err());
    let text = second.wait_error()?;
    assert!(
        text.contains("already sends 'video' into call 'room' as 'a'"),
        "{text}"
    );
    let _other_kind = Pipeline::playing(&format!("audiotestsrc ! acscallsink {call} user=a"))?;
    Ok(())
}

#[test]
fn a_stream_is_available_from_playing_to_eos_and_again_with_a_new_one() -> Result<()> {
    let call = call()?;
    let ear = listener(&call)?;
    let pipeline = Pipeline::new(&format!(
        "appsrc name=a format=time ! acscallsink {call} user=m"
    ))?;
    let source = pipeline
        .element("a")?
        .downcast::<gst_app::AppSrc>()
        .ok()
        .context("an appsrc")?;
    let info = gst_audio::AudioInfo::builder(gst_audio::AudioFormat::S16le, 8000, 1).build()?;
    source.set_caps(Some(&info.to_caps()?));
    let push = |start: u64| -> Result<()> {
        for block in start..start + 5 {
            let mut buffer = gst::Buffer::with_size(320)?;
            let metadata = buffer.get_mut().context("own")?;
            metadata.set_pts(gst::ClockTime::from_mseconds(20 * block));
            metadata.set_duration(gst::ClockTime::from_mseconds(20));
            source.push_buffer(buffer)?;
        }
        Ok(())
    };
    push(0)?;
    pipeline.0.set_state(gst::State::Paused)?;
    pipeline.0.state(gst::ClockTime::try_from(TIMEOUT)?).0?;
    pipeline.wait_connected()?;
    let streams = ear.element("c")?.property::<gst::Structure>("streams");
    ensure!(
        streams.n_fields() == 0,
        "available before PLAYING: {streams}"
    );

    pipeline.play()?;
    ear.wait_element_message(is_stream(true))?;
    source.end_of_stream()?;
    ear.wait_element_message(is_stream(false))?;
    pipeline.wait_eos()?;

    // A new stream on the same pad, with the pipeline still in PLAYING.
    let pad = source.static_pad("src").context("a pad")?;
    let to = pad.peer().context("linked")?;
    pad.unlink(&to)?;
    let again = gst::parse::bin_from_description("audiotestsrc is-live=true", true)?;
    pipeline.contents()?.add(&again)?;
    again.static_pad("src").context("a pad")?.link(&to)?;
    again.sync_state_with_parent()?;
    ear.wait_element_message(is_stream(true))?;
    Ok(())
}

#[test]
fn a_muted_pad_is_not_available() -> Result<()> {
    let call = call()?;
    let ear = listener(&call)?;
    let pipeline = Pipeline::playing(&format!(
        "audiotestsrc is-live=true ! acscallsink name=s {call} user=m"
    ))?;
    let pad = pipeline
        .element("s")?
        .static_pad("audio")
        .context("a pad")?;
    for _ in 0..3 {
        ear.wait_element_message(is_stream(true))?;
        pad.set_property("muted", true);
        ear.wait_element_message(is_stream(false))?;
        pad.set_property("muted", false);
    }
    Ok(())
}

#[test]
fn releasing_the_pad_ends_the_stream_and_the_call_continues() -> Result<()> {
    let call = call()?;
    let ear = listener(&call)?;
    let pipeline = Pipeline::playing(&format!(
        "audiotestsrc is-live=true name=a ! acscallsink name=s {call} user=m"
    ))?;
    ear.wait_element_message(is_stream(true))?;
    let (sink, source) = (pipeline.element("s")?, pipeline.element("a")?);
    let pad = sink.static_pad("audio").context("a pad")?;
    source.set_locked_state(true);
    source.set_state(gst::State::Null)?;
    source.unlink(&sink);
    sink.release_request_pad(&pad);
    ear.wait_element_message(is_stream(false))?;
    let state = sink.property_value("state").serialize()?;
    assert_eq!(state, "connected");
    source.link(&sink)?;
    source.set_locked_state(false);
    source.sync_state_with_parent()?;
    ear.wait_element_message(is_stream(true))?;
    Ok(())
}

#[test]
fn the_element_posts_eos_when_all_its_pads_have_ended() -> Result<()> {
    let pipeline = Pipeline::playing(&format!(
        "acscallsink name=s {} audiotestsrc num-buffers=5 ! s. \
         videotestsrc is-live=true name=v ! s.",
        call()?
    ))?;
    let bus = pipeline.0.bus().context("a bus")?;
    pipeline.wait_for(|message| {
        matches!(message.view(), gst::MessageView::StateChanged(_))
            && message.src() == Some(pipeline.0.upcast_ref())
    })?;
    // 5 audio buffers last 0.12 s; 10 pictures last longer.
    let counted = pipeline.element("v")?.static_pad("src").context("a pad")?;
    let (sender, pictures) = std::sync::mpsc::channel();
    counted.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        let _receiver_dropped = sender.send(());
        gst::PadProbeReturn::Ok
    });
    for _ in 0..10 {
        pictures.recv_timeout(TIMEOUT)?;
    }
    ensure!(
        bus.pop_filtered(&[gst::MessageType::Eos]).is_none(),
        "EOS while the camera runs"
    );
    pipeline.element("v")?.send_event(gst::event::Eos::new());
    pipeline.wait_eos()
}

#[test]
fn a_file_waits_for_other_participants_and_starts_with_its_first_buffer() -> Result<()> {
    let call = call()?;
    let pipeline = Pipeline::playing(&format!(
        "audiotestsrc num-buffers=20 ! acscallsink name=s {call} user=m wait-for=1"
    ))?;
    pipeline.wait_connected()?;
    let pad = pipeline
        .element("s")?
        .static_pad("audio")
        .context("a pad")?;
    // The sink holds back the first buffer, so the change to PAUSED is not complete.
    let (result, current, _) = pipeline.0.state(gst::ClockTime::from_mseconds(300));
    ensure!(result == Ok(gst::StateChangeSuccess::Async), "{result:?}");
    ensure!(current < gst::State::Paused, "{current:?}");
    let sent = pad.property::<gst::Structure>("stats").get::<u64>("in")?;
    assert_eq!(sent, 0);
    let _ear = listener(&call)?;
    pipeline.wait_eos()?;
    let sent = pad.property::<gst::Structure>("stats").get::<u64>("in")?;
    assert_eq!(sent, 20, "the whole file");
    Ok(())
}

#[test]
fn a_live_stream_is_dropped_until_another_participant_joins() -> Result<()> {
    let call = call()?;
    let pipeline = Pipeline::playing(&format!(
        "audiotestsrc is-live=true name=a ! acscallsink name=s {call} user=m wait-for=1"
    ))?;
    pipeline.wait_connected()?;
    let (sender, buffers) = std::sync::mpsc::channel();
    let source = pipeline.element("a")?.static_pad("src").context("a pad")?;
    source.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        let _receiver_dropped = sender.send(());
        gst::PadProbeReturn::Ok
    });
    for _ in 0..10 {
        buffers.recv_timeout(TIMEOUT)?;
    }
    let pad = pipeline
        .element("s")?
        .static_pad("audio")
        .context("a pad")?;
    assert_eq!(pad.property::<gst::Structure>("stats").get::<u64>("in")?, 0);
    let ear = listener(&call)?;
    ear.wait_element_message(is_stream(true))?;
    Ok(())
}

#[test]
fn waiting_for_others_ends_with_null_with_flushing_and_with_eos() -> Result<()> {
    let call = call()?;
    let waits = |source: &str| {
        Pipeline::playing(&format!("{source} ! acscallsink {call} user=m wait-for=7"))
    };
    let null = waits("audiotestsrc name=a")?;
    null.wait_connected()?;
    null.0.set_state(gst::State::Null)?;

    let flushed = waits("audiotestsrc name=a")?;
    flushed.wait_connected()?;
    let pad = flushed.element("a")?.static_pad("src").context("a pad")?;
    assert!(pad.push_event(gst::event::FlushStart::new()));
    drop(pad.stream_lock());
    assert!(pad.push_event(gst::event::FlushStop::new(true)));
    flushed.0.set_state(gst::State::Null)?;

    waits("audiotestsrc is-live=true num-buffers=5")?.wait_eos()?;
    waits("audiotestsrc num-buffers=0")?.wait_eos()
}
