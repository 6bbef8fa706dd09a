//! A picture has the same colours at both ends, whatever its format and colorimetry.

use acscall_tests::pipeline::{Arrival, Pipeline, TIMEOUT, call, init, now};
use anyhow::{Context, Result, ensure};
use gst::prelude::*;
use gst_video::VideoFormat::{self, Bgrx, Gray8, I420};
use gst_video::prelude::*;

/// The tolerance of each of Y, U and V.
const TOLERANCE: f64 = 3.0;
/// The interval between frames while none arrives.
const PACE: std::time::Duration = std::time::Duration::from_millis(50);

/// Red, green and blue.
type Rgb = [u8; 3];

/// The sent pictures. Each has another colour, to distinguish it from the previous one.
const INPUTS: [(VideoFormat, &str, Rgb); 8] = [
    (I420, "bt601", [30, 200, 50]),
    (I420, "bt709", [200, 40, 60]),
    (Bgrx, "sRGB", [40, 60, 230]),
    // The colorimetry of a webcam's JPEG pictures by jpegdec, and the same with another matrix.
    (I420, "1:4:0:0", [225, 215, 40]),
    (I420, "1:3:7:1", [40, 215, 215]),
    (I420, "bt2020", [215, 40, 215]),
    // A webcam's raw pictures.
    (I420, "2:4:7:1", [10, 90, 20]),
    (Gray8, "1:4:0:0", [100, 100, 100]),
];

/// The weights of red and blue in Y.
const BT601: (f64, f64) = (0.299, 0.114);

/// Converts by the definition of Y, U and V.
fn yuv([red, green, blue]: Rgb, (kr, kb): (f64, f64), is_full: bool) -> [f64; 3] {
    let [red, green, blue] = [red, green, blue].map(|value| f64::from(value) / 255.0);
    let y = kr * red + (1.0 - kr - kb) * green + kb * blue;
    let (u, v) = ((blue - y) / (2.0 - 2.0 * kb), (red - y) / (2.0 - 2.0 * kr));
    match is_full {
        true => [255.0 * y, 128.0 + 255.0 * u, 128.0 + 255.0 * v],
        false => [16.0 + 219.0 * y, 128.0 + 224.0 * u, 128.0 + 224.0 * v],
    }
}

/// Makes a picture of one colour.
fn picture(info: &gst_video::VideoInfo, rgb: Rgb) -> Result<gst::Buffer> {
    let mut frame =
        gst_video::VideoFrame::from_buffer_writable(gst::Buffer::with_size(info.size())?, info)
            .map_err(|_| anyhow::anyhow!("the frame cannot be mapped"))?;
    if info.is_rgb() {
        let [red, green, blue] = rgb;
        for pixel in frame.plane_data_mut(0)?.chunks_exact_mut(4) {
            pixel.copy_from_slice(&[blue, green, red, 0]);
        }
    } else {
        let is = info.colorimetry();
        let is_full = is.range() == gst_video::VideoColorRange::Range0_255;
        let planes = yuv(rgb, is.matrix().kr_kb()?, is_full);
        for (plane, value) in (0..frame.n_planes()).zip(planes) {
            frame.plane_data_mut(plane)?.fill(value.round() as u8);
        }
    }
    Ok(frame.into_buffer())
}

/// Y, U and V of the pixel in the middle.
fn seen(arrival: &Arrival) -> Result<[f64; 3]> {
    let info = gst_video::VideoInfo::from_caps(&arrival.caps)?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(&arrival.buffer, &info)?;
    let at = |plane: u32| {
        let (x, y) = (
            info.width() >> u32::from(plane > 0),
            info.height() >> u32::from(plane > 0),
        );
        let stride = frame.plane_stride()[plane as usize] as usize;
        let data = frame.plane_data(plane)?;
        Ok::<_, gst::glib::BoolError>(f64::from(data[y as usize / 2 * stride + x as usize / 2]))
    };
    Ok([at(0)?, at(1)?, at(2)?])
}

fn arrives(codec: &str) -> Result<()> {
    let call = call()?;
    let receiving = Pipeline::playing(&format!(
        "acscallsrc name=c {call} user=bob c.video_alice ! fakesink name=end sync=false async=false"
    ))?;
    let arrivals = receiving.arrivals("end")?;
    let sending = Pipeline::playing(&format!(
        "acscallsink name=s {call} user=alice video::codec={codec} \
         appsrc name=in is-live=true do-timestamp=true format=time ! s.video"
    ))?;
    let source = sending.element("in")?.downcast::<gst_app::AppSrc>();
    let source = source.ok().context("it is an appsrc")?;
    for (width, height) in [(640, 480), (1280, 720)] {
        for (format, colorimetry, rgb) in INPUTS {
            let info = gst_video::VideoInfo::builder(format, width, height)
                .colorimetry(&colorimetry.parse()?)
                .build()?;
            let (picture, expected) = (picture(&info, rgb)?, yuv(rgb, BT601, false));
            source.set_caps(Some(&info.to_caps()?));
            let deadline = now() + gst::ClockTime::try_from(TIMEOUT)?;
            let mut last = None;
            loop {
                ensure!(
                    now() < deadline,
                    "{codec}, {height} lines, {format} {colorimetry}: {last:?}, not {expected:?}"
                );
                // A copy, which gets its own timestamp.
                source.push_buffer(picture.copy())?;
                let Ok(arrival) = arrivals.recv_timeout(PACE) else {
                    continue;
                };
                let caps = arrival.caps.structure(0).context("they have one")?;
                let signalled = caps.get::<String>("colorimetry")?;
                let seen = seen(&arrival)?;
                let is_near = |(a, b): (&f64, &f64)| (a - b).abs() <= TOLERANCE;
                if arrival.size() == Some((width, height))
                    && signalled == "bt601"
                    && seen.iter().zip(&expected).all(is_near)
                {
                    break;
                }
                last = Some((arrival.size(), signalled, seen));
            }
        }
    }
    Ok(())
}

#[test]
fn colours_arrive_by_vp8() -> Result<()> {
    arrives("vp8")
}

#[test]
fn colours_arrive_by_every_other_codec_that_is_installed() -> Result<()> {
    init()?;
    let needs = [
        ("vp9", &["vp9enc", "vp9dec"][..]),
        ("h264", &["h264parse", "rtph264pay"]),
        ("av1", &["av1enc", "av1dec", "av1parse", "rtpav1pay"]),
    ];
    for (codec, factories) in needs {
        let is_there = |factory: &&str| gst::ElementFactory::find(factory).is_some();
        if factories.iter().all(is_there) {
            arrives(codec)?;
        }
    }
    Ok(())
}
