//! A file as the clip.

use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use gst::prelude::*;

use super::{USER, lock};
use crate::stream::{Stream, Way};
use crate::words_of;

/// The branch to the call's video pad. Frames become as small as the test picture, because this
/// machine encodes and decodes them twice.
const VIDEO: &str = "queue ! videoscale \
    ! capsfilter caps=\"video/x-raw,width=[1,640],pixel-aspect-ratio=1/1\"";
/// Some decoders output non-interleaved audio, which the call does not accept.
const AUDIO: &str = "queue ! audioconvert";

/// The timeout for finding the streams of a file.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(10);

/// The elements of the pipeline besides `out`.
pub(super) const DESCRIPTION: &str = "filesrc name=file ! decodebin name=decoder";

/// Makes `clip` play the file's first stream of each of these kinds to `out`, and adds these
/// streams to `sent`.
pub(super) fn prepare(
    clip: &gst::Pipeline,
    media: &Path,
    kinds: &'static [&'static str],
    sent: &Arc<Mutex<Vec<Stream>>>,
) -> Result<()> {
    let (file, decoder) = clip
        .by_name("file")
        .zip(clip.by_name("decoder"))
        .context("the pipeline is that of the description")?;
    file.set_property("location", media);
    let (clip, sent) = (clip.downgrade(), sent.clone());
    decoder.connect_pad_added(move |_, pad| {
        if let Some(clip) = clip.upgrade()
            && let Err(error) = take(&clip, pad, kinds, &sent)
        {
            gst::element_error!(clip, gst::CoreError::Pad, ("{error:#}"));
        }
    });
    Ok(())
}

/// Starts it in a gapless loop: at the end of a segment seek a demuxer does not send EOS.
pub(super) fn start(clip: &gst::Pipeline) -> Result<()> {
    let paused = clip.set_state(gst::State::Paused);
    paused
        .and_then(|_| clip.state(PATIENCE).0)
        .map_err(|error| words_of(clip, error))?;
    if let Err(error) = play_from_begin(clip, gst::SeekFlags::FLUSH) {
        // It then restarts after EOS, with a gap.
        eprintln!("Warning: {error:#}");
    }
    super::start(clip)
}

/// Restarts a clip that has ended.
pub(super) fn play_again(clip: &gst::Pipeline, ended: &gst::Message) -> Result<()> {
    if ended.type_() == gst::MessageType::SegmentDone {
        return play_from_begin(clip, gst::SeekFlags::empty());
    }
    clip.set_state(gst::State::Ready)?;
    clip.set_state(gst::State::Playing)?;
    Ok(())
}

fn play_from_begin(clip: &gst::Pipeline, flags: gst::SeekFlags) -> Result<()> {
    clip.seek(
        1.0,
        flags | gst::SeekFlags::SEGMENT,
        gst::SeekType::Set,
        gst::ClockTime::ZERO,
        gst::SeekType::None,
        gst::ClockTime::NONE,
    )
    .context("the file cannot be played from its begin")
}

/// Links a decoded stream to the call, unless one of its kind exists or is not wanted.
fn take(
    clip: &gst::Pipeline,
    pad: &gst::Pad,
    kinds: &[&'static str],
    sent: &Mutex<Vec<Stream>>,
) -> Result<()> {
    let caps = pad.current_caps().context("a decoded stream has caps")?;
    let name = caps.structure(0).map(|structure| structure.name().as_str());
    let wanted = kinds
        .iter()
        .find(|kind| name == Some(&format!("{kind}/x-raw")));
    let Some(&kind) = wanted else {
        return Ok(());
    };
    let branch = match clip.by_name(kind) {
        // The file has restarted.
        Some(branch) => branch,
        None => branch(clip, kind, sent)?,
    };
    let input = branch
        .static_pad("sink")
        .context("the branch has a sink pad")?;
    if !input.is_linked() {
        pad.link(&input)?;
    }
    Ok(())
}

/// Creates the branch to the call's pad of this kind.
fn branch(
    clip: &gst::Pipeline,
    kind: &'static str,
    sent: &Mutex<Vec<Stream>>,
) -> Result<gst::Element> {
    let sink = clip.by_name("out").context("the pipeline has a sink")?;
    let to = sink.request_pad_simple(kind).context("the pad is free")?;
    let stream = Stream::on(&to, USER, Way::Sent, kind, None);
    lock(sent).push(stream);
    let description = if kind == "video" { VIDEO } else { AUDIO };
    let branch = gst::parse::bin_from_description_with_name(description, true, kind)?;
    clip.add(&branch)?;
    branch
        .static_pad("src")
        .context("the branch has a source pad")?
        .link(&to)?;
    branch.sync_state_with_parent()?;
    Ok(branch.upcast())
}
