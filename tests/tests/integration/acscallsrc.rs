//! The pads and states of `acscallsrc`.

use std::sync::mpsc::channel;
use std::time::Duration;

use acscall_tests::pipeline::{Pipeline, TIMEOUT, free_port, init, until};
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

/// An element in its own call, whose server it runs.
fn source(properties: &str) -> Result<String> {
    init()?;
    let port = free_port()?;
    Ok(format!(
        "acscallsrc server=ws://127.0.0.1:{port} call=room {properties}"
    ))
}

/// The element `c` alone in a pipeline.
fn alone(properties: &str) -> Result<(Pipeline, gst::Element)> {
    let pipeline = Pipeline::new(&format!("{} name=c", source(properties)?))?;
    let element = pipeline.element("c")?;
    Ok((pipeline, element))
}

#[test]
fn properties_have_the_documented_defaults() -> Result<()> {
    init()?;
    let element = gst::ElementFactory::make("acscallsrc").build()?;
    let text = |name| element.property::<Option<String>>(name);
    assert_eq!(text("server").as_deref(), Some("ws://127.0.0.1:7788"));
    for unset in [
        "call",
        "user",
        "display-name",
        "stun-server",
        "turn-servers",
        "participant",
    ] {
        assert_eq!(text(unset), None, "{unset}");
    }
    assert_eq!(element.property::<u32>("latency"), 40);
    assert!(element.property::<bool>("embedded-server"));
    assert!(
        element.find_property("token").is_some_and(|token| {
            token.flags().contains(gst::glib::ParamFlags::WRITABLE)
                && !token.flags().contains(gst::glib::ParamFlags::READABLE)
        }),
        "the token is not readable"
    );
    let state = element.property_value("state").serialize()?;
    assert_eq!(state, "none");
    for empty in ["participants", "streams", "stats"] {
        assert_eq!(
            element.property::<gst::Structure>(empty).n_fields(),
            0,
            "{empty}"
        );
    }
    Ok(())
}

#[test]
fn the_last_reference_frees_element_and_pads() -> Result<()> {
    let (pipeline, element) = alone("")?;
    let pad = element.request_pad_simple("video_alice").context("a pad")?;
    let audio = element.request_pad_simple("audio").context("a pad")?;
    pipeline.play()?;
    pipeline.wait_connected()?;
    pipeline.0.set_state(gst::State::Null)?;
    let stream = element
        .downcast_ref::<gst::Bin>()
        .context("a bin")?
        .children()[0]
        .downgrade();
    let weak = (element.downgrade(), pad.downgrade(), audio.downgrade());
    drop((pipeline, element, pad, audio));
    assert!(weak.0.upgrade().is_none(), "the element");
    assert!(
        weak.1.upgrade().is_none() && weak.2.upgrade().is_none(),
        "the pads"
    );
    assert!(stream.upgrade().is_none(), "the stream");
    Ok(())
}

#[test]
fn pads_come_and_go_100_times_in_every_state() -> Result<()> {
    let (pipeline, element) = alone("")?;
    pipeline.assert_pads_come_and_go(&element, &["audio", "audio_a", "video_a", "screen_a:2"])
}

#[test]
fn a_pad_has_the_requested_name_or_one_that_is_no_user() -> Result<()> {
    let (_pipeline, element) = alone("")?;
    let template = element.pad_template("video_%s").context("a template")?;
    let request = |name| element.request_pad(&template, name, None);
    let first = request(None).context("without a name")?;
    let second = request(None).context("without a name")?;
    assert_eq!((&*first.name(), &*second.name()), ("video_:0", "video_:1"));
    element.release_request_pad(&first);
    assert_eq!(request(None).context("again")?.name(), "video_:0");
    let user = element
        .request_pad_simple("video_0")
        .context("the user 0")?;
    assert_eq!(user.name(), "video_0");
    let escaped = element
        .request_pad_simple("video_caf%C3%A9")
        .context("an escaped name")?;
    assert_eq!(escaped.name(), "video_caf%C3%A9");
    let kind = user.property_value("kind").serialize()?;
    assert_eq!(kind, "video");
    assert_eq!(user.property::<Option<String>>("participant"), None);
    assert!(!user.property::<bool>("available"));
    Ok(())
}

#[test]
fn an_existing_pad_is_not_created_again_and_a_warning_says_why() -> Result<()> {
    let (pipeline, element) = alone("")?;
    pipeline.assert_second_request_is_refused(&element, "audio")
}

#[test]
fn without_a_call_the_error_names_the_property_and_an_example() -> Result<()> {
    init()?;
    let pipeline = Pipeline::new("acscallsrc ! audioconvert ! fakesink")?;
    assert!(pipeline.0.set_state(gst::State::Playing).is_err());
    let text = pipeline.wait_error()?;
    assert!(
        text.contains("'call'") && text.contains("call=room"),
        "{text}"
    );
    Ok(())
}

#[test]
fn a_link_without_a_pad_name_gets_the_mix_or_the_first_stream() -> Result<()> {
    let pads = |to: &str| -> Result<Vec<String>> {
        let pipeline = Pipeline::new(&format!("{} name=c ! {to} ! fakesink", source("")?))?;
        Ok(pipeline
            .element("c")?
            .pads()
            .iter()
            .map(|pad| pad.name().into())
            .collect())
    };
    assert_eq!(pads("audioconvert")?, ["audio"]);
    assert_eq!(pads("videoconvert")?, ["video_:0"]);
    Ok(())
}

#[test]
fn an_eos_sent_to_the_pipeline_ends_all_pads_even_without_buffers() -> Result<()> {
    let pipeline = Pipeline::playing(&format!(
        "{} name=c c.audio ! wavenc ! fakesink async=false \
         c.audio_alice ! audioconvert ! fakesink async=false \
         c.video_alice ! videoconvert ! fakesink async=false \
         c.screen_alice ! fakesink async=false",
        source("")?
    ))?;
    pipeline.wait_connected()?;
    assert!(pipeline.0.send_event(gst::event::Eos::new()));
    pipeline.wait_eos()
}

#[test]
fn the_mix_is_continuous_before_anybody_joins() -> Result<()> {
    let pipeline = Pipeline::new(&format!("{} ! fakesink name=f", source("")?))?;
    let arrivals = pipeline.arrivals("f")?;
    pipeline.play()?;
    let mut end = None;
    for _ in 0..100 {
        let buffer = arrivals.recv_timeout(TIMEOUT)?.buffer;
        let pts = buffer.pts().context("a time")?;
        if let Some(end) = end {
            ensure!(pts == end, "a gap or an overlap: {end} to {pts}");
        }
        end = Some(pts + buffer.duration().context("a duration")?);
    }
    Ok(())
}

#[test]
fn a_sink_for_the_audio_of_an_absent_participant_does_not_block_the_pipeline() -> Result<()> {
    let pipeline = Pipeline::playing(&format!(
        "{} name=c c.audio_alice ! fakesink c.audio_bob ! fakesink",
        source("")?
    ))?;
    pipeline.wait_for(|message| matches!(message.view(), gst::MessageView::AsyncDone(_)))?;
    Ok(())
}

#[test]
fn a_pad_that_is_not_linked_loses_its_media_but_no_events() -> Result<()> {
    let (pipeline, element) = alone("")?;
    let pad = element.request_pad_simple("audio").context("a pad")?;
    pipeline.play()?;
    let (sender, flowed) = channel();
    let received = |pad: &gst::Pad| pad.property::<gst::Structure>("stats").get::<u64>("in");
    // The pad receives media whether it is linked or not.
    let has_received = |count: u64| {
        until("media flows", || {
            Ok((received(&pad)? >= count).then_some(()))
        })
    };
    has_received(20)?;
    let sink = gst::ElementFactory::make("fakesink")
        .property("async", false)
        .build()?;
    pipeline.contents()?.add(&sink)?;
    sink.sync_state_with_parent()?;
    let to = sink.static_pad("sink").context("a pad")?;
    to.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
        let _receiver_dropped = sender.send(pad.current_caps().is_some());
        gst::PadProbeReturn::Ok
    });
    pad.link(&to)?;
    assert!(flowed.recv_timeout(TIMEOUT)?, "caps before buffers");
    pad.unlink(&to)?;
    has_received(received(&pad)? + 20)?;
    let bus = pipeline.0.bus().context("a bus")?;
    assert!(bus.pop_filtered(&[gst::MessageType::Error]).is_none());
    Ok(())
}

#[test]
fn a_linked_sink_gets_the_stream_whenever_it_runs() -> Result<()> {
    let (pipeline, element) = alone("")?;
    let pad = element.request_pad_simple("audio").context("a pad")?;
    let (sender, pushed) = channel();
    let bin = element.downcast_ref::<gst::Bin>().context("a bin")?;
    let stream = bin.children().into_iter().next().context("a stream")?;
    let inside = stream.static_pad("src").context("a pad")?;
    inside.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        let _receiver_dropped = sender.send(());
        gst::PadProbeReturn::Ok
    });
    pipeline.play()?;
    let sink = gst::ElementFactory::make("fakesink")
        .property("async", false)
        .build()?;
    pipeline.contents()?.add(&sink)?;
    let to = sink.static_pad("sink").context("a pad")?;
    let (sender, arrived) = channel();
    to.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
        let _receiver_dropped = sender.send(pad.current_caps().is_some());
        gst::PadProbeReturn::Ok
    });
    for state in [gst::State::Null, gst::State::Ready, gst::State::Null] {
        sink.set_state(state)?;
        if !pad.is_linked() {
            pad.link(&to)?;
        }
        while pushed.try_recv().is_ok() {}
        while arrived.try_recv().is_ok() {}
        for _ in 0..3 {
            let refused = pushed.recv_timeout(TIMEOUT);
            refused.context("the stream stopped without a running sink")?;
        }
        assert!(arrived.try_recv().is_err(), "the sink does not run");
        sink.sync_state_with_parent()?;
        assert!(arrived.recv_timeout(TIMEOUT)?, "caps before buffers");
    }
    let bus = pipeline.0.bus().context("a bus")?;
    assert!(bus.pop_filtered(&[gst::MessageType::Error]).is_none());
    Ok(())
}

#[test]
fn a_stream_leaves_its_pad_with_id_title_and_times() -> Result<()> {
    let source = source("user=bob name=c")?;
    let server = source.split(' ').nth(1).context("the server")?.to_owned();
    let receiver = Pipeline::new(&format!(
        "{source} c.video_alice ! fakesink name=named async=false \
         c. ! videoconvert ! fakesink name=first async=false"
    ))?;
    let (named, first) = (receiver.arrivals("named")?, receiver.arrivals("first")?);
    receiver.play()?;
    receiver.wait_connected()?;
    let sender = Pipeline::playing(&format!(
        "videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=30/1 ! \
         acscallsink call=room user=alice display-name=Al {server}"
    ))?;
    let stream = receiver.wait_element_message(|message| message.name() == "acscall-stream")?;
    assert_eq!(stream.get::<&str>("pad")?, "video_alice");
    assert_eq!(stream.get::<&str>("display-name")?, "Al");
    assert!(stream.get::<bool>("available")?);
    let mut last = gst::ClockTime::ZERO;
    for _ in 0..30 {
        let arrival = named.recv_timeout(TIMEOUT)?;
        assert_eq!(arrival.size(), Some((64, 48)));
        let pts = arrival.buffer.pts().context("a time")?;
        ensure!(pts > last, "{pts} after {last}");
        last = pts;
        first.recv_timeout(TIMEOUT)?;
    }
    let now = receiver.0.current_running_time().context("it runs")?;
    ensure!(
        now.absdiff(last) < gst::ClockTime::from_seconds(1),
        "{last} at {now}"
    );

    let element = receiver.element("c")?;
    let pad = element.static_pad("video_alice").context("the pad")?;
    assert_eq!(pad.stream_id().context("an id")?, "room/alice/video");
    assert_eq!(
        pad.property::<Option<String>>("participant").as_deref(),
        Some("alice")
    );
    assert!(pad.property::<bool>("available"));
    let tag = pad.sticky_event::<gst::event::Tag>(0).context("a tag")?;
    let title = tag
        .tag()
        .get::<gst::tags::Title>()
        .context("a title")?
        .get()
        .to_owned();
    assert_eq!(title, "Al");
    let unnamed = element.static_pad("video_:0").context("the other pad")?;
    assert_eq!(
        unnamed.property::<Option<String>>("participant").as_deref(),
        Some("alice")
    );
    let streams = element.property::<gst::Structure>("streams");
    assert!(streams.has_field("video_alice"), "{streams}");

    sender.0.set_state(gst::State::Null)?;
    receiver.wait_element_message(|message| {
        message.name() == "acscall-participant"
            && message.get::<&str>("state") == Ok("disconnected")
    })?;
    Ok(())
}

#[test]
fn the_property_participant_restricts_pads_without_a_name() -> Result<()> {
    let source = source("user=bob participant=carol name=c")?;
    let server = source.split(' ').nth(1).context("the server")?.to_owned();
    let receiver = Pipeline::new(&format!(
        "{source} ! videoconvert ! fakesink name=f async=false"
    ))?;
    let arrivals = receiver.arrivals("f")?;
    receiver.play()?;
    receiver.wait_connected()?;
    let sends = |user: &str, width: u32| {
        Pipeline::playing(&format!(
            "videotestsrc is-live=true ! video/x-raw,width={width},height=48 ! \
             acscallsink call=room user={user} {server}"
        ))
    };
    let is_stream = |user: &'static str| {
        move |message: &gst::StructureRef| {
            message.name() == "acscall-stream" && message.get::<&str>("participant") == Ok(user)
        }
    };
    let _alice = sends("alice", 64)?;
    receiver.wait_element_message(is_stream("alice"))?;
    let _carol = sends("carol", 96)?;
    receiver.wait_element_message(is_stream("carol"))?;
    assert_eq!(arrivals.recv_timeout(TIMEOUT)?.size(), Some((96, 48)));
    Ok(())
}

#[test]
fn a_pipeline_that_was_stopped_joins_again() -> Result<()> {
    let pipeline = Pipeline::new(&format!("{} name=c ! audioconvert ! fakesink", source("")?))?;
    let arrivals = {
        let sink = pipeline
            .contents()?
            .iterate_sinks()
            .next()
            .ok()
            .flatten()
            .context("a sink")?;
        pipeline.arrivals(&sink.name())?
    };
    for _ in 0..3 {
        pipeline.play()?;
        pipeline.wait_connected()?;
        arrivals.recv_timeout(TIMEOUT)?;
        pipeline.0.set_state(gst::State::Null)?;
        let state = pipeline.element("c")?.property_value("state").serialize()?;
        assert_eq!(state, "disconnected");
        while arrivals.recv_timeout(Duration::ZERO).is_ok() {}
    }
    Ok(())
}
