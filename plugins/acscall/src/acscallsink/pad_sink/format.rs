//! The raw format of a stream.

use gst::prelude::*;

/// The number of blocks per second into which longer audio is split. The encoder's queue drops what
/// is longer than two of them.
const BLOCKS_PER_SECOND: usize = 10;

/// The format that valid caps describe.
#[derive(Clone, Debug)]
pub(super) enum Format {
    Audio(gst_audio::AudioInfo),
    Video(gst_video::VideoInfo),
}

impl Format {
    /// Whether a buffer consists of whole samples, or of a whole frame.
    pub(super) fn is_whole(&self, buffer: &gst::BufferRef) -> bool {
        match self {
            Format::Audio(info) => buffer.size().is_multiple_of(info.bpf() as usize),
            // The meta describes another layout, which mapping the frame checks.
            Format::Video(info) => {
                buffer.size() >= info.size() || buffer.meta::<gst_video::VideoMeta>().is_some()
            }
        }
    }

    /// Describes a whole buffer, for error texts.
    pub(super) fn expectation(&self) -> String {
        match self {
            Format::Audio(info) => format!("a sample of all channels has {} bytes", info.bpf()),
            Format::Video(info) => format!("a frame has {} bytes", info.size()),
        }
    }

    /// Returns the duration that the size of a buffer implies; `None` for video.
    pub(super) fn duration(&self, buffer: &gst::BufferRef) -> Option<gst::ClockTime> {
        let Format::Audio(info) = self else {
            return None;
        };
        duration(info, buffer.size())
    }

    /// Splits audio into blocks that the encoder's queue can hold.
    pub(super) fn split(&self, buffer: gst::Buffer) -> Vec<gst::Buffer> {
        match self {
            Format::Audio(info) => split(info, &buffer).unwrap_or_else(|| vec![buffer]),
            Format::Video(_) => vec![buffer],
        }
    }
}

/// Returns the duration of so many bytes.
fn duration(info: &gst_audio::AudioInfo, bytes: usize) -> Option<gst::ClockTime> {
    let samples = (bytes / info.bpf() as usize) as u64;
    gst::ClockTime::SECOND.mul_div_floor(samples, info.rate().into())
}

/// Returns `None` if the buffer is short.
fn split(info: &gst_audio::AudioInfo, buffer: &gst::BufferRef) -> Option<Vec<gst::Buffer>> {
    let size = (info.rate() as usize).div_ceil(BLOCKS_PER_SECOND) * info.bpf() as usize;
    if buffer.size() <= size {
        return None;
    }
    let mut blocks = Vec::new();
    for start in (0..buffer.size()).step_by(size) {
        let end = (start + size).min(buffer.size());
        let flags = gst::BufferCopyFlags::MEMORY;
        let mut block = buffer.copy_region(flags, start..end).ok()?;
        let metadata = block.get_mut()?;
        let offset = duration(info, start)?;
        metadata.set_pts(buffer.pts().map(|pts| pts + offset));
        metadata.set_duration(duration(info, end - start));
        blocks.push(block);
    }
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_whole_if_it_has_whole_samples_or_a_whole_frame() {
        gst::init().unwrap();
        let audio = gst_audio::AudioInfo::builder(gst_audio::AudioFormat::S16le, 48_000, 2);
        let audio = Format::Audio(audio.build().unwrap());
        let video = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 16, 16);
        let video = Format::Video(video.build().unwrap());
        let buffer = |size| gst::Buffer::with_size(size).unwrap();
        for (format, size, is_whole) in [
            (&audio, 0, true),
            (&audio, 3840, true),
            (&audio, 3841, false),
            (&audio, 2, false),
            (&video, 384, true),
            // Some elements add padding.
            (&video, 400, true),
            (&video, 383, false),
        ] {
            assert_eq!(
                format.is_whole(&buffer(size)),
                is_whole,
                "{format:?}, {size}"
            );
        }
        let duration = audio.duration(&buffer(3840));
        assert_eq!(duration, Some(gst::ClockTime::from_mseconds(20)));
        assert_eq!(video.duration(&buffer(384)), None);
    }

    #[test]
    fn long_audio_is_split_into_blocks_of_a_tenth_of_a_second() {
        gst::init().unwrap();
        let info = gst_audio::AudioInfo::builder(gst_audio::AudioFormat::S16le, 44_100, 1);
        let info = info.build().unwrap();
        let mut buffer = gst::Buffer::with_size(2 * 44_100 + 2).unwrap();
        let metadata = buffer.get_mut().unwrap();
        metadata.set_pts(gst::ClockTime::SECOND);
        let blocks = Format::Audio(info).split(buffer);
        let last = blocks.last().unwrap();
        assert_eq!((blocks.len(), last.size()), (11, 2));
        assert_eq!(last.pts(), Some(gst::ClockTime::from_seconds(2)));
        let pts = blocks[1].pts().unwrap();
        assert_eq!(pts, gst::ClockTime::from_mseconds(1100));
        assert_eq!(blocks[1].size(), 8820);
        assert_eq!(
            blocks[1].duration(),
            Some(gst::ClockTime::from_mseconds(100))
        );
    }
}
