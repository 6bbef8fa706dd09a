//! A file as the clip.

use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use gst::prelude::*;

use super::{USER, lock};
use crate::stream::{Stream, Way};

/// What is in the pipeline beside the `out`.
pub(super) const DESCRIPTION: &str = "filesrc name=file ! decodebin name=decoder";

/// Plays the file's first video and first audio into the `out` of `clip`; what is sent is added
/// to `sent`.
pub(super) fn play(
    clip: &gst::Pipeline,
    media: &Path,
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
            && let Err(error) = take(&clip, pad, &sent)
        {
            gst::element_error!(clip, gst::CoreError::Pad, ("{error:#}"));
        }
    });
    Ok(())
}

/// Links a decoded stream to the call, or leaves it alone if there is one of its kind already.
fn take(clip: &gst::Pipeline, pad: &gst::Pad, sent: &Mutex<Vec<Stream>>) -> Result<()> {
    let caps = pad.current_caps().context("a decoded stream has caps")?;
    let kind = match caps.structure(0).map(|structure| structure.name().as_str()) {
        Some("video/x-raw") => "video",
        Some("audio/x-raw") => "audio",
        _ => return Ok(()),
    };
    let queue = match clip.by_name(kind) {
        // The file begins again.
        Some(queue) => queue,
        None => queue(clip, kind, sent)?,
    };
    let input = queue.static_pad("sink").context("a queue has a sink pad")?;
    if !input.is_linked() {
        pad.link(&input)?;
    }
    Ok(())
}

/// In front of the call's pad of this kind.
fn queue(
    clip: &gst::Pipeline,
    kind: &'static str,
    sent: &Mutex<Vec<Stream>>,
) -> Result<gst::Element> {
    let sink = clip.by_name("out").context("the pipeline has a sink")?;
    let to = sink.request_pad_simple(kind).context("the pad is free")?;
    let stream = Stream::on(&to, USER, Way::Sent, kind, None);
    lock(sent).push(stream);
    let queue = gst::ElementFactory::make("queue").name(kind).build()?;
    clip.add(&queue)?;
    queue
        .static_pad("src")
        .context("a queue has a source pad")?
        .link(&to)?;
    queue.sync_state_with_parent()?;
    Ok(queue)
}
