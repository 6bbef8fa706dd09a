//! Streams on their way into a call: when they start and end, and buffers that cannot be sent.

use acscall_tests::pipeline::{Pipeline, free_port, init, until};
use anyhow::{Context, Result};
use gst::prelude::*;

/// The properties of elements in a call of their own, whose server they run.
fn call() -> Result<String> {
    init()?;
    Ok(format!("call=room server=ws://127.0.0.1:{}", free_port()?))
}

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
