//! The layout of samples in a row.
#![forbid(unsafe_code)]

/// Interleaved 8-bit RGB: the positions of red, green and blue in a pixel of 3 or 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RgbLayout {
    /// Bytes of a pixel.
    size: u8,
    /// The bytes of red, green and blue.
    offsets: [u8; 3],
}

impl RgbLayout {
    /// Bytes R, G, B.
    pub const RGB: Self = Self::of(3, 0, 1, 2);
    /// Bytes B, G, R.
    pub const BGR: Self = Self::of(3, 2, 1, 0);
    /// Bytes R, G, B and one that is kept (also RGBA).
    pub const RGBX: Self = Self::of(4, 0, 1, 2);
    /// Bytes B, G, R and one that is kept (also BGRA).
    pub const BGRX: Self = Self::of(4, 2, 1, 0);
    /// One byte that is kept, then R, G, B (also ARGB).
    pub const XRGB: Self = Self::of(4, 1, 2, 3);
    /// One byte that is kept, then B, G, R (also ABGR).
    pub const XBGR: Self = Self::of(4, 3, 2, 1);

    /// Describes pixels of `size` bytes with red, green and blue at these offsets. Returns `None`
    /// unless the size is 3 or 4 and the offsets are three different bytes of the pixel.
    pub const fn new(size: usize, r: usize, g: usize, b: usize) -> Option<Self> {
        let inside = r < size && g < size && b < size;
        let distinct = r != g && g != b && b != r;
        if matches!(size, 3 | 4) && inside && distinct {
            Some(Self::of(size, r, g, b))
        } else {
            None
        }
    }

    const fn of(size: usize, r: usize, g: usize, b: usize) -> Self {
        Self {
            size: size as u8,
            offsets: [r as u8, g as u8, b as u8],
        }
    }

    /// Returns the bytes per pixel, 3 or 4.
    pub const fn size(self) -> usize {
        self.size as usize
    }

    pub(crate) fn offsets(self) -> [usize; 3] {
        self.offsets.map(usize::from)
    }
}

/// Samples of up to 16 bits, each in two bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    bits: u8,
    shift: u8,
}

impl Depth {
    /// The lowest 10 bits: `I420_10LE`, `GBR_10LE`.
    pub const LOW_10: Self = Self { bits: 10, shift: 0 };
    /// The highest 10 bits, with 6 zero bits below them: `P010_10LE`, `Y210`.
    pub const HIGH_10: Self = Self { bits: 10, shift: 6 };
    /// The lowest 12 bits: `I420_12LE`, `GBR_12LE`.
    pub const LOW_12: Self = Self { bits: 12, shift: 0 };
    /// The highest 12 bits, with 4 zero bits below them: `P012_LE`.
    pub const HIGH_12: Self = Self { bits: 12, shift: 4 };
    /// All 16 bits: `P016_LE`, `GBR_16LE`.
    pub const FULL_16: Self = Self { bits: 16, shift: 0 };

    /// Describes samples of `bits` bits, the lowest at bit `shift`. Returns `None` unless `bits` is
    /// 1..=16 and they fit into 16 bits.
    pub const fn new(bits: u32, shift: u32) -> Option<Self> {
        if 1 <= bits && bits <= 16 && shift <= 16 - bits {
            Some(Self {
                bits: bits as u8,
                shift: shift as u8,
            })
        } else {
            None
        }
    }

    /// Returns the number of significant bits.
    pub const fn bits(self) -> u32 {
        self.bits as u32
    }

    /// Returns the number of zero bits below them.
    pub const fn shift(self) -> u32 {
        self.shift as u32
    }

    /// Returns the neutral chroma sample, without the shift.
    pub(crate) const fn neutral(self) -> u16 {
        1 << (self.bits - 1)
    }

    /// Returns the largest sample, without the shift.
    pub(crate) const fn max(self) -> u16 {
        u16::MAX >> (16 - self.bits)
    }
}

/// RGB with 10 bits per component, in 32-bit words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rgb10 {
    /// `RGB10A2_LE`: a little-endian word with red in the lowest bits and alpha in the top two.
    Rgb10a2Le,
    /// `BGR10A2_LE`: the same, with blue in the lowest bits.
    Bgr10a2Le,
    /// `r210`: a big-endian word with two unused bits, red, green and blue.
    R210,
}

/// YUV with all components in one row. Named as in GStreamer.
///
/// A row consists of whole groups of bytes, as GStreamer's strides do: two pixels of 4:2:2 even if
/// the width of the picture is odd. An incomplete last group is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packed {
    /// 4:2:2, bytes Y U Y V.
    Yuy2,
    /// 4:2:2, bytes Y V Y U.
    Yvyu,
    /// 4:2:2, bytes U Y V Y.
    Uyvy,
    /// 4:2:2, bytes V Y U Y.
    Vyuy,
    /// 4:4:4, bytes A Y U V.
    Ayuv,
    /// 4:4:4, bytes V U Y A.
    Vuya,
    /// 4:4:4, bytes Y U V.
    V308,
    /// 4:4:4, bytes U Y V.
    Iyu2,
    /// 4:2:2, samples Y U Y V of [`Depth::HIGH_10`].
    Y210,
    /// 4:4:4, little-endian 32-bit words: 10 bits each of U, Y, V, then 2 bits of alpha.
    Y410,
}

/// Rows of chroma in planar and semi-planar formats.
#[derive(Clone, Copy, Debug)]
pub enum Chroma<'a> {
    /// Separate rows of U and V: `I420`, `Y42B`.
    Planar {
        /// The row of the U plane.
        u: &'a [u8],
        /// The row of the V plane.
        v: &'a [u8],
    },
    /// Alternating samples U, V: `NV12`.
    Uv(&'a [u8]),
    /// Alternating samples V, U: `NV21`.
    Vu(&'a [u8]),
}

/// The number of adjacent luma samples that share a chroma sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subsampling {
    /// 4:4:4.
    One,
    /// 4:2:2 and 4:2:0.
    Two,
    /// 4:1:1 and 4:1:0.
    Four,
}
