//! What arrives has the shape of what was sent: pictures with other than square pixels, interlaced
//! pictures, and audio with any number of channels.

use acscall_tests::pipeline::{Arrival, Pipeline, TIMEOUT, call, until};
use anyhow::{Context, Result, ensure};
use gst::prelude::*;
use gst_video::prelude::*;

/// A call in which `source` feeds a pad of this kind, and what arrives.
struct Sent {
    arrivals: std::sync::mpsc::Receiver<Arrival>,
    sending: Pipeline,
    _receiving: Pipeline,
}

fn send(kind: &str, source: &str, properties: &str) -> Result<Sent> {
    let call = call()?;
    let receiving = Pipeline::playing(&format!(
        "acscallsrc name=c {call} user=bob \
         c.{kind}_alice ! fakesink name=end sync=false async=false"
    ))?;
    let arrivals = receiving.arrivals("end")?;
    let sending = Pipeline::playing(&format!(
        "{source} ! s.{kind} acscallsink name=s {call} user=alice {properties}"
    ))?;
    Ok(Sent {
        arrivals,
        sending,
        _receiving: receiving,
    })
}

#[test]
fn pictures_arrive_with_square_pixels_and_the_shape_that_was_sent() -> Result<()> {
    for (sent, arrived) in [
        ("width=720,height=576,pixel-aspect-ratio=64/45", (1024, 576)),
        ("width=352,height=288,pixel-aspect-ratio=12/11", (384, 288)),
        ("width=640,height=480,pixel-aspect-ratio=1/2", (320, 480)),
        ("width=321,height=241,pixel-aspect-ratio=1/1", (321, 241)),
    ] {
        let source = format!("videotestsrc is-live=true ! video/x-raw,framerate=15/1,{sent}");
        let video = send("video", &source, "")?;
        let first = video.arrivals.recv_timeout(TIMEOUT).context(sent)?;
        let info = gst_video::VideoInfo::from_caps(&first.caps)?;
        ensure!(
            info.par() == gst::Fraction::new(1, 1),
            "{sent}: {}",
            first.caps
        );
        let (width, height) = first.size().context("a size")?;
        // Scaling may round to even sizes.
        let is_near = |one: u32, other: u32| one.abs_diff(other) <= 2;
        ensure!(
            is_near(width, arrived.0) && is_near(height, arrived.1),
            "{sent}: {}",
            first.caps
        );
    }
    Ok(())
}

#[test]
fn pictures_arrive_upright() -> Result<()> {
    for (tag, arrived) in [
        ("rotate-90", (240, 320)),
        ("rotate-270", (240, 320)),
        ("rotate-180", (320, 240)),
    ] {
        let source = format!(
            "videotestsrc is-live=true pattern=gradient ! video/x-raw,width=320,height=240 \
             ! taginject tags=image-orientation={tag}"
        );
        let video = send("video", &source, "")?;
        let first = video.arrivals.recv_timeout(TIMEOUT).context(tag)?;
        ensure!(first.size() == Some(arrived), "{tag}: {}", first.caps);
        let info = gst_video::VideoInfo::from_caps(&first.caps)?;
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(&first.buffer, &info)?;
        let luma = frame.plane_data(0)?;
        let at = |x: usize, y: usize| luma[y * frame.plane_stride()[0] as usize + x];
        // The pattern is black above and white below.
        let (right, bottom) = (info.width() as usize - 10, info.height() as usize - 10);
        let is_turned = match tag {
            "rotate-90" => at(10, 10) > at(right, 10),
            "rotate-270" => at(10, 10) < at(right, 10),
            _ => at(10, 10) > at(10, bottom),
        };
        ensure!(is_turned, "{tag}");
    }
    Ok(())
}

#[test]
fn interlaced_pictures_arrive_without_combs() -> Result<()> {
    let source = "appsrc name=in is-live=true do-timestamp=true format=time";
    let video = send("video", source, "")?;
    let source = video.sending.element("in")?.downcast::<gst_app::AppSrc>();
    let source = source.ok().context("it is an appsrc")?;
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Gray8, 320, 240)
        .fps((25, 1))
        .interlace_mode(gst_video::VideoInterlaceMode::Interleaved)
        .field_order(gst_video::VideoFieldOrder::TopFieldFirst)
        .build()?;
    source.set_caps(Some(&info.to_caps()?));
    // The fields show different things, as those of a moving picture do.
    let mut picture = gst::Buffer::with_size(info.size())?;
    {
        let metadata = picture.get_mut().context("own")?;
        metadata.set_flags(gst::BufferFlags::from_bits_retain(
            gst_video::VideoBufferFlags::INTERLACED.bits()
                | gst_video::VideoBufferFlags::TFF.bits(),
        ));
        let mut rows = metadata.map_writable()?;
        for (number, row) in rows.chunks_exact_mut(320).enumerate() {
            row.fill(if number % 2 == 0 { 220 } else { 30 });
        }
    }
    for _ in 0..1500 {
        source.push_buffer(picture.copy())?;
        let Ok(arrival) = video
            .arrivals
            .recv_timeout(std::time::Duration::from_millis(40))
        else {
            continue;
        };
        let info = gst_video::VideoInfo::from_caps(&arrival.caps)?;
        ensure!(info.interlace_mode() == gst_video::VideoInterlaceMode::Progressive);
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(&arrival.buffer, &info)?;
        let stride = frame.plane_stride()[0] as usize;
        let luma = frame.plane_data(0)?;
        let column: Vec<u8> = (20..220).map(|row| luma[row * stride + 160]).collect();
        let jump = column.windows(2).map(|two| two[0].abs_diff(two[1])).max();
        ensure!(jump < Some(40), "{column:?}");
        return Ok(());
    }
    anyhow::bail!("nothing arrives")
}

#[test]
fn audio_without_channel_positions_arrives_whatever_the_number_of_channels() -> Result<()> {
    for channels in [1, 2, 3, 8, 63] {
        let source = format!(
            "audiotestsrc is-live=true volume=0.5 ! \
             audio/x-raw,format=S16LE,rate=48000,channels={channels},channel-mask=(bitmask)0"
        );
        let audio = send("audio", &source, "")?;
        let mut loudest = 0;
        while loudest < 8_000 {
            let block = audio.arrivals.recv_timeout(TIMEOUT);
            let block = block.with_context(|| format!("{channels}: {loudest}"))?;
            let info = gst_audio::AudioInfo::from_caps(&block.caps)?;
            ensure!(
                info.format() == gst_audio::AUDIO_FORMAT_S16,
                "{}",
                block.caps
            );
            let bytes = block.buffer.map_readable()?;
            let samples = bytes.chunks_exact(2);
            let samples = samples.map(|two| i16::from_ne_bytes([two[0], two[1]]));
            loudest = samples
                .map(i16::unsigned_abs)
                .max()
                .unwrap_or(0)
                .max(loudest);
        }
    }
    Ok(())
}

#[test]
fn speech_that_a_live_source_gives_at_once_arrives_over_its_whole_length() -> Result<()> {
    const SECONDS: u64 = 6;
    for block_ms in [20, 3000] {
        let source = "appsrc name=in is-live=true format=time \
            caps=audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=1";
        let audio = send("audio", source, "")?;
        let source = audio.sending.element("in")?.downcast::<gst_app::AppSrc>();
        let source = source.ok().context("it is an appsrc")?;
        let push = |start: u64, ms: u64, level: i16| -> Result<()> {
            let mut bytes = Vec::new();
            for sample in 0..48 * ms {
                // A square wave of 500 Hz.
                let sample = if sample / 48 % 2 == 0 { level } else { -level };
                bytes.extend_from_slice(&sample.to_le_bytes());
            }
            let mut buffer = gst::Buffer::from_mut_slice(bytes);
            let metadata = buffer.get_mut().context("own")?;
            metadata.set_pts(gst::ClockTime::from_mseconds(start));
            metadata.set_duration(gst::ClockTime::from_mseconds(ms));
            source.push_buffer(buffer)?;
            Ok(())
        };
        let now = || {
            let now = source.current_running_time().unwrap_or_default();
            now.mseconds()
        };
        // Silence until the leg is up.
        loop {
            push(now(), 20, 0)?;
            let arrived = audio
                .arrivals
                .recv_timeout(std::time::Duration::from_millis(20));
            if arrived.is_ok() {
                break;
            }
        }
        let pad = audio.sending.element("s")?.static_pad("audio");
        let pad = pad.context("a pad")?;
        let stat =
            |name: &str| -> Result<u64> { Ok(pad.property::<gst::Structure>("stats").get(name)?) };
        let (encoded, dropped) = (stat("encoded")?, stat("dropped")?);
        let start = now();
        for block in 0..1000 * SECONDS / block_ms {
            push(start + block * block_ms, block_ms, 10_000)?;
        }
        let mut audible = gst::ClockTime::ZERO;
        // A receiver on a busy machine may lose some.
        let wanted = gst::ClockTime::from_seconds(SECONDS / 2);
        while audible < wanted {
            let block = audio.arrivals.recv_timeout(TIMEOUT);
            let block = block.with_context(|| format!("{block_ms} ms: only {audible}"))?;
            let bytes = block.buffer.map_readable()?;
            let is_loud = bytes
                .chunks_exact(2)
                .map(|two| i16::from_ne_bytes([two[0], two[1]]).unsigned_abs())
                .any(|level| level > 3_000);
            if is_loud {
                audible += block.buffer.duration().context("a duration")?;
            }
        }
        // All was encoded, in frames of 20 ms, or is counted, in blocks of 100 ms at most.
        let frames =
            || -> Result<u64> { Ok(stat("encoded")? - encoded + 5 * (stat("dropped")? - dropped)) };
        until("all is encoded", || {
            Ok((frames()? >= 1000 * SECONDS / 20).then_some(()))
        })?;
        ensure!(stat("early")? == 0, "some of it was early");
    }
    Ok(())
}
