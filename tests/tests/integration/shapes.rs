//! What arrives has the shape of what was sent: pictures with other than square pixels, interlaced
//! pictures, and audio with any number of channels.

use acscall_tests::pipeline::{Arrival, Pipeline, TIMEOUT, free_port, init};
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

/// A call in which `source` feeds a pad of this kind, and what arrives.
struct Sent {
    arrivals: std::sync::mpsc::Receiver<Arrival>,
    sending: Pipeline,
    _receiving: Pipeline,
}

fn send(kind: &str, source: &str, properties: &str) -> Result<Sent> {
    init()?;
    let call = format!("call=room server=ws://127.0.0.1:{}", free_port()?);
    let receiving = Pipeline::playing(&format!(
        "acscallsrc name=c {call} user=bob \
         c.{kind}_alice ! fakesink name=end sync=false async=false"
    ))?;
    let arrivals = receiving.arrivals("end")?;
    let sending = Pipeline::playing(&format!(
        "{source} ! s.{kind} acscallsink name=s {call} user=alice {properties}"
    ))?;
    Ok(Sent {
        arrivals,
        sending,
        _receiving: receiving,
    })
}

#[test]
fn audio_without_channel_positions_arrives_whatever_the_number_of_channels() -> Result<()> {
    for channels in [1, 2, 3, 8, 63] {
        let source = format!(
            "audiotestsrc is-live=true volume=0.5 ! \
             audio/x-raw,format=S16LE,rate=48000,channels={channels},channel-mask=(bitmask)0"
        );
        let audio = send("audio", &source, "")?;
        let mut loudest = 0;
        while loudest < 8_000 {
            let block = audio.arrivals.recv_timeout(TIMEOUT);
            let block = block.with_context(|| format!("{channels}: {loudest}"))?;
            let info = gst_audio::AudioInfo::from_caps(&block.caps)?;
            ensure!(
                info.format() == gst_audio::AUDIO_FORMAT_S16,
                "{}",
                block.caps
            );
            let bytes = block.buffer.map_readable()?;
            let samples = bytes.chunks_exact(2);
            let samples = samples.map(|two| i16::from_ne_bytes([two[0], two[1]]));
            loudest = samples
                .map(i16::unsigned_abs)
                .max()
                .unwrap_or(0)
                .max(loudest);
        }
    }
    Ok(())
}
