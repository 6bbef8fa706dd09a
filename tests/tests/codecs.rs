//! Codecs and bit rates of sent streams.

use acscall_tests::pipeline::{Pipeline, TIMEOUT, free_port, init, now};
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

fn call() -> Result<String> {
    init()?;
    Ok(format!("call=room server=ws://127.0.0.1:{}", free_port()?))
}

/// A camera of an odd size, sent by alice with these properties of the pad.
fn camera(call: &str, properties: &str) -> Result<Pipeline> {
    Pipeline::playing(&format!(
        "videotestsrc is-live=true ! video/x-raw,format=BGRx,width=321,height=241,framerate=30/1 \
         ! acscallsink name=s {call} user=alice {properties}"
    ))
}

/// Bob, who sees alice.
fn viewer(call: &str) -> Result<Pipeline> {
    Pipeline::playing(&format!(
        "acscallsrc name=c {call} user=bob c.video_alice ! fakesink name=end sync=false async=false"
    ))
}

fn pad(sending: &Pipeline) -> Result<gst::Pad> {
    sending
        .element("s")?
        .static_pad("video")
        .context("the pad exists")
}

fn stats(sending: &Pipeline) -> Result<gst::Structure> {
    Ok(pad(sending)?.property::<gst::Structure>("stats"))
}

fn is_warning(part: &'static str) -> impl Fn(&gst::Message) -> bool {
    move |message| match message.view() {
        gst::MessageView::Warning(warning) => warning.error().to_string().contains(part),
        _ => false,
    }
}

#[test]
fn every_codec_that_is_installed_arrives_and_the_others_are_errors_that_name_what_is_missing()
-> Result<()> {
    init()?;
    let needs = [
        ("vp8", "VP8", &["vp8enc", "rtpvp8pay"][..]),
        ("vp9", "VP9", &["vp9enc", "rtpvp9pay"][..]),
        ("h264", "H264", &["x264enc", "rtph264pay"][..]),
        ("av1", "AV1", &["av1enc", "av1parse", "rtpav1pay"][..]),
    ];
    for (codec, name, factories) in needs {
        let call = call()?;
        let missing = factories
            .iter()
            .find(|factory| gst::ElementFactory::find(factory).is_none());
        if let Some(missing) = missing {
            let sending = Pipeline::new(&format!(
                "videotestsrc ! acscallsink {call} video::codec={codec}"
            ))?;
            ensure!(sending.0.set_state(gst::State::Playing).is_err(), "{codec}");
            let text = sending.wait_error()?;
            ensure!(text.contains(missing) && text.contains("install"), "{text}");
            continue;
        }
        let sending = camera(&call, &format!("video::codec={codec}"))?;
        let arrivals = viewer(&call)?;
        let arrived = arrivals.arrivals("end")?;
        for _ in 0..20 {
            let arrival = arrived.recv_timeout(TIMEOUT);
            let (width, height) = arrival
                .with_context(|| format!("{codec}: no picture came"))?
                .size()
                .context("a picture has a size")?;
            ensure!(
                (320..=321).contains(&width) && (240..=241).contains(&height),
                "{codec}: {width}×{height}"
            );
        }
        ensure!(stats(&sending)?.get::<&str>("codec") == Ok(name), "{codec}");
    }
    Ok(())
}

#[test]
fn the_codec_may_change_while_the_stream_is_sent() -> Result<()> {
    let call = call()?;
    let receiving = viewer(&call)?;
    let arrivals = receiving.arrivals("end")?;
    let sending = camera(&call, "")?;
    arrivals.recv_timeout(TIMEOUT).context("no first picture")?;
    for (codec, name) in [("vp9", "VP9"), ("vp8", "VP8")] {
        pad(&sending)?.set_property_from_str("codec", codec);
        let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
        while stats(&sending)?.get::<&str>("codec") != Ok(name) {
            ensure!(now() < deadline, "{codec} is not used");
            arrivals.recv_timeout(TIMEOUT).context("no picture")?;
        }
        // Those are still of the leg before, for the most part.
        for _ in arrivals.try_iter() {}
        for _ in 0..10 {
            arrivals.recv_timeout(TIMEOUT).context(codec)?;
        }
    }
    Ok(())
}

#[test]
fn who_cannot_decode_a_line_rejects_it_both_ends_are_told_and_the_rest_goes_on() -> Result<()> {
    let call = call()?;
    let registry = gst::Registry::get();
    let decoder = registry
        .lookup_feature("vp9dec")
        .context("it is installed")?;
    registry.remove_feature(&decoder);
    let receiving = Pipeline::playing(&format!(
        "acscallsrc name=c {call} user=bob \
         c.video_alice ! fakesink name=video sync=false async=false \
         c.audio_alice ! fakesink name=audio sync=false async=false \
         c.screen_alice ! fakesink name=screen sync=false async=false"
    ))?;
    let [video, audio, screen] = ["video", "audio", "screen"].map(|name| receiving.arrivals(name));
    let sending = Pipeline::playing(&format!(
        "acscallsink name=s {call} user=alice video::codec=vp9 \
         videotestsrc is-live=true ! s.video audiotestsrc is-live=true ! s.audio \
         videotestsrc is-live=true ! s.screen"
    ))?;
    receiving.wait_for(is_warning("vp9dec"))?;
    sending.wait_for(is_warning("cannot decode it"))?;
    for arrivals in [audio?, screen?] {
        for _ in 0..20 {
            arrivals.recv_timeout(TIMEOUT).context("the rest stopped")?;
        }
    }
    ensure!(video?.try_recv().is_err(), "VP9 was decoded by nothing");
    ensure!(
        stats(&sending)?.get::<u32>("encoders") == Ok(0),
        "it is encoded for nobody"
    );
    Ok(())
}

#[test]
fn the_bit_rate_is_limited_and_may_change_while_the_stream_is_sent() -> Result<()> {
    let call = call()?;
    let receiving = viewer(&call)?;
    let arrivals = receiving.arrivals("end")?;
    let sending = camera(&call, "video::bitrate=400")?;
    for (bitrate, wanted) in [(400u32, 400), (200, 200), (900, 900), (0, 2500)] {
        pad(&sending)?.set_property("bitrate", bitrate);
        let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
        while stats(&sending)?.get::<u32>("bitrate") != Ok(wanted) {
            ensure!(now() < deadline, "{bitrate}: {:?}", stats(&sending)?);
            arrivals.recv_timeout(TIMEOUT).context("no picture")?;
        }
    }
    Ok(())
}
