//! The element between two pads, and buffers for it.

use gst::prelude::*;
use gst_video::{VideoFormat, VideoInfo, VideoInterlaceMode};

use crate::picture::{Picture, Places};

pub(crate) fn init() {
    gst::init().unwrap();
    gstrawmedia::plugin_register_static().unwrap();
}

/// Returns every format of the element's pads.
pub(crate) fn formats() -> Vec<VideoFormat> {
    init();
    let template = gst::ElementFactory::find("bwfilter").unwrap();
    let caps = template
        .static_pad_templates()
        .iter()
        .next()
        .unwrap()
        .caps();
    let formats = caps.structure(0).unwrap().get::<gst::List>("format");
    let formats = formats.unwrap();
    formats
        .iter()
        .map(|format| VideoFormat::from_string(format.get().unwrap()))
        .collect()
}

pub(crate) fn info(format: VideoFormat, width: u32, height: u32) -> VideoInfo {
    init();
    VideoInfo::builder(format, width, height).build().unwrap()
}

pub(crate) fn interlaced(
    format: VideoFormat,
    width: u32,
    height: u32,
    mode: VideoInterlaceMode,
) -> VideoInfo {
    init();
    VideoInfo::builder(format, width, height)
        .interlace_mode(mode)
        .build()
        .unwrap()
}

/// Creates the element between a source of `info` and a sink that supports `GstVideoMeta` or not.
pub(crate) fn rig(info: &VideoInfo, takes_meta: bool) -> gst_check::Harness {
    init();
    let mut harness = gst_check::Harness::new("bwfilter");
    if takes_meta {
        let meta = <gst_video::VideoMeta as gst::MetaAPI>::meta_api();
        harness.add_propose_allocation_meta(meta, None);
    }
    harness.set_src_caps(info.to_caps().unwrap());
    harness
}

pub(crate) fn set(harness: &gst_check::Harness, amount: f64, bt709: bool) {
    let element = harness.element().unwrap();
    element.set_property("amount", amount);
    element.set_property_from_str("luma", if bt709 { "bt709" } else { "as-is" });
}

/// Creates a buffer with one memory, in the default layout.
pub(crate) fn buffer(picture: &Picture, info: &VideoInfo) -> gst::Buffer {
    gst::Buffer::from_mut_slice(picture.bytes(info, &Places::of(info)))
}

/// Creates a buffer with another layout, which a `GstVideoMeta` describes.
pub(crate) fn placed(picture: &Picture, info: &VideoInfo, places: &Places) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_mut_slice(picture.bytes(info, places));
    describe(buffer.get_mut().unwrap(), info, places);
    buffer
}

/// Creates a buffer with a memory for each plane.
pub(crate) fn split(picture: &Picture, info: &VideoInfo) -> gst::Buffer {
    let places = Places::of(info);
    let bytes = picture.bytes(info, &places);
    let mut starts = places.offsets.clone();
    starts.sort_unstable();
    let mut buffer = gst::Buffer::new();
    let new = buffer.get_mut().unwrap();
    for (index, &start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(places.size);
        new.append_memory(gst::Memory::from_mut_slice(bytes[start..end].to_vec()));
    }
    describe(new, info, &places);
    buffer
}

pub(crate) fn describe(buffer: &mut gst::BufferRef, info: &VideoInfo, places: &Places) {
    gst_video::VideoMeta::add_full(
        buffer,
        gst_video::VideoFrameFlags::empty(),
        info.format(),
        info.width(),
        info.height(),
        &places.offsets,
        &places.strides,
    )
    .unwrap();
}

pub(crate) fn bytes(buffer: &gst::BufferRef) -> Vec<u8> {
    buffer.map_readable().unwrap().to_vec()
}

/// Returns the address of a plane.
pub(crate) fn address(buffer: &gst::BufferRef, info: &VideoInfo, plane: usize) -> usize {
    let offset = Places::in_buffer(buffer, info).offsets[plane];
    let (memories, skip) = buffer.find_memory(offset..=offset).unwrap();
    let map = buffer.peek_memory(memories.start).map_readable().unwrap();
    map.as_ptr() as usize + skip
}
