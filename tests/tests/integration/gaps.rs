//! Pads whose stream is away, and pads whose downstream is slow.

use acscall_tests::pipeline::{Arrival, Pipeline, TIMEOUT, free_port, init};
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

fn call() -> Result<String> {
    init()?;
    Ok(format!("call=room server=ws://127.0.0.1:{}", free_port()?))
}

/// The value of Y in the middle of a picture in I420.
fn luma(arrival: &Arrival) -> Result<u8> {
    let (width, height) = arrival.size().context("it is a picture")?;
    let data = arrival.buffer.map_readable()?;
    Ok(data[(height / 2 * width + width / 2) as usize])
}

#[test]
fn a_recording_goes_on_while_a_picture_is_away_if_its_gaps_are_filled() -> Result<()> {
    let call = call()?;
    let recording = Pipeline::playing(&format!(
        "acscallsrc name=c {call} user=recorder video_alice::gap-fill=true \
         c.video_alice ! queue ! videoconvert ! videoscale ! videorate \
         ! video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! identity name=picture \
         ! vp8enc deadline=1 threads=1 ! queue ! m. \
         c.audio ! queue ! identity name=sound ! opusenc ! queue ! m. \
         matroskamux name=m ! fakesink sync=false async=false"
    ))?;
    let (pictures, sound) = (recording.arrivals("picture")?, recording.arrivals("sound")?);
    let wait = |wanted: fn(u8) -> bool| -> Result<()> {
        loop {
            let picture = pictures.recv_timeout(TIMEOUT).context("no picture")?;
            if wanted(luma(&picture)?) {
                return Ok(());
            }
        }
    };
    // Three seconds, more than all queues hold.
    let goes_on = || -> Result<()> {
        for _ in sound.try_iter() {}
        for _ in 0..300 {
            sound
                .recv_timeout(TIMEOUT)
                .context("the sound is held up")?;
        }
        for _ in pictures.try_iter() {}
        Ok(())
    };
    wait(|luma| luma == 16)?;
    goes_on()?;
    let alice = Pipeline::playing(&format!(
        "videotestsrc is-live=true pattern=white ! video/x-raw,width=160,height=120,framerate=30/1 \
         ! acscallsink {call} user=alice"
    ))?;
    wait(|luma| luma > 200)?;
    drop(alice);
    goes_on()?;
    wait(|luma| luma > 200)?;
    for pad in recording.element("c")?.src_pads() {
        let dropped = pad
            .property::<gst::Structure>("stats")
            .get::<u64>("dropped")?;
        ensure!(dropped == 0, "{} dropped {dropped}", pad.name());
    }
    Ok(())
}

#[test]
fn a_pad_of_a_user_who_is_away_outputs_silence_if_its_gaps_are_filled() -> Result<()> {
    let call = call()?;
    let receiving = Pipeline::playing(&format!(
        "acscallsrc name=c {call} user=bob audio_alice::gap-fill=true \
         c.audio_alice ! fakesink name=end sync=false async=false"
    ))?;
    let arrivals = receiving.arrivals("end")?;
    let mut next = None;
    for _ in 0..10 {
        let silence = arrivals.recv_timeout(TIMEOUT).context("no silence")?.buffer;
        let pts = silence.pts().context("a time")?;
        ensure!(next.is_none_or(|next| next == pts), "{pts} is not {next:?}");
        next = Some(pts + silence.duration().context("a duration")?);
        ensure!(
            silence.map_readable()?.iter().all(|byte| *byte == 0),
            "noise"
        );
    }
    Ok(())
}

#[test]
fn a_pad_that_drops_buffers_because_downstream_is_slow_says_so() -> Result<()> {
    let call = call()?;
    let receiving = Pipeline::playing(&format!(
        "acscallsrc name=c {call} user=bob \
         c.video_alice ! identity sleep-time=300000 ! fakesink sync=false async=false"
    ))?;
    let _alice = Pipeline::playing(&format!(
        "videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=30/1 \
         ! acscallsink {call} user=alice"
    ))?;
    let message = receiving.wait_element_message(|message| message.name() == "acscall-dropped")?;
    ensure!(message.get::<&str>("pad")? == "video_alice", "{message}");
    ensure!(message.get::<u64>("dropped")? > 0, "{message}");
    Ok(())
}
