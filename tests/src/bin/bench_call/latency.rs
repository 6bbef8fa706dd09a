//! Latency: the time of capture is drawn into the picture, and read at the other end when a
//! synchronised sink shows it.

use std::sync::mpsc::channel;

use acscall_tests::pipeline::{Pipeline, TIMEOUT, free_port, now};
use anyhow::{Context, Result};
use gst::prelude::*;

use super::measure::Figures;

const FRAMES: usize = 300;
/// Frames until rate control and the jitter buffer are steady.
const SETTLING: usize = 60;
/// Bits of the time in ms: enough for an hour.
const BITS: usize = 22;
/// Side of a bit's square, in pixels: two macroblocks, so that no codec can lose it.
const SQUARE: usize = 32;

/// 1280×720 at 30 fps, VP8, defaults everywhere, a sink that syncs to the clock.
pub(crate) fn raw_to_raw() -> Result<()> {
    for synced in [true, false] {
        let port = free_port()?;
        let sending = Pipeline::new(&format!(
            "videotestsrc is-live=true pattern=ball ! \
             video/x-raw,format=I420,width=1280,height=720,framerate=30/1 ! identity name=draw \
             ! acscallsink server=ws://127.0.0.1:{port} call=latency user=sender"
        ))?;
        let pad = sending
            .element("draw")?
            .static_pad("src")
            .context("identity has a pad")?;
        pad.add_probe(gst::PadProbeType::BUFFER, |_, info| {
            if let Some(buffer) = info.buffer_mut() {
                draw(buffer.make_mut());
            }
            gst::PadProbeReturn::Ok
        });
        let receiving = Pipeline::new(&format!(
            "acscallsrc server=ws://127.0.0.1:{port} call=latency user=receiver name=c \
             c.video_sender ! fakesink name=shown signal-handoffs=true sync={synced}"
        ))?;
        let (sender, latencies) = channel();
        // The sink emits `handoff` after it has waited for the frame's time.
        receiving
            .element("shown")?
            .connect("handoff", false, move |values| {
                let buffer = values.get(1)?.get::<gst::Buffer>().ok()?;
                let _receiver_dropped = sender.send(milliseconds().wrapping_sub(read(&buffer)?));
                None
            });
        sending.play()?;
        receiving.play()?;
        let mut figures = Figures::default();
        for frame in 0..SETTLING + FRAMES {
            let latency = latencies
                .recv_timeout(TIMEOUT)
                .context("no frame arrived")?;
            if frame >= SETTLING {
                figures.add(latency as f64);
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

fn milliseconds() -> u64 {
    now().mseconds() & ((1 << BITS) - 1)
}

/// Draws the current time in ms into the upper left of an I420 picture, one square per bit.
fn draw(buffer: &mut gst::BufferRef) {
    let time = milliseconds();
    let Ok(mut map) = buffer.map_writable() else {
        return;
    };
    for bit in 0..BITS {
        let luma = if time >> bit & 1 == 1 { 235 } else { 16 };
        for y in 0..SQUARE {
            let start = y * 1280 + bit * SQUARE;
            if let Some(row) = map.get_mut(start..start + SQUARE) {
                row.fill(luma);
            }
        }
    }
}

fn read(buffer: &gst::BufferRef) -> Option<u64> {
    let stride = buffer
        .meta::<gst_video::VideoMeta>()
        .map_or(1280, |meta| meta.stride()[0] as usize);
    let map = buffer.map_readable().ok()?;
    (0..BITS).try_fold(0, |time, bit| {
        let luma = *map.get(SQUARE / 2 * stride + bit * SQUARE + SQUARE / 2)?;
        Some(time | u64::from(luma > 125) << bit)
    })
}
