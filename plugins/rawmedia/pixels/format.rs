//! How samples lie in a row.
#![forbid(unsafe_code)]

/// Interleaved RGB of 8 bits: where red, green and blue are in a pixel of 3 or 4 bytes.
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
    /// Bytes R, G, B and one that stays (RGBA too).
    pub const RGBX: Self = Self::of(4, 0, 1, 2);
    /// Bytes B, G, R and one that stays (BGRA too).
    pub const BGRX: Self = Self::of(4, 2, 1, 0);
    /// One byte that stays, then R, G, B (ARGB too).
    pub const XRGB: Self = Self::of(4, 1, 2, 3);
    /// One byte that stays, then B, G, R (ABGR too).
    pub const XBGR: Self = Self::of(4, 3, 2, 1);

    /// Pixels of `size` bytes with red, green and blue at these offsets; `None` unless the size is 3
    /// or 4 and the offsets are three different bytes of it.
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

    /// Bytes of a pixel, 3 or 4.
    pub const fn size(self) -> usize {
        self.size as usize
    }

    pub(crate) fn offsets(self) -> [usize; 3] {
        self.offsets.map(usize::from)
    }
}

/// Samples of up to 16 bits, each in two bytes, the lower first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    bits: u8,
    shift: u8,
}

impl Depth {
    /// 10 bits at the lower end: `I420_10LE`, `GBR_10LE`.
    pub const LOW_10: Self = Self { bits: 10, shift: 0 };
    /// 10 bits at the upper end, the 6 below them 0: `P010_10LE`, `Y210`.
    pub const HIGH_10: Self = Self { bits: 10, shift: 6 };
    /// 12 bits at the lower end: `I420_12LE`, `GBR_12LE`.
    pub const LOW_12: Self = Self { bits: 12, shift: 0 };
    /// 12 bits at the upper end, the 4 below them 0: `P012_LE`.
    pub const HIGH_12: Self = Self { bits: 12, shift: 4 };
    /// All 16 bits: `P016_LE`, `GBR_16LE`.
    pub const FULL_16: Self = Self { bits: 16, shift: 0 };

    /// `bits` bits, the lowest of them at bit `shift`; `None` unless 1..=16 of them fit.
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

    /// How many bits count.
    pub const fn bits(self) -> u32 {
        self.bits as u32
    }

    /// How many bits below them are 0.
    pub const fn shift(self) -> u32 {
        self.shift as u32
    }

    /// The sample of no colour in a row of chroma, without the shift.
    pub(crate) const fn neutral(self) -> u16 {
        1 << (self.bits - 1)
    }

    /// The largest sample, without the shift.
    pub(crate) const fn max(self) -> u16 {
        u16::MAX >> (16 - self.bits)
    }
}

/// RGB with 10 bits for each component, in words of 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rgb10 {
    /// `RGB10A2_LE`: a word with its lowest byte first, red in the lowest bits, alpha in the top two.
    Rgb10a2Le,
    /// `BGR10A2_LE`: the same with blue in the lowest bits.
    Bgr10a2Le,
    /// `r210`: a word with its highest byte first, two unused bits, red, green, blue.
    R210,
}

/// YUV with all components in one row. Named as in GStreamer.
///
/// A row holds whole groups of bytes, as rows of GStreamer's strides do: two pixels of 4:2:2 also
/// where the picture's width is odd. A last group that is not whole stays as it is.
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
    /// 4:4:4, words of 32 bits with the lowest byte first: 10 bits each of U, Y, V, then 2 of alpha.
    Y410,
}

/// Rows of chroma as they lie in planar and semi-planar formats.
#[derive(Clone, Copy, Debug)]
pub enum Chroma<'a> {
    /// A row each of U and V: `I420`, `Y42B`.
    Planar {
        /// The row of the U plane.
        u: &'a [u8],
        /// The row of the V plane.
        v: &'a [u8],
    },
    /// Samples U, V in turn: `NV12`.
    Uv(&'a [u8]),
    /// Samples V, U in turn: `NV21`.
    Vu(&'a [u8]),
}

/// How many samples of luma lie beside each other for one of chroma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subsampling {
    /// 4:4:4.
    One,
    /// 4:2:2 and 4:2:0.
    Two,
    /// 4:1:1 and 4:1:0.
    Four,
}
