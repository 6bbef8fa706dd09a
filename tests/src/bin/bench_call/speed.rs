//! The time until media arrives.

use acscall_tests::pipeline::{Pipeline, TIMEOUT, free_port, now};
use anyhow::{Context, Result};
use gst::prelude::*;

use super::measure::Figures;
use super::process;

const RUNS: usize = 20;

fn sender(port: u16, call: &str) -> String {
    format!(
        "videotestsrc is-live=true ! video/x-raw,width=640,height=480,framerate=30/1 \
         ! acscallsink server=ws://127.0.0.1:{port} call={call} user=sender"
    )
}

fn receiver(port: u16, call: &str, user: &str) -> String {
    format!(
        "acscallsrc server=ws://127.0.0.1:{port} call={call} user={user} name=c \
         c.video_sender ! fakesink name=first sync=false"
    )
}

/// Join → first decoded frame.
pub(crate) fn join() -> Result<()> {
    let port = free_port()?;
    let running = process::start("pipeline", &[&sender(port, "join")])?;
    running.line(TIMEOUT)?;

    let mut fresh = Figures::default();
    for run in 0..RUNS {
        let user = format!("fresh{run}");
        let process = process::start("join", &[&receiver(port, "join", &user)])?;
        fresh.add(process.line(TIMEOUT)?.parse()?);
        process.leave()?;
    }
    fresh.print(
        "join → first decoded frame, fresh process",
        "ms",
        "at most 300",
    );

    let _first_call = Pipeline::playing(&receiver(port, "join", "warm"))?;
    let mut further = Figures::default();
    for run in 0..RUNS {
        let pipeline = Pipeline::new(&receiver(port, "join", &format!("further{run}")))?;
        let arrivals = pipeline.arrivals("first")?;
        let begun = now();
        pipeline.play()?;
        let first = arrivals.recv_timeout(TIMEOUT).context("no frame arrived")?;
        further.add((first.at - begun).nseconds() as f64 / 1e6);
    }
    further.print(
        "join → first decoded frame, further call",
        "ms",
        "at most 150",
    );
    running.leave()
}

/// A stream started in a running call → its first frame at the other end.
pub(crate) fn start() -> Result<()> {
    let port = free_port()?;
    let receiving = Pipeline::playing(&receiver(port, "start", "receiver"))?;
    let arrivals = receiving.arrivals("first")?;
    let sending = Pipeline::playing(&format!(
        "acscallsink name=sink server=ws://127.0.0.1:{port} call=start user=sender"
    ))?;
    let sink = sending.element("sink")?;
    receiving.wait_element_message(|structure| structure.name() == "acscall-participant")?;
    // The first stream waits for the leg, which the figure does not include.
    let mut figures = Figures::default();
    for run in 0..=RUNS {
        let source = gst::parse::bin_from_description(
            "videotestsrc is-live=true ! video/x-raw,width=640,height=480,framerate=30/1 ! identity name=out",
            true,
        )?;
        let pad = sink
            .request_pad_simple("video")
            .context("the pad is free")?;
        let (sender, sent) = std::sync::mpsc::channel();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            let _receiver_dropped = sender.send(now());
            gst::PadProbeReturn::Ok
        });
        sending.contents()?.add(&source)?;
        source
            .static_pad("src")
            .context("the bin has a source pad")?
            .link(&pad)?;
        while arrivals.try_recv().is_ok() {}
        source.sync_state_with_parent()?;
        let begun = sent.recv_timeout(TIMEOUT).context("nothing was sent")?;
        let first = arrivals.recv_timeout(TIMEOUT).context("no frame arrived")?;
        if run > 0 {
            figures.add((first.at - begun).nseconds() as f64 / 1e6);
        }
        source.set_state(gst::State::Null)?;
        sending.contents()?.remove(&source)?;
        sink.release_request_pad(&pad);
        // Frames that are still on their way belong to this run.
        while arrivals
            .recv_timeout(std::time::Duration::from_millis(200))
            .is_ok()
        {}
    }
    figures.print(
        "stream started in a running call → first frame",
        "ms",
        "at most 100",
    );
    Ok(())
}
