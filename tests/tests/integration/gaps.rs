//! Pads whose stream is away, and pads whose downstream is slow.

use acscall_tests::pipeline::{Arrival, Pipeline, TIMEOUT, call};
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

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
fn a_gap_is_not_filled_with_a_picture_of_an_earlier_call() -> Result<()> {
    let call = call()?;
    let receiving = Pipeline::new(&format!(
        "acscallsrc name=c {call} user=bob video_alice::gap-fill=true \
         c.video_alice ! video/x-raw,format=I420 ! fakesink name=end sync=false async=false"
    ))?;
    let arrivals = receiving.arrivals("end")?;
    receiving.play()?;
    let _alice = Pipeline::playing(&format!(
        "videotestsrc is-live=true pattern=white ! video/x-raw,width=160,height=120,framerate=30/1 \
         ! acscallsink {call} user=alice"
    ))?;
    while luma(&arrivals.recv_timeout(TIMEOUT).context("no picture")?)? < 200 {}
    receiving.0.set_state(gst::State::Ready)?;
    for _ in arrivals.try_iter() {}
    receiving.element("c")?.set_property("call", "another");
    receiving.play()?;
    for _ in 0..3 {
        let filler = arrivals.recv_timeout(TIMEOUT).context("no picture")?;
        ensure!(luma(&filler)? == 16, "a picture of the earlier call");
    }
    Ok(())
}

#[test]
fn sound_after_a_short_pause_has_increasing_times() -> Result<()> {
    let call = call()?;
    let receiving = Pipeline::playing(&format!(
        "acscallsrc name=c {call} user=bob c.audio_alice ! fakesink name=end sync=false async=false"
    ))?;
    let received = receiving.arrivals("end")?;
    let sending = Pipeline::playing(&format!(
        "audiotestsrc is-live=true samplesperbuffer=441 ! identity name=source \
         ! acscallsink name=s {call} user=alice"
    ))?;
    let blocks = sending.arrivals("source")?;
    let pad = sending.element("s")?.static_pad("audio").context("a pad")?;
    for _ in 0..50 {
        received.recv_timeout(TIMEOUT).context("no sound")?;
    }
    // Of 10 ms each.
    for pause in [20, 50, 100] {
        pad.set_property("muted", true);
        for _ in blocks.try_iter() {}
        for _ in 0..pause {
            blocks
                .recv_timeout(TIMEOUT)
                .context("the source has stopped")?;
        }
        for _ in received.try_iter() {}
        pad.set_property("muted", false);
        let mut last = None;
        for number in 0..60 {
            let pts = received
                .recv_timeout(TIMEOUT)
                .context("no sound")?
                .buffer
                .pts();
            ensure!(
                pts > last,
                "block {number} after {pause}0 ms: {pts:?} after {last:?}"
            );
            last = pts;
        }
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
