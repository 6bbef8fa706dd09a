//! Pictures as numbers, one for each sample of each component, in any format.
//!
//! The positions of samples come from GStreamer's `VideoFormatInfo`, those in 32-bit words from its
//! pack and unpack functions. Nothing here depends on the element. A test below verifies that
//! GStreamer reads the same samples from these bytes.

use gst_video::{VideoFormat, VideoFormatInfo, VideoInfo, VideoInterlaceMode};

/// Samples by component, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) components: Vec<Component>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) depth: u32,
    pub(crate) samples: Vec<u32>,
}

/// The offsets and strides of the planes in a buffer.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) offsets: Vec<usize>,
    pub(crate) strides: Vec<i32>,
    pub(crate) size: usize,
}

impl Component {
    pub(crate) fn at(&self, x: usize, y: usize) -> u32 {
        self.samples[y * self.width + x]
    }

    pub(crate) fn max(&self) -> u32 {
        (1 << self.depth) - 1
    }
}

impl Places {
    /// Returns the default layout of the format.
    pub(crate) fn of(info: &VideoInfo) -> Places {
        Places {
            offsets: info.offset().to_vec(),
            strides: info.stride().to_vec(),
            size: info.size(),
        }
    }

    /// Returns a layout with `padding` bytes in each row, and before and between the planes.
    pub(crate) fn padded(info: &VideoInfo, padding: usize) -> Places {
        let mut size = 0;
        let mut offsets = Vec::new();
        let mut strides = Vec::new();
        for (plane, &stride) in info.stride().iter().enumerate() {
            let stride = stride as usize + padding;
            size += padding;
            offsets.push(size);
            strides.push(stride as i32);
            size += stride * plane_rows(info, plane);
        }
        Places {
            offsets,
            strides,
            size,
        }
    }

    /// Returns the layout of a buffer.
    pub(crate) fn in_buffer(buffer: &gst::BufferRef, info: &VideoInfo) -> Places {
        match buffer.meta::<gst_video::VideoMeta>() {
            None => Places::of(info),
            Some(meta) => Places {
                offsets: meta.offset().to_vec(),
                strides: meta.stride().to_vec(),
                size: buffer.size(),
            },
        }
    }
}

/// Returns the number of rows in a buffer: those of a frame, or of a field.
pub(crate) fn height(info: &VideoInfo) -> u32 {
    match info.interlace_mode() {
        VideoInterlaceMode::Alternate => info.height().div_ceil(2),
        _ => info.height(),
    }
}

/// Returns the number of rows of a plane in a buffer.
pub(crate) fn plane_rows(info: &VideoInfo, plane: usize) -> usize {
    let format = info.format_info();
    (0..format.n_components() as usize)
        .filter(|&component| format.plane()[component] as usize == plane)
        .map(|component| format.scale_height(component as u8, height(info)) as usize)
        .max()
        .unwrap()
}

fn is_words(format: VideoFormat) -> bool {
    matches!(
        format,
        VideoFormat::Y410 | VideoFormat::Rgb10a2Le | VideoFormat::Bgr10a2Le | VideoFormat::R210
    )
}

impl Picture {
    /// Returns a picture of pseudorandom samples.
    pub(crate) fn noise(info: &VideoInfo, seed: u64) -> Picture {
        let mut state = seed | 1;
        let format = info.format_info();
        let components = (0..format.n_components() as usize).map(|component| {
            let width = format.scale_width(component as u8, info.width()) as usize;
            let height = format.scale_height(component as u8, height(info)) as usize;
            let depth = format.depth()[component];
            let samples = (0..width * height)
                .map(|_| {
                    // xorshift64*
                    state ^= state >> 12;
                    state ^= state << 25;
                    state ^= state >> 27;
                    (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> (64 - depth)) as u32
                })
                .collect();
            Component {
                width,
                height,
                depth,
                samples,
            }
        });
        Picture {
            components: components.collect(),
        }
    }

    /// Returns its bytes. Bytes without samples are 0x55.
    pub(crate) fn bytes(&self, info: &VideoInfo, places: &Places) -> Vec<u8> {
        let mut bytes = vec![0x55; places.size];
        if is_words(info.format()) {
            self.pack(info, places, &mut bytes);
            return bytes;
        }
        let format = info.format_info();
        for (index, component) in self.components.iter().enumerate() {
            let shift = shift(&format, index);
            for y in 0..component.height {
                for x in 0..component.width {
                    let at = place(&format, places, index, x, y);
                    let sample = component.at(x, y) << shift;
                    match (component.depth + shift, is_le(&format)) {
                        (..=8, _) => bytes[at] = sample as u8,
                        (_, true) => {
                            bytes[at..at + 2].copy_from_slice(&(sample as u16).to_le_bytes());
                        }
                        (_, false) => {
                            bytes[at..at + 2].copy_from_slice(&(sample as u16).to_be_bytes());
                        }
                    }
                }
            }
        }
        bytes
    }

    /// Reads a picture from bytes.
    pub(crate) fn read(info: &VideoInfo, places: &Places, bytes: &[u8]) -> Picture {
        let mut picture = Picture::noise(info, 1);
        if is_words(info.format()) {
            picture.unpack(info, places, bytes);
            return picture;
        }
        let format = info.format_info();
        for (index, component) in picture.components.iter_mut().enumerate() {
            let shift = shift(&format, index);
            let samples = (0..component.height)
                .flat_map(|y| (0..component.width).map(move |x| (x, y)))
                .map(|(x, y)| {
                    let at = place(&format, places, index, x, y);
                    let word = || [bytes[at], bytes[at + 1]];
                    match (component.depth + shift, is_le(&format)) {
                        (..=8, _) => u32::from(bytes[at]),
                        (_, true) => u32::from(u16::from_le_bytes(word())) >> shift,
                        (_, false) => u32::from(u16::from_be_bytes(word())) >> shift,
                    }
                })
                .collect();
            component.samples = samples;
        }
        picture
    }

    /// Reads a picture from a buffer.
    pub(crate) fn of(buffer: &gst::BufferRef, info: &VideoInfo) -> Picture {
        let bytes = buffer.map_readable().unwrap();
        Picture::read(info, &Places::in_buffer(buffer, info), &bytes)
    }

    /// Reads the packed 32-bit formats, which are unpacked to 16 bits of A, Y or R, U or G, V or B.
    fn unpack(&mut self, info: &VideoInfo, places: &Places, bytes: &[u8]) {
        let (width, stride) = (info.width() as usize, places.strides[0]);
        let mut row = vec![0; width * 8];
        for y in 0..height(info) as usize {
            let mut all = vec![&bytes[places.offsets[0]..]];
            all.resize(info.n_planes() as usize, &[]);
            info.format_info().unpack(
                gst_video::VideoPackFlags::empty(),
                &mut row,
                &all,
                &[stride],
                0,
                y as i32,
                width as i32,
            );
            for x in 0..width {
                for (index, component) in self.components.iter_mut().enumerate() {
                    // Alpha is first there and last here.
                    let at = x * 8 + ((index + 1) % 4) * 2;
                    let sample = u16::from_ne_bytes([row[at], row[at + 1]]);
                    component.samples[y * width + x] = u32::from(sample) >> (16 - component.depth);
                }
            }
        }
    }

    fn pack(&self, info: &VideoInfo, places: &Places, bytes: &mut [u8]) {
        let (width, stride) = (info.width() as usize, places.strides[0]);
        for y in 0..height(info) as usize {
            let mut row = vec![0xff; width * 8];
            for x in 0..width {
                for (index, component) in self.components.iter().enumerate() {
                    let at = x * 8 + ((index + 1) % 4) * 2;
                    let sample = (component.at(x, y) as u16) << (16 - component.depth);
                    row[at..at + 2].copy_from_slice(&sample.to_ne_bytes());
                }
            }
            info.format_info().pack(
                gst_video::VideoPackFlags::empty(),
                &row,
                0,
                &mut [&mut bytes[places.offsets[0]..]],
                &[stride],
                info.chroma_site(),
                y as i32,
                width as i32,
            );
        }
    }
}

fn place(format: &VideoFormatInfo, places: &Places, component: usize, x: usize, y: usize) -> usize {
    let plane = format.plane()[component] as usize;
    let row = places.offsets[plane] + y * places.strides[plane] as usize;
    row + first(format, component) + x * format.pixel_stride()[component] as usize
}

fn is_le(format: &VideoFormatInfo) -> bool {
    format.is_le() || format.format() == VideoFormat::Y210
}

/// Returns the number of bits below a sample.
fn shift(format: &VideoFormatInfo, component: usize) -> u32 {
    match format.format() {
        // 0 in GStreamer's table, 6 in its code.
        VideoFormat::Y210 => 6,
        _ => format.shift()[component],
    }
}

/// Returns the offset of a component in its plane. The table of GStreamer 1.22 is wrong for some
/// formats; its code for them is correct.
fn first(format: &VideoFormatInfo, component: usize) -> usize {
    match format.format() {
        VideoFormat::P01010le | VideoFormat::P012Le | VideoFormat::P016Le => [0, 0, 2][component],
        VideoFormat::Y210 => [0, 2, 6][component],
        VideoFormat::Vyuy => [1, 2, 0][component],
        _ => format.poffset()[component] as usize,
    }
}

#[test]
fn gstreamer_reads_what_a_picture_writes() {
    for format in crate::rig::formats() {
        let info = crate::rig::info(format, 6, 1);
        let picture = Picture::noise(&info, 3);
        let places = Places::of(&info);
        let bytes = picture.bytes(&info, &places);
        assert!(Picture::read(&info, &places, &bytes) == picture, "{format}");

        let planes: Vec<_> = places.offsets.iter().map(|&at| &bytes[at..]).collect();
        let unpacked = gst_video::VideoFormatInfo::from_format(info.format_info().unpack_format());
        let mut row = vec![0; 6 * unpacked.pixel_stride()[0] as usize];
        let strides = &places.strides;
        let flags = gst_video::VideoPackFlags::empty();
        info.format_info()
            .unpack(flags, &mut row, &planes, strides, 0, 0, 6);
        for (index, component) in picture.components.iter().enumerate() {
            for x in 0..6 {
                let pixel = x * unpacked.pixel_stride()[0] as usize;
                let at = pixel + unpacked.poffset()[index] as usize;
                // A component occupies the highest bits of the value that it is unpacked to.
                let read = match unpacked.depth()[index] {
                    8 => u32::from(row[at]),
                    _ => u32::from(u16::from_ne_bytes([row[at], row[at + 1]])),
                };
                let read = read >> (unpacked.depth()[index] - component.depth);
                let written = component.at(x >> info.format_info().w_sub()[index], 0);
                assert_eq!(read, written, "{format}, component {index} at {x}");
            }
        }
    }
}
