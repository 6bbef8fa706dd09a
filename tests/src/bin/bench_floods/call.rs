//! The measured call: two participants in one process, each sending audio and video.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use acscall_tests::pipeline::{Pipeline, TIMEOUT};
use acscall_tests::process::say;
use acscall_tests::stamp;
use anyhow::{Context, Result};

/// The name of the call, which the hostile client knows.
pub(crate) const CALL: &str = "flooded";
const WIDTH: usize = 640;

/// Plays. For each line of standard input, prints the ages in ms of the pictures that arrived since
/// the previous line.
pub(crate) fn play(port: u16) -> Result<()> {
    let (anna, from_bert) = participant(port, "anna", "bert")?;
    let (bert, from_anna) = participant(port, "bert", "anna")?;
    for (pipeline, ages) in [(&anna, &from_bert), (&bert, &from_anna)] {
        pipeline.wait_connected()?;
        ages.recv_timeout(TIMEOUT).context("no picture arrived")?;
    }
    say("connected")?;
    let mut line = String::new();
    while std::io::stdin()
        .read_line(&mut line)
        .is_ok_and(|count| count > 0)
    {
        let ages: Vec<String> = from_bert
            .try_iter()
            .chain(from_anna.try_iter())
            .map(|age| age.to_string())
            .collect();
        say(&ages.join(" "))?;
    }
    Ok(())
}

fn participant(port: u16, user: &str, other: &str) -> Result<(Pipeline, Receiver<f64>)> {
    let call = format!("server=ws://127.0.0.1:{port} call={CALL} user={user}");
    let pipeline = Pipeline::new(&format!(
        "acscallsink name=s {call} audiotestsrc is-live=true ! s.audio \
         videotestsrc is-live=true pattern=ball \
         ! video/x-raw,format=I420,width={WIDTH},height=360,framerate=30/1 \
         ! identity name=draw ! s.video \
         acscallsrc name=c {call} c.audio_{other} ! fakesink sync=false \
         c.video_{other} ! fakesink name=shown signal-handoffs=true sync=false"
    ))?;
    stamp::draw_times(&pipeline, WIDTH)?;
    let ages = stamp::ages(&pipeline, WIDTH)?;
    pipeline.play()?;
    Ok((pipeline, ages))
}

/// Lets the measured processes run for this long.
#[expect(
    clippy::disallowed_methods,
    reason = "a period to measure, not a wait for an event"
)]
pub(crate) fn wait(span: Duration) {
    std::thread::sleep(span);
}
