//! Latency: the time of capture is drawn into the picture, and read at the other end when a
//! synchronised sink shows it.

use acscall_tests::pipeline::{Pipeline, TIMEOUT, free_port};
use acscall_tests::stamp;
use anyhow::{Context, Result};

use super::measure::Figures;

const FRAMES: usize = 300;
/// Frames until rate control and the jitter buffer are steady.
const SETTLING: usize = 60;
const WIDTH: usize = 1280;

/// 1280×720 at 30 fps, VP8, defaults everywhere, a sink that syncs to the clock.
pub(crate) fn raw_to_raw() -> Result<()> {
    for synced in [true, false] {
        let port = free_port()?;
        let sending = Pipeline::new(&format!(
            "videotestsrc is-live=true pattern=ball ! \
             video/x-raw,format=I420,width={WIDTH},height=720,framerate=30/1 ! identity name=draw \
             ! acscallsink server=ws://127.0.0.1:{port} call=latency user=sender"
        ))?;
        stamp::draw_times(&sending, WIDTH)?;
        let receiving = Pipeline::new(&format!(
            "acscallsrc server=ws://127.0.0.1:{port} call=latency user=receiver name=c \
             c.video_sender ! fakesink name=shown signal-handoffs=true sync={synced}"
        ))?;
        let latencies = stamp::ages(&receiving, WIDTH)?;
        sending.play()?;
        receiving.play()?;
        let mut figures = Figures::default();
        for frame in 0..SETTLING + FRAMES {
            let latency = latencies
                .recv_timeout(TIMEOUT)
                .context("no frame arrived")?;
            if frame >= SETTLING {
                figures.add(latency);
            }
        }
        let (what, target) = if synced {
            (
                "raw → raw, 1280×720 at 30, VP8, synced sink",
                "median at most 80",
            )
        } else {
            ("raw → raw, 1280×720 at 30, VP8, sink not synced", "none")
        };
        figures.print(what, "ms", target);
    }
    Ok(())
}
