//! Gives the pictures of a received stream one colorimetry, whatever its sender uses.
//!
//! Muxers and encoders do not take another one in mid-stream, and a compositor adopts that of its
//! largest input. But a sender may change it at any time: Chromium's cameras have BT.601, its
//! canvases BT.709 in full range.

use gst_video::{
    VideoColorimetry, VideoConverter, VideoFrameRef, VideoInfo, VideoTransferFunction,
};

use super::engine::colorimetry::{DEFAULT, with_fcc_matrix};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct ColorConverter {
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    input: gst::Caps,
    output: gst::Caps,
    /// `None` if the pictures have the output's matrix and range.
    conversion: Option<Conversion>,
}

#[derive(Debug)]
struct Conversion {
    converter: VideoConverter,
    input: VideoInfo,
    output: VideoInfo,
}

impl ColorConverter {
    /// Whether pictures with these caps can be converted without another call of
    /// [`ColorConverter::set_up`].
    pub(crate) fn is_set_up(&self, caps: &gst::Caps) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| current.input == *caps)
    }

    /// Prepares for pictures with these caps. `allowed` are those of them that downstream takes,
    /// with any colorimetry.
    pub(crate) fn set_up(&mut self, caps: &gst::Caps, allowed: &gst::Caps) {
        let (output, conversion) =
            conversion(caps, allowed).unwrap_or_else(|| (caps.clone(), None));
        self.current = Some(Current {
            input: caps.clone(),
            output,
            conversion,
        });
    }

    /// Returns the picture with its output caps. Shares its memory unless it has to be converted.
    pub(crate) fn convert(
        &self,
        caps: gst::Caps,
        picture: gst::Buffer,
    ) -> (gst::Caps, gst::Buffer) {
        let current = self.current.as_ref();
        let Some(current) = current.filter(|current| current.input == caps) else {
            return (caps, picture);
        };
        match &current.conversion {
            None => (current.output.clone(), picture),
            Some(conversion) => match conversion.apply(&picture) {
                Some(converted) => (current.output.clone(), converted),
                None => (caps, picture),
            },
        }
    }
}

/// Returns the caps without their colorimetry.
pub(crate) fn with_any_colorimetry(caps: &gst::Caps) -> gst::Caps {
    let mut any = caps.clone();
    if let Some(structure) = any.make_mut().structure_mut(0) {
        structure.remove_field("colorimetry");
    }
    any
}

/// Returns the output caps of pictures with these caps, and the conversion to them if one is
/// needed; `None` if they cannot be converted.
fn conversion(caps: &gst::Caps, allowed: &gst::Caps) -> Option<(gst::Caps, Option<Conversion>)> {
    let original = VideoInfo::from_caps(caps).ok()?;
    if !original.format_info().is_yuv() || is_high_dynamic_range(&original) {
        return None;
    }
    let mut output = caps.clone();
    let colorimetry = required(caps, allowed).unwrap_or_else(|| DEFAULT.into());
    output.make_mut().set("colorimetry", colorimetry);
    let target = VideoInfo::from_caps(&output).ok()?;
    if looks_the_same(&original.colorimetry(), &target.colorimetry()) {
        return Some((output, None));
    }
    let input = match with_fcc_matrix(caps) {
        Some(caps) => VideoInfo::from_caps(&caps).ok()?,
        None => original,
    };
    let converter = VideoConverter::new(&input, &target, None).ok()?;
    let conversion = Conversion {
        converter,
        input,
        output: target,
    };
    Some((output, Some(conversion)))
}

/// Returns the colorimetry that downstream requires, unless it takes the default one.
fn required(caps: &gst::Caps, allowed: &gst::Caps) -> Option<String> {
    let mut default = caps.clone();
    default.make_mut().set("colorimetry", DEFAULT);
    if allowed.can_intersect(&default) {
        return None;
    }
    let mut possible = allowed.intersect(&with_any_colorimetry(caps));
    if possible.is_empty() || possible.is_any() {
        return None;
    }
    possible.fixate();
    possible.structure(0)?.get("colorimetry").ok()
}

/// Converting these to the default would take more than a matrix.
fn is_high_dynamic_range(info: &VideoInfo) -> bool {
    let transfer = info.colorimetry().transfer();
    info.comp_depth(0) > 8
        || matches!(
            transfer,
            VideoTransferFunction::Smpte2084 | VideoTransferFunction::AribStdB67
        )
}

/// Whether matrix and range are equal. GStreamer does not convert the rest.
fn looks_the_same(one: &VideoColorimetry, other: &VideoColorimetry) -> bool {
    (one.matrix(), one.range()) == (other.matrix(), other.range())
}

impl Conversion {
    fn apply(&self, picture: &gst::Buffer) -> Option<gst::Buffer> {
        let mut converted = gst::Buffer::with_size(self.output.size()).ok()?;
        {
            let buffer = converted.get_mut()?;
            let copied = gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::TIMESTAMPS;
            picture.copy_into(buffer, copied, ..).ok()?;
            let from = VideoFrameRef::from_buffer_ref_readable(picture, &self.input).ok()?;
            let mut to = VideoFrameRef::from_buffer_ref_writable(buffer, &self.output).ok()?;
            self.converter.frame_ref(&from, &mut to);
        }
        Some(converted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(colorimetry: &str) -> gst::Caps {
        gst::init().unwrap();
        let colorimetry = colorimetry.parse().unwrap();
        let info =
            VideoInfo::builder(gst_video::VideoFormat::I420, 16, 16).colorimetry(&colorimetry);
        info.build().unwrap().to_caps().unwrap()
    }

    /// A picture whose Y, U and V are these everywhere.
    fn picture([y, u, v]: [u8; 3]) -> gst::Buffer {
        let mut picture =
            gst::Buffer::from_mut_slice([vec![y; 256], vec![u; 64], vec![v; 64]].concat());
        picture.get_mut().unwrap().set_pts(gst::ClockTime::SECOND);
        picture
    }

    /// The output for a picture with this colorimetry, and its Y, U and V.
    fn converted(
        converter: &mut ColorConverter,
        colorimetry: &str,
        allowed: &gst::Caps,
        yuv: [u8; 3],
    ) -> (String, [u8; 3]) {
        let caps = caps(colorimetry);
        assert!(!converter.is_set_up(&caps));
        converter.set_up(&caps, allowed);
        assert!(converter.is_set_up(&caps));
        let (caps, picture) = converter.convert(caps, picture(yuv));
        assert_eq!(picture.pts(), Some(gst::ClockTime::SECOND));
        let data = picture.map_readable().unwrap();
        let colorimetry = caps.structure(0).unwrap().get("colorimetry").unwrap();
        (colorimetry, [data[0], data[256], data[320]])
    }

    #[test]
    fn a_stream_keeps_its_colorimetry_while_its_sender_changes_it() {
        let any = with_any_colorimetry(&caps("bt601"));
        let mut converter = ColorConverter::default();
        // (30,200,50) each time, by the definitions of ITU-R BT.601 and BT.709.
        for (sent, yuv) in [
            ("bt601", [129, 87, 64]),
            ("bt709", [147, 79, 59]),
            // Chromium's canvases.
            ("1:3:7:1", [153, 72, 50]),
            ("1:4:0:0", [132, 82, 55]),
        ] {
            let (signalled, seen) = converted(&mut converter, sent, &any, yuv);
            assert_eq!(signalled, "bt601", "{sent}");
            for (seen, expected) in seen.into_iter().zip([129u8, 87, 64]) {
                assert!(
                    seen.abs_diff(expected) <= 2,
                    "{sent}: {seen} is not {expected}"
                );
            }
        }
    }

    #[test]
    fn a_stream_has_the_colorimetry_that_downstream_requires() {
        let mut converter = ColorConverter::default();
        let (signalled, seen) = converted(&mut converter, "bt601", &caps("bt709"), [129, 87, 64]);
        assert_eq!(signalled, "bt709");
        assert!(seen[0].abs_diff(147) <= 2, "{seen:?}");
        let nothing = gst::Caps::new_empty();
        let (signalled, _) = converted(&mut converter, "bt709", &nothing, [0; 3]);
        assert_eq!(signalled, "bt601");
    }

    #[test]
    fn a_picture_that_differs_in_transfer_and_primaries_only_is_labelled() {
        let caps = caps("2:4:7:1");
        let mut converter = ColorConverter::default();
        converter.set_up(&caps, &with_any_colorimetry(&caps));
        let picture = picture([1, 2, 3]);
        let (labelled, same) = converter.convert(caps, picture.clone());
        let colorimetry = labelled.structure(0).unwrap().get::<&str>("colorimetry");
        assert_eq!(colorimetry, Ok("bt601"));
        assert_eq!(same.as_ptr(), picture.as_ptr());
    }

    #[test]
    fn a_picture_that_needs_no_conversion_shares_its_memory() {
        let caps = caps("bt601");
        let mut converter = ColorConverter::default();
        converter.set_up(&caps, &with_any_colorimetry(&caps));
        let picture = picture([1, 2, 3]);
        let (_, same) = converter.convert(caps, picture.clone());
        assert_eq!(same.as_ptr(), picture.as_ptr());
    }
}
