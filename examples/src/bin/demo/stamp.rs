//! A number in each frame that survives encoders and filters, to measure the latency.
//!
//! Eight bits and their complements, as white and black squares at the lower left. A frame without
//! a number, such as another caller's, is hardly ever mistaken for one with a number.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gst::prelude::*;
use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

const BITS: usize = 8;
/// The side of a square in pixels: a macroblock of VP8.
const SIDE: usize = 16;
const BLACK: u8 = 16;
const WHITE: u8 = 235;
/// The longest measurable latency. Numbers repeat after 256 frames, so an older frame may be from
/// the previous round.
const LONGEST: gst::ClockTime = gst::ClockTime::from_seconds(4);

/// Numbers outgoing frames and recognises them when they return.
#[derive(Clone, Default)]
pub(crate) struct Stamps(Arc<Mutex<Times>>);

#[derive(Default)]
struct Times {
    next: u8,
    sent: Vec<(u8, gst::ClockTime)>,
    /// The latencies since the last query.
    latencies: Vec<gst::ClockTime>,
}

impl Stamps {
    /// Writes a number into every frame on `pad`, whose caps are I420.
    pub(crate) fn write_on(&self, pad: &gst::Pad) {
        let times = self.0.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if let (Some(video), Some(buffer)) = (video_info(pad), info.buffer_mut()) {
                let number = {
                    let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
                    let number = times.next;
                    times.next = number.wrapping_add(1);
                    times.sent.retain(|(old, _)| *old != number);
                    times.sent.push((number, gst::get_timestamp()));
                    number
                };
                write(buffer.make_mut(), &video, number);
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// Reads the number of every frame on `pad`.
    pub(crate) fn read_on(&self, pad: &gst::Pad) {
        let times = self.0.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            let number = video_info(pad)
                .zip(info.buffer())
                .and_then(|(video, buffer)| read(buffer, &video));
            if let Some(number) = number {
                let now = gst::get_timestamp();
                let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
                let sent = times.sent.iter().find(|(sent, _)| *sent == number);
                let latency = sent.map(|(_, then)| now.saturating_sub(*then));
                times
                    .latencies
                    .extend(latency.filter(|latency| *latency < LONGEST));
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// The median latency since the last call.
    pub(crate) fn latency(&self) -> Option<Duration> {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut latencies = std::mem::take(&mut times.latencies);
        latencies.sort();
        latencies
            .get(latencies.len() / 2)
            .map(|latency| (*latency).into())
    }
}

fn video_info(pad: &gst::Pad) -> Option<VideoInfo> {
    let info = VideoInfo::from_caps(pad.current_caps()?.as_ref()).ok()?;
    let fits = info.width() as usize >= 2 * BITS * SIDE && info.height() as usize >= SIDE;
    // In all these formats the first plane is luma.
    (fits && info.is_yuv() && info.comp_depth(0) == 8 && info.comp_pstride(0) == 1).then_some(info)
}

/// The values of the squares from left to right: each bit, then its complement.
fn squares(number: u8) -> impl Iterator<Item = bool> {
    (0..BITS).flat_map(move |bit| {
        let set = number >> bit & 1 == 1;
        [set, !set]
    })
}

fn write(buffer: &mut gst::BufferRef, info: &VideoInfo, number: u8) {
    let Ok(mut frame) = VideoFrameRef::from_buffer_ref_writable(buffer, info) else {
        return;
    };
    let (stride, height) = (frame.plane_stride()[0] as usize, frame.height() as usize);
    let Ok(luma) = frame.plane_data_mut(0) else {
        return;
    };
    for row in luma.chunks_mut(stride).skip(height - SIDE).take(SIDE) {
        for (square, white) in row.chunks_mut(SIDE).zip(squares(number)) {
            square.fill(if white { WHITE } else { BLACK });
        }
    }
}

fn read(buffer: &gst::BufferRef, info: &VideoInfo) -> Option<u8> {
    let frame = VideoFrameRef::from_buffer_ref_readable(buffer, info).ok()?;
    let middle = frame.height() as usize - SIDE / 2;
    let row = frame
        .plane_data(0)
        .ok()?
        .chunks(frame.plane_stride()[0] as usize)
        .nth(middle)?;
    let is_white = |square: usize| row[square * SIDE + SIDE / 2] > (BLACK + WHITE) / 2;
    let number = (0..BITS).fold(0, |number, bit| number | u8::from(is_white(2 * bit)) << bit);
    squares(number)
        .enumerate()
        .all(|(square, white)| is_white(square) == white)
        .then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_written_number_is_read_and_none_without_one() {
        gst::init().unwrap();
        let info = VideoInfo::builder(gst_video::VideoFormat::I420, 320, 33)
            .build()
            .unwrap();
        let mut buffer = gst::Buffer::with_size(info.size()).unwrap();
        assert_eq!(read(&buffer, &info), None);
        for number in 0..=u8::MAX {
            write(buffer.make_mut(), &info, number);
            assert_eq!(read(&buffer, &info), Some(number));
        }
    }
}
