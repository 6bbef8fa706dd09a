//! Raw video in a layout that only GstVideoMeta describes.

use gst::prelude::*;

use crate::rig::{Recorder, Rig, keeping_all, segment};

/// Pushes a padded 6×4 GRAY8 frame with numbered pixels. Returns it and the buffer of the branch.
fn tapped(takes_meta: bool) -> (gst::Buffer, gst::Buffer) {
    let mut rig = Rig::new();
    let end = Recorder::with_query(
        || Ok(gst::FlowSuccess::Ok),
        move |_, _, query| match query.view_mut() {
            gst::QueryViewMut::Allocation(query) if takes_meta => {
                query.add_allocation_meta::<gst_video::VideoMeta>(None);
                true
            }
            _ => false,
        },
    );
    let _pad = rig.tap_into(keeping_all(), &end.pad);
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Gray8, 6, 4)
        .build()
        .unwrap();
    rig.send(gst::event::StreamStart::new("video"));
    rig.send(gst::event::Caps::new(&info.to_caps().unwrap()));
    rig.send(segment());
    let mut bytes = vec![0xee; 3 + 4 * 32];
    for (row, bytes) in bytes[3..].chunks_mut(32).enumerate() {
        for (x, byte) in bytes[..6].iter_mut().enumerate() {
            *byte = (row * 10 + x) as u8;
        }
    }
    let mut frame = gst::Buffer::from_slice(bytes);
    {
        let frame = frame.get_mut().unwrap();
        frame.set_pts(gst::ClockTime::from_mseconds(5));
        frame.set_duration(gst::ClockTime::from_mseconds(40));
        let none = gst_video::VideoFrameFlags::empty();
        gst_video::VideoMeta::add_full(frame, none, info.format(), 6, 4, &[3], &[32]).unwrap();
    }
    assert_eq!(rig.source.push(frame.clone()), Ok(gst::FlowSuccess::Ok));
    assert_eq!(rig.main.buffers()[0].as_ptr(), frame.as_ptr());
    end.wait_for_buffer(gst::ClockTime::from_mseconds(5));
    (frame, end.buffers().remove(0))
}

#[test]
fn a_branch_without_video_meta_support_gets_the_default_layout_of_the_caps() {
    let (_, tapped) = tapped(false);
    // GRAY8 rows are padded to 4 bytes.
    let bytes = tapped.map_readable().unwrap();
    assert_eq!(bytes.len(), 8 * 4);
    for (row, bytes) in bytes.chunks(8).enumerate() {
        let expected: Vec<_> = (0..6).map(|x| (row * 10 + x) as u8).collect();
        assert_eq!(bytes[..6], expected);
    }
    assert_eq!(tapped.duration(), Some(gst::ClockTime::from_mseconds(40)));
    let meta = tapped.meta::<gst_video::VideoMeta>();
    assert!(meta.is_none_or(|meta| meta.stride() == [8] && meta.offset() == [0]));
}

#[test]
fn a_branch_with_video_meta_support_gets_the_same_buffer() {
    let (frame, tapped) = tapped(true);
    assert_eq!(tapped.as_ptr(), frame.as_ptr());
}
