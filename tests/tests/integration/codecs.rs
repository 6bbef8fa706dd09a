//! Codecs and bit rates of sent streams.

use std::process::Command;

use acscall_tests::participant::Participant;
use acscall_tests::pipeline::{Pipeline, TIMEOUT, call, init, now};
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

/// A camera with an odd size, sent by alice with these pad properties.
fn camera(call: &str, properties: &str) -> Result<Pipeline> {
    Pipeline::playing(&format!(
        "videotestsrc is-live=true ! video/x-raw,format=BGRx,width=321,height=241,framerate=30/1 \
         ! acscallsink name=s {call} user=alice {properties}"
    ))
}

/// Bob, who receives the video of alice.
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

/// A codec, and the elements that it needs.
struct Needs {
    codec: &'static str,
    /// Its name in SDP.
    name: &'static str,
    encoders: &'static [&'static str],
    decoders: &'static [&'static str],
    /// Needed in addition to one encoder and one decoder.
    others: &'static [&'static str],
}

const ALL: [Needs; 4] = [
    Needs {
        codec: "vp8",
        name: "VP8",
        encoders: &["vp8enc"],
        decoders: &["vp8dec"],
        others: &["rtpvp8pay", "rtpvp8depay"],
    },
    Needs {
        codec: "vp9",
        name: "VP9",
        encoders: &["vp9enc"],
        decoders: &["vp9dec"],
        others: &["rtpvp9pay", "rtpvp9depay"],
    },
    Needs {
        codec: "h264",
        name: "H264",
        encoders: &["x264enc", "openh264enc"],
        decoders: &["avdec_h264", "openh264dec"],
        others: &["rtph264pay", "rtph264depay", "h264parse"],
    },
    Needs {
        codec: "av1",
        name: "AV1",
        encoders: &["av1enc"],
        decoders: &["dav1ddec", "av1dec"],
        others: &["rtpav1pay", "rtpav1depay", "av1parse"],
    },
];

fn is_installed(element: &&&str) -> bool {
    gst::ElementFactory::find(element).is_some()
}

/// A participant in a separate process that lacks the elements `without`.
fn participant(without: &[&str], description: &str) -> Result<Participant> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_participant"));
    command.args(["--without", &without.join(","), description]);
    Participant::start(&mut command)
}

/// All `elements` except `one`.
fn others<'a>(elements: &[&'a str], one: &str) -> Vec<&'a str> {
    elements
        .iter()
        .copied()
        .filter(|name| *name != one)
        .collect()
}

#[test]
fn every_codec_arrives_with_each_encoder_and_decoder_that_is_installed() -> Result<()> {
    init()?;
    for needs in ALL {
        let Needs { codec, name, .. } = needs;
        if let Some(missing) = needs.others.iter().find(|one| !is_installed(one)) {
            println!("{codec} is not tested: there is no {missing}");
            continue;
        }
        for encoder in needs.encoders.iter().filter(is_installed) {
            for decoder in needs.decoders.iter().filter(is_installed) {
                let call = call()?;
                let what = format!("{codec} by {encoder} and {decoder}");
                let mut receiving = participant(
                    &others(needs.decoders, decoder),
                    &format!("acscallsrc name=c {call} user=b c.video_a ! fakesink name=end"),
                )?;
                let mut sending = participant(
                    &others(needs.encoders, encoder),
                    &format!(
                        "videotestsrc is-live=true \
                         ! video/x-raw,format=BGRx,width=321,height=241,framerate=30/1 \
                         ! acscallsink {call} user=a video::codec={codec}"
                    ),
                )?;
                receiving.wait_frames(&["end"], 20).context(what.clone())?;
                let caps = &receiving.caps["end"];
                // Some encoders support only even sizes.
                let has_size = |name: &str, one: u32, other: u32| {
                    [one, other]
                        .iter()
                        .any(|n| caps.contains(&format!("{name}=(int){n}")))
                };
                ensure!(
                    has_size("width", 320, 321) && has_size("height", 240, 241),
                    "{what}: {caps}"
                );
                sending.until(&what, |now| {
                    now.codings
                        .get("video")
                        .is_some_and(|coding| coding.codec == name)
                })?;
            }
        }
    }
    Ok(())
}

#[test]
fn a_codec_without_an_encoder_is_an_error_that_names_what_is_missing() -> Result<()> {
    init()?;
    for needs in ALL {
        let description = format!(
            "videotestsrc ! acscallsink {} video::codec={}",
            call()?,
            needs.codec
        );
        let sending = participant(needs.encoders, &description)?;
        let line = sending.process.line(TIMEOUT)?;
        ensure!(
            line.starts_with("error ") && line.contains("install"),
            "{line}"
        );
        // If more is missing, the error may name that.
        let mut named = needs.encoders.iter().chain(needs.others);
        ensure!(named.any(|element| line.contains(element)), "{line}");
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
    for (codec, name) in [("vp9", "VP9"), ("vp8", "VP8")].repeat(4) {
        pad(&sending)?.set_property_from_str("codec", codec);
        let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
        while stats(&sending)?.get::<&str>("codec") != Ok(name) {
            ensure!(now() < deadline, "{codec} is not used");
            arrivals.recv_timeout(TIMEOUT).context("no picture")?;
        }
        // Most of these frames arrived over the previous leg.
        for _ in arrivals.try_iter() {}
        for _ in 0..10 {
            arrivals.recv_timeout(TIMEOUT).context(codec)?;
        }
    }
    Ok(())
}

#[test]
fn a_codec_without_a_decoder_is_rejected_with_warnings_and_the_other_streams_flow() -> Result<()> {
    init()?;
    let call = call()?;
    let mut receiving = participant(
        &["vp9dec"],
        &format!(
            "acscallsrc name=c {call} user=bob \
             c.video_alice ! fakesink name=video sync=false async=false \
             c.audio_alice ! fakesink name=audio sync=false async=false \
             c.screen_alice ! fakesink name=screen sync=false async=false"
        ),
    )?;
    let mut sending = participant(
        &[],
        &format!(
            "acscallsink name=s {call} user=alice video::codec=vp9 \
             videotestsrc is-live=true ! s.video audiotestsrc is-live=true ! s.audio \
             videotestsrc is-live=true ! s.screen"
        ),
    )?;
    receiving.wait_message(&["warning", "vp9dec"])?;
    sending.wait_message(&["warning", "cannot decode it"])?;
    receiving.wait_frames(&["audio", "screen"], 20)?;
    ensure!(
        receiving.count("video") == 0,
        "VP9 was decoded without a decoder"
    );
    // Nor is it encoded.
    let is_not_encoded = |now: &Participant| {
        now.codings
            .get("video")
            .is_some_and(|coding| coding.encoders == 0)
    };
    sending.until("VP9 is not encoded", is_not_encoded)
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

#[test]
fn an_element_that_every_call_needs_is_named_with_its_package_at_once() -> Result<()> {
    let call = call()?;
    for (element, package) in [
        ("webrtcbin", "gstreamer1.0-plugins-bad"),
        ("dtlsdec", "gstreamer1.0-plugins-bad"),
        ("srtpdec", "gstreamer1.0-plugins-bad"),
        ("rtpbin", "gstreamer1.0-plugins-good"),
        ("nicesrc", "gstreamer1.0-nice"),
        ("audiomixer", "gstreamer1.0-plugins-base"),
    ] {
        for description in [
            format!("acscallsrc {call} user=bob ! audio/x-raw ! fakesink"),
            format!("audiotestsrc ! acscallsink {call} user=bob"),
        ] {
            let starting = participant(&[element], &description)?;
            let line = starting.process.line(TIMEOUT)?;
            let expected =
                format!("error the GStreamer element {element} is missing: install {package}");
            ensure!(line == expected, "{line}");
        }
    }
    Ok(())
}
