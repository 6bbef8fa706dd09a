//! The costs of a call.

use std::time::Duration;

use acscall_tests::pipeline::{Pipeline, TIMEOUT, free_port, now};
use acscall_tests::usage::cpu;
use anyhow::{Context, Result, ensure};
use gst::prelude::*;

use super::measure::{self, Figures};
use super::process;

fn receiver(port: u16, user: &str) -> String {
    format!(
        "acscallsrc server=ws://127.0.0.1:{port} call=cost user={user} name=c \
         c.video_sender ! fakesink name=first sync=false"
    )
}

/// The number of encoders for one stream to four receivers.
pub(crate) fn encoders() -> Result<()> {
    let port = free_port()?;
    let sending = Pipeline::playing(&format!(
        "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1 \
         ! acscallsink name=sink server=ws://127.0.0.1:{port} call=cost user=sender"
    ))?;
    let receivers = ["a", "b", "c", "d"]
        .map(|user| Pipeline::playing(&receiver(port, user)))
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    for receiver in &receivers {
        receiver
            .arrivals("first")?
            .recv_timeout(TIMEOUT)
            .context("no frame arrived")?;
    }
    let stats = sending.element("sink")?.property::<gst::Structure>("stats");
    let count = stats
        .get::<u32>("encoders")
        .context("stats have the encoders")?;
    Figures::from_iter([f64::from(count)]).print("encoders for one stream to 4 receivers", "", "1");
    Ok(())
}

/// The number of threads of both ends of an idle pair of legs, without those of the call itself.
pub(crate) fn threads() -> Result<()> {
    let port = free_port()?;
    let idle = |user: &str| {
        Pipeline::playing(&format!(
            "acscallsrc server=ws://127.0.0.1:{port} call=cost user={user} name=c"
        ))
    };
    let sending = Pipeline::playing(&format!(
        "acscallsink name=sink server=ws://127.0.0.1:{port} call=cost user=sender"
    ))?;
    sending.wait_connected()?;
    let legs = || -> Result<u32> {
        let stats = sending.element("sink")?.property::<gst::Structure>("stats");
        Ok(stats.get::<u32>("connected-legs").unwrap_or(0))
    };
    let mut receivers = Vec::new();
    let mut counts = Vec::new();
    for count in 1..=4 {
        receivers.push(idle(&format!("receiver{count}"))?);
        let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
        while legs()? < count {
            ensure!(now() < deadline, "a leg did not connect");
            std::thread::yield_now();
        }
        counts.push(measure::threads()? as f64);
    }
    // Each further receiver adds its call's driver and one pair.
    counts
        .windows(2)
        .map(|pair| pair[1] - pair[0] - 1.0)
        .collect::<Figures>()
        .print("threads of an idle leg pair", "", "at most 15");
    Ok(())
}

/// Growth of memory, threads and descriptors over 300 joins of one receiver.
pub(crate) fn leaks() -> Result<()> {
    let port = free_port()?;
    let sender = process::start(
        "pipeline",
        &[&format!(
            "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1 \
         ! acscallsink server=ws://127.0.0.1:{port} call=cost user=sender"
        )],
    )?;
    sender.line(TIMEOUT)?;
    let mut at_150 = (0.0, 0, 0);
    for join in 1..=300 {
        let pipeline = Pipeline::new(&receiver(port, "comes-and-goes"))?;
        let arrivals = pipeline.arrivals("first")?;
        pipeline.play()?;
        arrivals.recv_timeout(TIMEOUT).context("no frame arrived")?;
        drop(pipeline);
        if join == 150 {
            at_150 = (
                measure::rss()?,
                measure::threads()?,
                measure::descriptors()?,
            );
        }
    }
    let (rss, threads, descriptors) = (
        measure::rss()?,
        measure::threads()?,
        measure::descriptors()?,
    );
    Figures::from_iter([rss - at_150.0]).print(
        "RSS after 300 joins over that after 150",
        "MiB",
        "at most 2",
    );
    println!(
        "  threads {} → {threads}, descriptors {} → {descriptors} (target: equal)",
        at_150.1, at_150.2
    );
    sender.leave()
}

/// Processor time of a receiver that reads only audio, while the sender's video is on and off.
pub(crate) fn audio_only() -> Result<()> {
    const RUNS: usize = 5;
    const SPAN: Duration = Duration::from_secs(5);
    let mut medians = Vec::new();
    for (what, video) in [
        (
            "on",
            "videotestsrc is-live=true ! video/x-raw,width=640,height=480,framerate=30/1 ! s.video",
        ),
        ("off", ""),
    ] {
        let port = free_port()?;
        let sender = process::start(
            "pipeline",
            &[&format!(
                "acscallsink name=s server=ws://127.0.0.1:{port} call=cost user=sender \
             audiotestsrc is-live=true ! s.audio {video}"
            )],
        )?;
        sender.line(TIMEOUT)?;
        let receiver = process::start(
            "pipeline",
            &[&format!(
                "acscallsrc server=ws://127.0.0.1:{port} call=cost user=receiver name=c \
             c.audio_sender ! fakesink sync=false"
            )],
        )?;
        receiver.line(TIMEOUT)?;
        let mut figures = Figures::default();
        for _ in 0..RUNS {
            let (used, begun) = (cpu(receiver.id())?, now());
            wait(SPAN);
            let seconds = (now() - begun).nseconds() as f64 / 1e9;
            figures.add((cpu(receiver.id())? - used) / seconds);
        }
        figures.print(
            &format!("receiver of audio alone, the other's video {what}"),
            "cores",
            "equal",
        );
        medians.push(figures.median());
        receiver.leave()?;
        sender.leave()?;
    }
    println!(
        "  ratio on/off {:.2} (target: within 10 % or 0.01 core)",
        medians[0] / medians[1]
    );
    Ok(())
}

/// Lets the measured processes run for this long.
#[expect(
    clippy::disallowed_methods,
    reason = "a period to measure, not a wait for an event"
)]
fn wait(span: Duration) {
    std::thread::sleep(span);
}
